using System.Text;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// Writes an endless stream of sentences from the grammars; the same seed gives the same stream. Forms are dealt from a
/// shuffled deck that holds each as often as its weight says, so that how often each appears hardly varies.
/// </summary>
public sealed class StreamGenerator
{
    private const double DamageChance = 0.06;
    private const double InlineChance = 0.04;
    private const int CardsPerWeight = 20;
    private readonly Random _random;
    private readonly Vocabulary _words;
    private readonly Form[] _deck;
    private int _dealt;

    /// <summary>A stream of a seed over some forms.</summary>
    public StreamGenerator(int seed, IEnumerable<Form> forms)
    {
        _random = new Random(seed);
        _words = new Vocabulary(_random);
        _deck = [.. forms.SelectMany(form => Enumerable.Repeat(form, (int)Math.Round(form.Weight * CardsPerWeight)))];
        _random.Shuffle(_deck);
    }

    /// <summary>All forms of the families.</summary>
    public static IReadOnlyList<Form> AllForms { get; } =
    [
        .. ConnectionGrammar.Forms,
        .. StringGrammar.Forms,
        .. BitmapGrammar.Forms,
        .. HyperLogLogGrammar.Forms,
        .. HashGrammar.Forms,
        .. ListGrammar.Forms,
        .. SetGrammar.Forms,
        .. SortedSetGrammar.Forms,
        .. SortGrammar.Forms,
        .. StreamGrammar.Forms,
        .. GeoGrammar.Forms,
        .. KeysGrammar.Forms,
        .. DumpGrammar.Forms,
        .. ServerGrammar.Forms,
        .. TransactionGrammar.Forms,
    ];

    /// <summary>
    /// Every option that the grammars can write, as <c>COMMAND OPTION</c>: gathered from a long stream that is not
    /// sent.
    /// </summary>
    public static IReadOnlySet<string> DeclaredOptions()
    {
        var options = new SortedSet<string>(StringComparer.Ordinal);
        var generator = new StreamGenerator(1, AllForms);
        for (int i = 0; i < 60_000; i++)
        {
            foreach (Request request in generator.NextSentence().Requests)
                options.UnionWith(request.Options.Select(option => $"{request.Command} {option}"));
        }
        return options;
    }

    /// <summary>A number below the limit, from the stream's own source.</summary>
    public int Next(int limit) => _random.Next(limit);

    /// <summary>The next sentence.</summary>
    public Sentence NextSentence()
    {
        if (_dealt == _deck.Length)
        {
            _random.Shuffle(_deck);
            _dealt = 0;
        }
        Form form = _deck[_dealt++];
        if (form.Compose is { } compose)
            return compose(this);
        Request request = Write(form, out int pauseMs);
        if (form.Before is { } before)
        {
            string[] words = before.Split(' ');
            return new Sentence([new Request(words[0], Bytes(words), []), request], pauseMs);
        }
        int nameWords = form.Name.Count(letter => letter == ' ') + 1;
        if (!form.LooksFirst || request.Arguments.Length <= nameWords)
            return new Sentence([request], pauseMs);
        var look = new Request("EXISTS", [.. Bytes("EXISTS"), request.Arguments[nameWords]], []);
        return new Sentence([look, request], pauseMs);
    }

    /// <summary>QUIT, as a bare word or with arguments.</summary>
    public Sentence Quit() =>
        new([new Request("QUIT", Bytes("QUIT"), [])], Closes: true);

    /// <summary>
    /// RESET on a connection without NO-EVICT: 7.0.15 lets that mode survive, while redis.io/commands/reset says that
    /// it is turned off (the table tests ask for that).
    /// </summary>
    public Sentence Reset()
    {
        var evict = new Request("CLIENT NO-EVICT", Bytes("CLIENT", "NO-EVICT", "OFF"), ["OFF"]);
        var reset = new Request("RESET", _random.Next(20) == 0 ? Bytes("RESET", "x") : Bytes("RESET"), []);
        return new Sentence([evict, reset]);
    }

