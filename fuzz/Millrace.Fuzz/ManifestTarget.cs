using Millrace.Persistence.Aof;

namespace Millrace.Fuzz;

/// <summary>
/// The parser of manifests. Promises: nothing throws; memory keeps within its limit (<see cref="MemoryLimit"/>), with
/// what was let go meanwhile; what is refused gives a reason and no files; what is accepted and then written is read as
/// the same, and so is what operations make of it.
/// </summary>
public sealed class ManifestTarget : FuzzTarget
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "manifest";

    private const int MaxLineBytes = 1024;

    // Empty lists, and the words of a reason.
    private const int LeastBytes = 4 * 1024;
    private static readonly AofNames FileNames = new("a b");

    /// <summary>A target.</summary>
    public ManifestTarget() => Run("file a seq 1 type b\nfile b seq 1 type i\nx"u8); // loads the code

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Persistence";

    /// <inheritdoc/>
    public override string[] SourceFiles => ["AofManifestParser.cs", "AofManifest.cs", "AofNames.cs"];

    /// <inheritdoc/>
    public override int MaxInputBytes => 1536;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            "file ", " seq ", " type ", "b\n", "i\n", "h\n", "a.1.base.rdb", "a.1.incr.aof", "1", "2", "0", "-1",
            "9223372036854775807", "99999999999999999999", "4611686018427387903", "#", "\n", "\r\n", "\"", "'", "\\x00",
            "\\n", "/", "\\", "\0", "..", "\"\"", "k v ", "\xc3\xbc", new string('v', 300), "\v", "\t",
            "file a.1.incr.aof seq 1 type i\n", "file a.1.base.aof seq 1 type b\n", "file a seq 1 type h\n",
        }.Select(text => System.Text.Encoding.Latin1.GetBytes(text)),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => (64 * 1024) + (512L * inputBytes);

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        var error = Parse(input, out var manifest, out long taken);
        long limit = LeastBytes + MemoryLimit.Of(input.Length);

        // Now and then the runtime takes some for itself; not twice.
        if (taken > limit) Parse(input, out _, out taken);
        Promise(taken <= limit, $"{input.Length} bytes take {taken} bytes of memory");
        if (error is not null)
        {
            Promise(error.Reason.Length > 0 && error.LogLines.Count() >= 2, "an error without a reason");
            Promise(ReferenceEquals(manifest, AofManifest.Empty), "what is refused has files");
            return;
        }

        CheckWritten(manifest);
        var next = manifest.NextIncr(FileNames).NextBase(FileNames, isRdb: true).Rewritten(keepsLast: true);
        Promise(next.Incr.Length == 1 && next.Base is not null, "a rewrite leaves a base and what is appended to");
        Promise(
            next.History.Length == manifest.History.Length + manifest.Incr.Length + (manifest.Base is null ? 0 : 1),
            "a rewrite loses files");
        CheckWritten(next);
        CheckWritten(next.WithoutHistory());
        CheckWritten(manifest.Rewritten(keepsLast: false));
        var behind = manifest.Behind(next);
        Promise(behind.LastIncrSeq >= next.LastIncrSeq && behind.LastBaseSeq >= next.LastBaseSeq, "numbers go back");
        Promise(behind.HasNoData == manifest.HasNoData && !next.HasNoData, "files are lost behind numbers");
        foreach (string name in next.Removable())
            Promise(name != next.Base?.Name && next.Incr.All(file => file.Name != name), "a file in use is removable");
    }

    private static AofManifestError? Parse(ReadOnlySpan<byte> input, out AofManifest manifest, out long taken)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        AofManifestError? error = AofManifestParser.Parse(input, out manifest);
        taken = GC.GetAllocatedBytesForCurrentThread() - before;
        return error;
    }

    private static void Promise(bool kept, string sentence)
    {
        if (!kept) throw new BrokenPromiseException(sentence);
    }

    private static void CheckWritten(AofManifest manifest)
    {
        // A manifest without files is not one, and names of hundreds of control characters do not fit into a line.
        var written = manifest.ToBytes();
        var isShort = true;
        foreach (var line in written.AsSpan().Split((byte)'\n'))
            isShort &= written.AsSpan(line).Length < MaxLineBytes;
        if (written.Length == 0 || !isShort || manifest.LastIncrSeq > AofManifest.MaxSeq
            || manifest.LastBaseSeq > AofManifest.MaxSeq)
            return;
        Promise(AofManifestParser.Parse(written, out var again) is null, "what was written is refused");
        Promise(again.ToBytes().AsSpan().SequenceEqual(written), "what was written is read as something else");
    }
}
