using System.Text;
using Millrace.Commands;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// Commands on a keyspace of their own. The first byte of an input chooses one of a few beginnings of a request, the
/// rest are its further words between blanks. Promises: one well-formed reply; a request that changes nothing says the
/// same when it is repeated and takes no memory for good; what a change leaves behind can be read, says the same twice,
/// and is given back when it is deleted.
/// </summary>
public abstract class KeyspaceTarget : FuzzTarget, IDisposable
{
    private const int NowMs = 1;
    private const int BytesPerShortWord = 8;
    private const int MostInputBytes = 256;

    private readonly byte[][] _beginnings;
    private readonly byte[][] _contents;
    private readonly byte[][] _looks;
    private readonly MemorySource _source = new();
    private readonly Keyspace _keyspace;
    private readonly Unit _unit;
    private readonly CommandTable _table = new(DataCommands.All);
    private readonly RequestParser _parser = new();
    private readonly SliceList _slices = new();
    private readonly ReplyWriter _reply = new();
    private readonly EffectBuffer _effects = new();
    private readonly RespReader _reader = new(ReplyLimits.Default);
    private readonly LoneCaller _caller = new();
    private readonly ReplyBuffer _output = new();
    private readonly byte[] _request;
    private byte[] _first = [];
    private long _usedBytes;
    private bool _isChanged;

    /// <summary>A target with a keyspace of its own.</summary>
    /// <param name="beginnings">What requests begin with.</param>
    /// <param name="contents">The requests that fill the keyspace.</param>
    /// <param name="looks">Requests that read what a change may have left.</param>
    /// <param name="encodings">Where compact encodings end; null: where they usually do.</param>
    protected KeyspaceTarget(string[] beginnings, string[] contents, string[] looks, EncodingLimits? encodings = null)
    {
        _beginnings = [.. beginnings.Select(Encoding.ASCII.GetBytes)];
        _contents = [.. contents.Select(Encoding.ASCII.GetBytes)];
        _looks = [.. looks.Select(Encoding.ASCII.GetBytes)];
        int longest = _beginnings.Concat(_contents).Concat(_looks).Max(text => text.Length);
        _request = new byte[BytesPerShortWord * (longest + MostInputBytes)];
        _keyspace = new Keyspace(new KeyspaceShape(1, 16, 1), _source, new KeyHasher(1));
        if (encodings is not null)
            _keyspace.Encodings = encodings;
        _unit = new Unit(_keyspace, 1);
        Fill();

        // The code is loaded here and not in the first execution, whose memory is measured.
        for (int i = 0; i < _beginnings.Length; i++)
            RunRequest([(byte)i, .. " 1 1"u8]);
    }

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Commands";