    /// <summary>
    /// A transaction from MULTI to its end, with requests that take no short deadlines between them. A damaged one
    /// among them makes EXEC answer EXECABORT.
    /// </summary>
    /// <param name="end">EXEC or DISCARD.</param>
    /// <param name="hasStart">Whether MULTI comes first; without it there is only the end, which is refused.</param>
    public Sentence Transaction(string end, bool hasStart)
    {
        var requests = new List<Request>();
        if (hasStart && _random.Next(15) > 0)
        {
            if (_random.Next(3) == 0)
                requests.Add(new Request("WATCH", [.. Bytes("WATCH"), _words.Key(0), _words.Key(0)], []));
            if (_random.Next(8) == 0)
                requests.Add(new Request("SET", [.. Bytes("SET"), _words.Key(0), _words.Value(0)], []));
            requests.Add(new Request("MULTI", _random.Next(40) == 0 ? Bytes("MULTI", "x") : Bytes("MULTI"), []));
            IReadOnlyList<Form> forms = TransactionGrammar.Queueable;
            for (int i = _random.Next(6); i > 0; i--)
                requests.Add(Queued(forms[_random.Next(forms.Count)]));
            if (_random.Next(20) == 0)
                requests.Add(new Request("WATCH", [.. Bytes("WATCH"), _words.Key(0)], []));
        }
        requests.Add(new Request(end, _random.Next(40) == 0 ? Bytes(end, "x") : Bytes(end), []));
        // Whatever the end was, the client does not queue any more.
        requests.Add(new Request("DISCARD", Bytes("DISCARD"), []));
        return new Sentence(requests);
    }

    private Request Queued(Form form)
    {
        while (true)
        {
            Request request = Write(form, out int pauseMs);
            if (pauseMs == 0)
                return request;
        }
    }

    /// <summary>CLIENT REPLY with the requests that it mutes, ending with replies on.</summary>
    public Sentence MutedReplies()
    {
        var requests = new List<Request>();
        if (_random.Next(5) == 0)
        {
            requests.Add(new Request("CLIENT REPLY", Bytes("CLIENT", "REPLY", "maybe"), []));
        }
        else if (_random.Next(2) == 0)
        {
            requests.Add(new Request("CLIENT REPLY", Bytes("CLIENT", "REPLY", "SKIP"), ["SKIP"], HasReply: false));
            requests.Add(Muted());
        }
        else
        {
            requests.Add(new Request("CLIENT REPLY", Bytes("CLIENT", "REPLY", "OFF"), ["OFF"], HasReply: false));
            for (int i = _random.Next(4); i > 0; i--)
                requests.Add(Muted());
        }
        requests.Add(new Request("CLIENT REPLY", Bytes("CLIENT", "REPLY", "ON"), ["ON"]));
        return new Sentence(requests);
    }

    /// <summary>A SCAN from cursor 0, which the run continues to the end on both sides; or a bad one.</summary>
    public Sentence WholeScan()
    {
        if (_random.Next(12) == 0)
        {
            string[][] bad =
            [
                ["SCAN", "abc"], ["SCAN", ""], ["SCAN", " 0"], ["SCAN", "0", "COUNT", "0"],
                ["SCAN", "0", "COUNT", "abc"],
                ["SCAN", "0", "MATCH"], ["SCAN", "0", "nothing", "1"], ["SCAN"],
            ];
            return new Sentence([new Request("SCAN", Bytes(bad[_random.Next(bad.Length)]), [])]);
        }
        var draft = new Draft(_random, _words);
        draft.AddWord("SCAN");
        draft.Add("0");
        Parts.Any(0.4, Parts.Option("MATCH", Parts.Pattern), Parts.Option("COUNT", Parts.Number(1, 300)),
            Parts.Option("TYPE", Parts.Literal("string", "list", "hash", "set", "nothing", "STRING")))(draft);
        return new Sentence([new Request("SCAN", [.. draft.Arguments], draft.Options)]);
    }

    /// <summary>
    /// DBSIZE behind an EXISTS of all keys: Redis counts keys that have expired but were not yet removed, so all are
    /// looked at first.
    /// </summary>
    public Sentence SweptCount()
    {
        byte[][] sweep = [Encoding.Latin1.GetBytes("EXISTS"), .. Vocabulary.AllKeys()];
        return new Sentence([new Request("EXISTS", sweep, []), new Request("DBSIZE", Bytes("DBSIZE"), [])]);
    }

