using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Fuzz;

/// <summary>
/// The arguments of the searches in geospatial indexes, and the searches. The first byte chooses one of a few
/// beginnings of a request, the rest are its further words between blanks. Promises: one well-formed reply; a search
/// that is repeated says the same; it takes no memory for good, and what it stores is given back when it is deleted.
/// </summary>
public sealed class GeoSearchTarget : FuzzTarget, IDisposable
{
    /// <summary>The target's name.</summary>
    public const string TargetName = "geosearch";

    private const int SmallMembers = 60;
    private const int LargeMembers = 300;

    private static readonly byte[][] Beginnings =
    [
        .. new[]
        {
            "GEOSEARCH small", "GEOSEARCH large", "GEOSEARCHSTORE stored large", "GEORADIUS large",
            "GEORADIUSBYMEMBER small", "GEORADIUS_RO small", "GEOSEARCHSTORE stored small", "GEOADD stored",
        }.Select(Encoding.ASCII.GetBytes),
    ];

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
    private readonly byte[] _small = MembersOf("small", SmallMembers);
    private readonly byte[] _large = MembersOf("large", LargeMembers);
    private byte[] _first = [];
    private long _usedBytes;
    private bool _isChanged;

    /// <summary>A target with two indexes of its own.</summary>
    public GeoSearchTarget()
    {
        _request = new byte[8 * (_large.Length + MaxInputBytes)];
        _keyspace = new Keyspace(new KeyspaceShape(1, 16, 1), _source, new KeyHasher(1));
        _unit = new Unit(_keyspace, 1);
        Fill();
        foreach (byte[] beginning in Beginnings)
            Run([.. beginning, .. " 1 1"u8]);
    }

    /// <inheritdoc/>
    public override string Name => TargetName;

    /// <inheritdoc/>
    public override string Assembly => "Millrace.Commands";

    /// <inheritdoc/>
    public override string[] SourceFiles =>
    [
        "GeoSearchOptions.cs", "GeoSearch.cs", "GeoShape.cs", "GeoCells.cs", "GeoHits.cs", "GeoHash.cs", "GeoEarth.cs",
    ];

    /// <inheritdoc/>
    public override int MaxInputBytes => 256;

    /// <inheritdoc/>
    public override IReadOnlyList<byte[]> Tokens { get; } =
    [
        .. new[]
        {
            " FROMMEMBER m1", " FROMLONLAT 1 2", " BYRADIUS 900 km", " BYBOX 900 700 mi", " BYPOLYGON 3 0 0 9 9 0 9",
            " COUNT 5", " ANY", " ASC", " DESC", " WITHCOORD", " WITHDIST", " WITHHASH", " STORE stored",
            " STOREDIST stored", " STOREDIST", " m1", " 1 2", " ft", " inf", " 1e300", " -1", " 0", " 180", " -180",
            " 85.05112878", " -85", " 20038000", " 0.0001", " nan",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int inputBytes) => 1024 * 1024;

    /// <inheritdoc/>
    public override void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return;
        byte[] beginning = Beginnings[input[0] % Beginnings.Length];
        _isChanged = false;
        Execute(beginning, input[1..]);
        int length = _output.Written.Length;
        if (length > _first.Length)
            _first = new byte[length];
        _output.Written.CopyTo(_first);
        bool isSearch = !_isChanged;
        Execute(beginning, input[1..]);
        if (isSearch && !_output.Written.SequenceEqual(_first.AsSpan(0, length)))
            throw new BrokenPromiseException("the same search found something else");
        long expected = _usedBytes;
        if (_isChanged)
        {
            Execute("FLUSHALL SYNC"u8, default);
            expected = 0;
        }
        if (_keyspace.UsedBytes != expected)
            throw new BrokenPromiseException($"{_keyspace.UsedBytes - expected} bytes were not given back");
        if (_isChanged)
            Fill();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _keyspace.Dispose();
        _source.Dispose();
    }

    // Half of them in a few degrees, half all over the world.
    private static byte[] MembersOf(string name, int members)
    {
        var words = new StringBuilder("GEOADD ").Append(name);
        for (int i = 0; i < members; i++)
        {
            (double longitude, double latitude) = i % 2 == 0
                ? (i * 7.31 % 10, i * 3.77 % 10)
                : ((i * 37.7 % 360) - 180, (i * 23.9 % 170) - 85);
            words.Append(CultureInfo.InvariantCulture, $" {longitude} {latitude} m{i}");
        }
        return Encoding.ASCII.GetBytes(words.ToString());
    }

    private void Fill()
    {
        Execute(_small, default);
        Execute(_large, default);
        _usedBytes = _keyspace.UsedBytes;
    }

    private void Execute(ReadOnlySpan<byte> beginning, ReadOnlySpan<byte> rest)
    {
        Span<byte> request = _request.AsSpan(0, Encode(beginning, rest));
        _parser.Parse(request, RequestLimits.Default, authenticated: true, _slices, out _);
        var args = new Args(request, _slices.AsSpan());
        CommandSpec spec = _table.Find(args[0])!;
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
        _unit.TryBegin(_keyspace.AllPartitions, 1, patient: true, out _);
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
