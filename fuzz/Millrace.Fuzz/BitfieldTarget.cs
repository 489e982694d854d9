using System.Text;
using Millrace.Commands.Families;
using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// The arguments of BITFIELD; an input is its words with blanks between them. Promises: nothing throws; every step that
/// is read lies within the limit of a string and within its type; the same words give the same steps; steps that are
/// written down again are read as the same.
/// </summary>
public sealed class BitfieldTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "bitfield";

    private const long MaxBytes = 512L * 1024 * 1024;
    private const int MaxWords = 512;
    private const int MaxStepBytes = 96;

    private readonly Slice[] _slices = new Slice[MaxWords + 2];
    private readonly byte[] _request = new byte[MaxWords * MaxStepBytes];
    private readonly BitfieldStep[] _steps = new BitfieldStep[MaxWords];

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Commands";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["BitfieldReader.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 256;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "GET ", "SET ", "INCRBY ", "OVERFLOW ", "WRAP ", "SAT ", "FAIL ", "u8 ", "i64 ", "u63 ", "u64 ", "i0 ",
            "#0 ", "#536870911 ", "#9223372036854775807 ", "4294967295 ", "4294967296 ", "-1 ", "GET u8 0 ",
            "SET i5 #1 -9223372036854775808 ", "INCRBY u2 100 1 ", "\0",
        }.Select(Encoding.Latin1.GetBytes),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 64 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        "BITFIELD k "u8.CopyTo(_request);
        input.CopyTo(_request.AsSpan(11));
        Args request = Split(11 + input.Length);
        int count = Read(request, out int error);
        if (Read(request, out int again) != count || again != error)
            throw new BrokenPromiseException("the same words were read in two ways");
        for (int i = 0; i < count; i++)
            Check(_steps[i]);
        if (error > 0)
            return;
        BitfieldStep[] steps = count == 0 ? [] : _steps[..count];
        if (Read(Split(Write(steps)), out error) != count || error > 0
            || !steps.AsSpan().SequenceEqual(_steps.AsSpan(0, count)))
            throw new BrokenPromiseException("steps that were written down were read differently");
    }

    private static void Check(BitfieldStep step)
    {
        bool isWidth = step.Bits >= 1 && step.Bits <= (step.IsSigned ? 64 : 63);
        bool isPlace = step.Offset >= 0 && step.Offset / 8 < MaxBytes && step.NeededBytes <= MaxBytes + 8;
        if (!isWidth || !isPlace || (step.Action == BitfieldAction.Get && step.Number != 0))
            throw new BrokenPromiseException($"no step: {step}");
    }

    private int Read(Args request, out int errorBytes)
    {
        var reader = new BitfieldReader(request, MaxBytes);
        int count = 0;
        while (reader.TryNext(out BitfieldStep step))
            _steps[count++] = step;
        errorBytes = reader.Error.Length;
        return count;
    }

    // Every step with an OVERFLOW of its own in front, which says the same.
    private int Write(BitfieldStep[] steps)
    {
        int at = "BITFIELD k "u8.Length;
        foreach (BitfieldStep step in steps)
        {
            string overflow = step.Overflow switch
            {
                BitfieldOverflow.Saturate => "sat",
                BitfieldOverflow.Fail => "fail",
                _ => "wrap",
            };
            string number = step.Action == BitfieldAction.Get ? "" : $" {step.Number}";
            string type = (step.IsSigned ? "i" : "u") + step.Bits;
            at += Encoding.Latin1.GetBytes(
                $"overflow {overflow} {step.Action} {type} {step.Offset}{number} ", _request.AsSpan(at));
        }

        return at - 1;
    }

    private Args Split(int length)
    {
        int count = 0;
        int start = 0;
        for (int at = 0; at <= length && count < _slices.Length; at++)
        {
            if (at < length && _request[at] != (byte)' ')
                continue;
            _slices[count++] = new Slice(start, at - start);
            start = at + 1;
        }
        return new Args(_request, _slices.AsSpan(0, count));
    }
}
