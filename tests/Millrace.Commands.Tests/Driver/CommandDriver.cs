// Runs requests through parser, table, unit, handler and reply writer in this thread: what the pipeline does, without
// sockets, loops and gates. Requests and replies are RESP bytes; texts are Latin-1, so every byte is one character.

using System.Numerics;
using System.Text;
using Millrace.Commands.Families;
using Millrace.Engine;
using Millrace.Memory;
using Millrace.Resp;

namespace Millrace.Commands.Tests.Driver;

/// <summary>A keyspace and one client of it.</summary>
internal sealed class CommandDriver : IDisposable
{
    private readonly MemorySource _source;
    private readonly CommandTable _table = new(DataCommands.All);
    private readonly RequestParser _parser = new();
    private readonly SliceList _slices = new();
    private readonly ReplyWriter _reply = new();
    private readonly EffectBuffer _effects = new();
    private readonly List<string> _lastEffects = [];
    private readonly CollectedEvents _events = new();

    public CommandDriver(int partitions = 1, int seed = 1, long regionBytes = 1L << 40)
    {
        _source = new MemorySource(regionBytes);
        var shape = new KeyspaceShape(partitions, 16, partitions == 1 ? 1 : 2);
        Keyspace = new Keyspace(shape, _source, new KeyHasher((ulong)seed));
        Unit = new Unit(Keyspace, (uint)seed) { RecordsRemovals = true };
        Client = new DriverCaller(_lastEffects);
        Unit.Notifications.Outlet = _events;
    }

    public Keyspace Keyspace { get; }

    /// <summary>Where its memory comes from.</summary>
    public MemorySource Source => _source;

    public Unit Unit { get; }

    public DriverCaller Client { get; }

    /// <summary>About how many bytes of the region can still be had.</summary>
    public long RoomBytes => _source.RoomBytes;

    public int Protocol { get; set; } = 2;

    /// <summary>The clock in Unix milliseconds.</summary>
    public long NowMs { get; set; } = 1_700_000_000_000;

    /// <summary>How many changes the last request made.</summary>
    public long Dirty { get; private set; }

    /// <summary>The effects of the last request, words joined by blanks; expired keys and members first, as
    /// <c>-key</c> and <c>-key member</c>.</summary>
    public IReadOnlyList<string> Effects => _lastEffects;

    /// <summary>The keyspace events since they were taken last, as <c>name key</c>, or <c>name key@database</c> outside
    /// of database 0. None are collected unless <see cref="Keyspace.Notifies"/> says so.</summary>
    public string[] TakeEvents() => _events.Take();

    /// <summary>Runs a request whose words are separated by blanks and returns the reply's bytes.</summary>
    public string Run(string request) => RunWords(request.Split(' '));

    /// <summary>Runs a request and returns the reply's bytes.</summary>
    public string RunWords(params ReadOnlySpan<string> words) => Execute(Encode(words));

    /// <summary>Runs a request and returns the reply as text: arrays in brackets, <c>(nil)</c> for null.</summary>
    public string Say(string request) => Render(RunWords(request.Split(' ')));

    /// <summary>Runs a request and returns the reply's value.</summary>
    public RespValue Value(params ReadOnlySpan<string> words) => Parse(RunWords(words));

    /// <summary>Runs a request that is encoded already; it must be one.</summary>
    public string Execute(byte[] request) => Execute(request, RequestLimits.Default.MaxBulkLength);

    /// <summary>The same with another limit for arguments.</summary>
    public string Execute(byte[] request, long maxBulkLength)
    {
        var limits = new RequestLimits { MaxBulkLength = maxBulkLength };
        var status = _parser.Parse(request, limits, authenticated: true, _slices, out var consumed);
        Assert.Equal(ParseStatus.Complete, status);
        Assert.Equal(request.Length, consumed);
        var args = new Args(request, _slices.AsSpan());
        var output = new CollectingOutput();
        _reply.Attach(output, output.First, 0, Protocol);
        Dispatch(args);
        return Encoding.Latin1.GetString(output.Finish(_reply.Detach()));
    }

    /// <summary>Makes a missing key hold a value of another type than the family under test has.</summary>
    public void PlantList(string name) => RunWords("RPUSH", name, "element");

    public void Dispose()
    {
        Keyspace.Dispose();
        _source.Dispose();
    }