    /// <summary>
    /// Several flushes with writes between them, in one place, so that the keyspace lives long between such places.
    /// </summary>
    public Sentence Flushes(string command)
    {
        var requests = new List<Request>();
        for (int i = 0; i < 6; i++)
        {
            byte[][] write = [Encoding.Latin1.GetBytes("SET"), _words.Key(0), _words.Value(0)];
            requests.Add(new Request("SET", write, []));
            string[] options = _random.Next(10) switch
            {
                < 3 => [],
                < 6 => ["ASYNC"],
                < 9 => ["SYNC"],
                _ => ["nothing"],
            };
            string[] counted = options is ["nothing"] ? [] : options;
            requests.Add(new Request(command, Bytes([command, .. options]), counted));
        }
        return new Sentence(requests);
    }

    /// <summary>SPOP of all members, of some of a set that goes at once, of nothing, or wrong.</summary>
    public Sentence Pops()
    {
        var draft = new Draft(_random, _words);
        draft.AddWord("SPOP");
        SetGrammar.SetKey(draft);
        byte[] key = draft.Arguments[1];
        if (_random.Next(3) > 0)
        {
            string count = draft.Pick(
                ["1000000", "9223372036854775807", "0", "-1", "abc", "1.5", "9223372036854775808"]);
            if (_random.Next(2) == 0)
                count = "1000000";
            draft.Add(count);
            if (_random.Next(15) == 0)
                draft.Add("x");
            return new Sentence([new Request("SPOP", [.. draft.Arguments], [])]);
        }
        var fill = new Draft(_random, _words);
        for (int i = _random.Next(1, 300); i > 0; i--)
            SetGrammar.Member(fill);
        if (_random.Next(2) == 0)
            draft.Add(_random.Next(300));
        byte[][] delete = [.. Bytes("DEL"), key];
        return new Sentence(
            [
                new Request("DEL", delete, []),
                new Request("SADD", [.. Bytes("SADD"), key, .. fill.Arguments], []),
                new Request("SPOP", [.. draft.Arguments], []),
                new Request("SCARD", [.. Bytes("SCARD"), key], []),
                new Request("DEL", delete, []),
            ]);
    }

    /// <summary>
    /// XREADGROUP behind XGROUP CREATECONSUMER: 7.0.15 makes a consumer only when there is something to read, later
    /// versions always (redis.io/commands/xinfo-consumers: seen-time is that of the last attempt).
    /// </summary>
    public Sentence ReadAsConsumer()
    {
        var keys = new Draft(_random, _words);
        for (int i = _random.Next(1, 4); i > 0; i--)
            StreamGrammar.StreamKey(keys);
        var draft = new Draft(_random, _words);
        draft.AddWord("XREADGROUP");
        Parts.Option("GROUP", StreamGrammar.Group, StreamGrammar.Consumer)(draft);
        byte[] group = draft.Arguments[2];
        byte[] consumer = draft.Arguments[3];
        StreamGrammar.ReadOptions(draft);
        Parts.Option("STREAMS")(draft);
        foreach (byte[] key in keys.Arguments)
            draft.Arguments.Add(key);
        foreach (byte[] _ in keys.Arguments)
            StreamGrammar.GroupReadId(draft);
        IEnumerable<Request> made = keys.Arguments.Select(key => MadeConsumer(key, group, consumer));
        return new Sentence([.. made, new Request("XREADGROUP", [.. draft.Arguments], draft.Options)]);
    }

    /// <summary>XCLAIM or XAUTOCLAIM, for the same reason behind XGROUP CREATECONSUMER.</summary>
    public Sentence ClaimAsConsumer(string name, Part rest)
    {
        var draft = new Draft(_random, _words);
        draft.AddWord(name);
        StreamGrammar.StreamKey(draft);
        StreamGrammar.Group(draft);
        StreamGrammar.Consumer(draft);
        Request made = MadeConsumer(draft.Arguments[1], draft.Arguments[2], draft.Arguments[3]);
        rest(draft);
        return new Sentence([made, new Request(name, [.. draft.Arguments], draft.Options)]);
    }