    /// <inheritdoc/>
    public override int MaxInputBytes => MostInputBytes;

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 1024 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        if (!input.IsEmpty)
            RunRequest(input);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Disposes of the keyspace.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _keyspace.Dispose();
        _source.Dispose();
    }

    private void RunRequest(ReadOnlySpan<byte> input)
    {
        byte[] beginning = _beginnings[input[0] % _beginnings.Length];
        _isChanged = false;
        Execute(beginning, input[1..]);
        if (_isChanged)
        {
            Execute(beginning, input[1..]);
            Look();
            Execute("FLUSHALL SYNC"u8, default);
            Expect(0);
            Fill();
            return;
        }
        Repeat(beginning, input[1..]);
        Expect(_usedBytes);
    }

    private void Fill()
    {
        foreach (byte[] request in _contents)
            Execute(request, default);
        _usedBytes = _keyspace.UsedBytes;
    }

    private void Look()
    {
        long used = _keyspace.UsedBytes;
        foreach (byte[] request in _looks)
        {
            Execute(request, default);
            Repeat(request, default);
        }
        Expect(used);
    }

    private void Expect(long usedBytes)
    {
        long more = _keyspace.UsedBytes - usedBytes;
        if (more == 0)
            return;

        // The next execution begins with what is usual, so that the input can be made smaller.
        Execute("FLUSHALL SYNC"u8, default);
        Fill();
        throw new BrokenPromiseException($"{more} bytes were not given back");
    }

    /// <summary>Executes again what has just been executed.</summary>
    private void Repeat(ReadOnlySpan<byte> beginning, ReadOnlySpan<byte> rest)
    {
        int length = _output.Written.Length;
        if (length > _first.Length)
            _first = new byte[length];
        _output.Written.CopyTo(_first);
        Execute(beginning, rest);
        if (!_output.Written.SequenceEqual(_first.AsSpan(0, length)))
            throw new BrokenPromiseException("the same request, which changes nothing, had another reply");
    }

    private void Execute(ReadOnlySpan<byte> beginning, ReadOnlySpan<byte> rest)
    {
        Span<byte> request = _request.AsSpan(0, Encode(beginning, rest));
        _parser.Parse(request, RequestLimits.Default, authenticated: true, _slices, out _);
        var args = new Args(request, _slices.AsSpan());
        CommandSpec spec = _table.Find(args[0])!;
        if (spec.Handler is null)
            spec = spec.FindSubcommand(args[1])!;
        _output.Clear();
        if (!spec.AcceptsCount(args.Count))
            return;
        Span<KeyAt> keys = stackalloc KeyAt[spec.Keys.Length];
        int count = 0;
        foreach (KeySpec one in spec.Keys)
        {
            if (one.TryFind(args, out int at, out _))
                keys[count++] = new KeyAt(at, _keyspace.HashOf(args[at]));
        }
        _reply.Attach(_output, _output.Segment, 0, protocol: 2 + (rest.Length % 2));
        _effects.Reset(isRecording: true);
        _unit.TryBegin(_keyspace.AllPartitions, NowMs, patient: true, out _);
        var call = new Call(spec, args, keys[..count], _reply, _unit, _caller, _effects);
        spec.Handler!(ref call);
        _isChanged |= _unit.Dirty > 0;
        _unit.End();
        _output.End(_reply.Detach());
        if (_reader.Read(_output.Written, out _, out int consumed) != ReadStatus.Complete
            || consumed != _output.Written.Length)
            throw new BrokenPromiseException("not one reply");
    }

    private int Encode(ReadOnlySpan<byte> beginning, ReadOnlySpan<byte> rest)
    {
        int words = Count(beginning) + Count(rest);
        int at = Header((byte)'*', words, 0);
        at = EncodeWords(beginning, at);
        return EncodeWords(rest, at);
    }

    private static int Count(ReadOnlySpan<byte> text)
    {
        int words = 0;
        foreach (Range word in text.Split((byte)' '))
            words += text[word].IsEmpty ? 0 : 1;
        return words;
    }

    private int EncodeWords(ReadOnlySpan<byte> text, int at)
    {
        foreach (Range range in text.Split((byte)' '))
        {
            ReadOnlySpan<byte> word = text[range];
            if (word.IsEmpty)
                continue;
            at = Header((byte)'$', word.Length, at);
            word.CopyTo(_request.AsSpan(at));
            at += word.Length;
            "\r\n"u8.CopyTo(_request.AsSpan(at));
            at += 2;
        }
        return at;
    }

    private int Header(byte kind, int number, int at)
    {
        _request[at++] = kind;
        number.TryFormat(_request.AsSpan(at), out int digits);
        at += digits;
        "\r\n"u8.CopyTo(_request.AsSpan(at));
        return at + 2;
    }

    private sealed class LoneCaller : Caller
    {
        public override long Id => 1;
    }

    /// <summary>One array that grows, so that a reply is in one piece.</summary>
    private sealed class ReplyBuffer : SegmentSource
    {
        private int _length;

        public byte[] Segment { get; private set; } = new byte[256 * 1024];

        public ReadOnlySpan<byte> Written => Segment.AsSpan(0, _length);

        public void Clear() => _length = 0;

        public void End(int length) => _length = length;

        public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
        {
            byte[] larger = new byte[Math.Max(2 * Segment.Length, filledInCurrent + minimumFree)];
            Segment.AsSpan(0, filledInCurrent).CopyTo(larger);
            start = filledInCurrent;
            return Segment = larger;
        }
    }
}