    internal static byte[] Encode(ReadOnlySpan<string> words)
    {
        var text = new StringBuilder().Append('*').Append(words.Length).Append("\r\n");
        foreach (var word in words) text.Append('$').Append(word.Length).Append("\r\n").Append(word).Append("\r\n");
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    internal static RespValue Parse(string reply)
    {
        var bytes = Encoding.Latin1.GetBytes(reply);
        Assert.Equal(ReadStatus.Complete, new RespReader().Read(bytes, out var value, out var consumed));
        Assert.Equal(bytes.Length, consumed);
        return value!;
    }

    internal static string Render(string reply) => Render(Parse(reply));

    internal static string Render(RespValue value) => value switch
    {
        { IsNull: true } => "(nil)",
        { IsAggregate: true } => "[" + string.Join(' ', value.Items.Select(Render)) + "]",
        { Kind: RespKind.Integer } => value.Integer.ToString(),
        _ => Encoding.Latin1.GetString(value.Bytes.Span),
    };

    private void Dispatch(Args args)
    {
        _lastEffects.Clear();
        Dirty = 0;
        var spec = _table.Find(args[0]);
        if (spec is { Handler: null } && args.Count > 1) spec = spec.FindSubcommand(args[1]);
        if (spec?.Handler is null || !spec.AcceptsCount(args.Count))
        {
            _reply.Error("ERR no such command or wrong number of arguments"u8);
            return;
        }

        var keys = KeysOf(spec, args);
        _effects.Reset(isRecording: true);
        Assert.True(Unit.TryBegin(LockSet(spec, keys), NowMs, patient: true, out _));
        var call = new Call(spec, args, keys, _reply, Unit, Client, _effects);
        if (LargeValues.TryAdmit(call)) spec.Handler(ref call);
        Dirty = Unit.Dirty;
        Client.Record(Unit);
        if (Dirty > 0 && _effects.IsReplaced) RecordNamed(_effects.Bytes);
        else if (Dirty > 0) _lastEffects.Add(Joined(args));
        Unit.End();
        LargeValues.Fill(Unit, _reply);
    }

    private KeyAt[] KeysOf(CommandSpec spec, Args args)
    {
        var keys = new List<KeyAt>();
        foreach (var one in spec.Keys)
        {
            if (!one.TryFind(args, out var first, out var last)) continue;
            for (var i = first; i <= last; i += one.Step) keys.Add(new KeyAt(i, Keyspace.HashOf(args[i])));
        }

        return [.. keys];
    }

    private ulong LockSet(CommandSpec spec, KeyAt[] keys) => spec.Locks switch
    {
        LockScope.All => Keyspace.AllPartitions,
        LockScope.Handler => 0,
        _ => keys.Aggregate(0UL, (mask, key) => mask | (1UL << Keyspace.PartitionOf(key.Hash))),
    };

    private void RecordNamed(ReadOnlySpan<byte> bytes)
    {
        var rest = bytes.ToArray();
        while (rest.Length > 0)
        {
            var slices = new SliceList();
            Assert.Equal(
                ParseStatus.Complete,
                new RequestParser().Parse(rest, RequestLimits.Default, authenticated: true, slices, out var consumed));
            _lastEffects.Add(Joined(new Args(rest, slices.AsSpan())));
            rest = rest[consumed..];
        }
    }

    private static string Joined(Args args)
    {
        var words = new List<string>();
        for (var i = 0; i < args.Count; i++) words.Add(Encoding.Latin1.GetString(args[i]));
        return string.Join(' ', words);
    }
}

/// <summary>A client without a connection.</summary>
internal sealed class DriverCaller(List<string> effects) : Caller
{
    public override long Id => 1;

    public override void EndUnit(Unit unit)
    {
        Record(unit);
        base.EndUnit(unit);
    }

    /// <summary>Notes what the unit removed unasked.</summary>
    public void Record(Unit unit)
    {
        for (var i = 0; i < unit.Removals.Count; i++)
        {
            var name = "-" + Encoding.Latin1.GetString(unit.Removals.Key(i));
            effects.Add(
                unit.Removals.IsMember(i) ? name + " " + Encoding.Latin1.GetString(unit.Removals.Member(i)) : name);
        }
    }
}

/// <summary>Notes the events that units hand over.</summary>
internal sealed class CollectedEvents : INotificationOutlet
{
    private readonly List<string> _events = [];

    public void Take(in Notification notification)
    {
        var text = $"{Encoding.Latin1.GetString(notification.Name)} {Encoding.Latin1.GetString(notification.Key)}";
        _events.Add(notification.Database == 0 ? text : $"{text}@{notification.Database}");
    }

    public string[] Take()
    {
        string[] all = [.. _events];
        _events.Clear();
        return all;
    }
}

/// <summary>Collects a reply from small segments, so that every reply crosses some.</summary>
internal sealed class CollectingOutput : SegmentSource
{
    private const int SegmentBytes = 128;
    private readonly List<(byte[] Segment, int Filled)> _done = []; // late replies are still written there
    private byte[] _current = new byte[SegmentBytes];

    public byte[] First => _current;

    public override byte[] Next(int filledInCurrent, int minimumFree, out int start)
    {
        _done.Add((_current, filledInCurrent));
        start = 0;
        return _current = new byte[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(SegmentBytes, minimumFree))];
    }

    public byte[] Finish(int filled)
    {
        var all = new MemoryStream();
        foreach (var (segment, length) in _done) all.Write(segment, 0, length);
        all.Write(_current, 0, filled);
        return all.ToArray();
    }
}