    private static Request MadeConsumer(byte[] key, byte[] group, byte[] consumer) => new(
        "XGROUP CREATECONSUMER", [.. Bytes("XGROUP", "CREATECONSUMER"), key, group, consumer], []);

    /// <summary>A short deadline that passes while active expiry is off.</summary>
    public Sentence WithoutActiveExpiry()
    {
        byte[] key = _words.Key(0);
        byte[][] write = [.. Bytes("PSETEX"), key, .. Bytes("1", "short-lived")];
        return new Sentence(
            [
                new Request("DEBUG SET-ACTIVE-EXPIRE", Bytes("DEBUG", "SET-ACTIVE-EXPIRE", "0"), []),
                new Request("PSETEX", write, [Differential.Coverage.ShortDeadline]),
                new Request("DEBUG SET-ACTIVE-EXPIRE", Bytes("DEBUG", "SET-ACTIVE-EXPIRE", "1"), []),
            ],
            PauseMs: 8);
    }

    /// <summary>Commands and subcommands that no server has, and containers without a subcommand.</summary>
    public Sentence Unknown()
    {
        string[][] samples =
        [
            ["NOTHING"], ["nothing", "a", "b"], ["nothing", new string('x', 200), "y"], ["", "a"], ["GE", "T"],
            ["nothing", "a\r\nb"], ["CLIENT", "nothing"], ["CLIENT", "NoThing", "x"], ["CLIENT"],
            ["OBJECT", "nothing", "k"],
            ["OBJECT"], ["CONFIG", "nothing"], ["CONFIG"], ["COMMAND", "nothing"], ["MEMORY", "nothing"], ["MEMORY"],
            ["FUNCTION", "nothing"], ["FUNCTION"], ["MODULE", "nothing"], ["DEBUG", "nothing"], ["CLUSTER"],
            [new string('z', 300)],
        ];
        return new Sentence([new Request("(unknown)", Bytes(samples[_random.Next(samples.Length)]), [])]);
    }

    private Request Muted()
    {
        string[] sets = ["SET", "GET", "APPEND", "INCR", "STRLEN"];
        string name = sets[_random.Next(sets.Length)];
        List<byte[]> arguments = [.. Bytes(name), _words.Key(0)];
        if (name is "SET" or "APPEND")
            arguments.Add(_words.Value(0));
        return new Request(name, [.. arguments], [], HasReply: false);
    }

    private Request Write(Form form, out int pauseMs)
    {
        var draft = new Draft(_random, _words)
        {
            Pool = form.Pool >= 0 ? form.Pool : _random.Next(5) == 0 ? 1 : 0,
        };
        form.Write(draft);
        pauseMs = draft.PauseMs;
        if (!form.IsFrozen && draft.Chance(DamageChance))
            Damage(draft, form.Name.Count(letter => letter == ' ') + 1);
        bool isInline = draft.Chance(InlineChance) && draft.Arguments.TrueForAll(FitsInline);
        return new Request(form.Name, [.. draft.Arguments], draft.Options, isInline);
    }

    // Swapping arguments is left out: a value in a deadline's place would be a race between the servers.
    private void Damage(Draft draft, int nameWords)
    {
        List<byte[]> arguments = draft.Arguments;
        int last = arguments.Count - 1;
        int at = nameWords > last ? last : _random.Next(nameWords, last + 1);
        switch (_random.Next(4))
        {
            case 0 when last >= nameWords:
                arguments.RemoveAt(last);
                break;
            case 1:
                arguments.Add(_words.Junk());
                break;
            case 2 when last >= nameWords:
                arguments[at] = _words.Junk();
                break;
            default:
                arguments.Add(arguments[last]);
                break;
        }
    }

    private static bool FitsInline(byte[] argument) =>
        argument.Length is > 0 and < 100
            && Array.TrueForAll(argument, value => value is > 0x20 and < 0x7f and not (byte)'"' and not (byte)'\'');

    private static byte[][] Bytes(params string[] words) => [.. words.Select(Encoding.Latin1.GetBytes)];
}
