// Streams: adding, deleting and reading entries. Groups are in StreamGroupCommands, waiting for entries in
// StreamReadCommands.
//
// Entries are ordered by an ID of two numbers, usually milliseconds and a sequence; whoever adds one may leave the ID
// or its sequence to the server. A stream stays when its last entry is deleted: it remembers the last ID.
// Effects carry the ID that was given, and exact thresholds where a trim was only about right, so that replaying them
// gives the same stream.
// Source: Redis 7.2 documentation, "Streams" and the pages of the commands.

using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on the entries of streams.</summary>
public static class StreamCommands
{
    private const string TrimSyntax =
        "(MAXLEN | MINID) [= | ~] threshold [LIMIT count:integer]";
    private const string ProducerSyntax = "[IDMPAUTO producer-id | IDMP (producer-id idempotent-id)]";
    private const string ReferencesSyntax = "[KEEPREF | DELREF | ACKED]";

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xadd", -5, XAdd)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Stream,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Update) with
                {
                    Notes = "UPDATE instead of INSERT because of the optional trimming feature",
                },
            ],
            Syntax = "key [NOMKSTREAM] " + ReferencesSyntax + " " + ProducerSyntax + " [" + TrimSyntax
                + "] (* | id) (field value)...",
            Summary = "Adds an entry to a stream and returns its ID; makes the stream when there is none.",
            Since = "5.0.0",
            Complexity = "O(1) when adding an entry, O(N) when trimming, where N is the number of entries that go.",
            Group = "stream",
            History =
            [
                ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
                ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
                ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
                ("8.6.0", "Added the `IDMP` and `IDMPAUTO` options."),
            ],
            Tips = ["nondeterministic_output"],
        },
        new("xdel", -3, XDel)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key id...",
            Summary = "Deletes entries of a stream by their IDs and returns how many there were.",
            Since = "5.0.0",
            Complexity = "O(1) for each entry that is deleted, whatever the size of the stream.",
            Group = "stream",
        },
        new("xlen", 2, XLen)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the number of entries of a stream.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
        },
        new("xrange", -4, XRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key start end [COUNT count:integer]",
            Summary = "Returns the entries of a stream between two IDs.",
            Since = "5.0.0",
            Complexity = "O(N) where N is the number of entries returned.",
            Group = "stream",
            History = [("6.2.0", "Added exclusive ranges.")],
        },
        new("xrevrange", -4, XRevRange)
        {
            Flags = ReadOnly,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key end start [COUNT count:integer]",
            Summary = "Returns the entries of a stream between two IDs, the greatest ID first.",
            Since = "5.0.0",
            Complexity = "O(N) where N is the number of entries returned.",
            Group = "stream",
            History = [("6.2.0", "Added exclusive ranges.")],
        },
        new("xsetid", -3, XSetId)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key last-id [ENTRIESADDED entries_added:integer] [MAXDELETEDID max_deleted_entry_id]",
            Summary = "Sets what a stream remembers: its last ID, how many entries it ever had, the last deleted ID.",
            Since = "5.0.0",
            Complexity = "O(1)",
            Group = "stream",
            History = [("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")],
        },
        new("xtrim", -4, XTrim)
        {
            Flags = Write,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key (" + TrimSyntax + ") " + ReferencesSyntax,
            Summary = "Deletes entries from the front of a stream and returns how many.",
            Since = "5.0.0",
            Complexity = "O(N) where N is the number of entries that go; whole nodes of them go at once.",
            Group = "stream",
            History =
            [
                ("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."),
                ("8.2.0", "Added the `KEEPREF`, `DELREF` and `ACKED` options."),
            ],
            Tips = ["nondeterministic_output"],
        },
    ];

    private static void XAdd(ref Call call)
    {
        if (!StreamAddOptions.TryRead(call, adds: true, out var options)) return;
        var pairs = call.Args.Count - options.IdAt - 1;
        if (pairs < 2 || pairs % 2 == 1)
        {
            ErrorTexts.WriteArity(call.Reply, call.Spec);
            return;
        }

        if (options is { HasId: true, HasSequence: true, Id.IsZero: true })
        {
            call.Reply.Error("ERR The ID specified in XADD must be greater than 0-0"u8);
            return;
        }

        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing && options.NeedsStream) call.Reply.Null();
        else Add(call, entry, options);
    }

    private static void Add(in Call call, in Entry entry, StreamAddOptions options)
    {
        Span<byte> digest = stackalloc byte[StreamProducerCommands.DigestBytes];
        var message = StreamProducerCommands.MessageOf(call, options, digest);
        if (!entry.IsMissing && options.ProducerAt > 0
            && StreamProducerCommands.TryRepeat(call, StreamValue.Log(entry), options, message)) return;
        var lastId = entry.IsMissing ? StreamId.Min : StreamValue.Log(entry).LastId;
        if (!TryChooseId(call, lastId, options, out var id)) return;
        var fields = new Fields(call.Args.From(options.IdAt + 1));
        if (fields.TextBytes > StreamLog.MaxTextBytes)
        {
            call.Reply.Error("ERR Elements are too large to be stored"u8);
            return;
        }

        var key = call.Key(1);
        var log = entry.IsMissing ? StreamValue.Create(call.Unit, key) : StreamValue.Log(entry);
        log.Append(call.Unit.Keyspace.Encodings.StreamNodes, id, ref fields);
        var trimmed = options.Trim.Strategy != TrimStrategy.None ? log.Trim(options.Trim) : 0;
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Stream, "xadd"u8, key);
        if (trimmed > 0) call.Unit.Notify(NotifyClasses.Stream, "xtrim"u8, key);
        Record(call, log, options, id);
        if (options.ProducerAt > 0) StreamProducerCommands.Remember(call, log, options, message, id);
        StreamText.WriteId(call.Reply, id);
    }

    // The new entry's ID, which must be above all that there were.
    private static bool TryChooseId(in Call call, StreamId lastId, StreamAddOptions options, out StreamId id)
    {
        id = options.Id;
        if (lastId == StreamId.Max)
        {
            call.Reply.Error("ERR The stream has exhausted the last possible ID, unable to add more items"u8);
            return false;
        }

        var isAbove = true;
        var nowMs = (ulong)call.Unit.NowMs;
        if (!options.HasId && nowMs > lastId.Ms) id = new StreamId(nowMs, 0);
        else if (!options.HasId) isAbove = lastId.TryNext(out id);
        else if (!options.HasSequence && id.Ms == lastId.Ms) isAbove = lastId.TryNext(out id) && id.Ms == lastId.Ms;
        if (isAbove && id > lastId) return true;
        call.Reply.Error("ERR The ID specified in XADD is equal or smaller than the target stream top item"u8);
        return false;
    }

    private static void XDel(ref Call call)
    {
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        if (!AreIds(call, 2)) return;
        var log = StreamValue.Log(entry);
        var deleted = 0;
        for (var i = 2; i < call.Args.Count; i++)
        {
            if (StreamText.TryParse(call.Args[i], 0, out var id) && log.Delete(id)) deleted++;
        }

        call.Unit.Changed(call.Key(1), deleted);
        if (deleted > 0) call.Unit.Notify(NotifyClasses.Stream, "xdel"u8, call.Key(1));
        call.Reply.Integer(deleted);
    }

    private static void XLen(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        call.Reply.Integer(entry.IsMissing ? 0 : StreamValue.Log(entry).Length);
    }

    private static void XRange(ref Call call) => Range(call, startAt: 2, endAt: 3);

    private static void XRevRange(ref Call call) => Range(call, startAt: 3, endAt: 2);

    private static void XSetId(ref Call call)
    {
        if (!StreamText.TryReadId(call, 2, out var id)) return;
        if (!TryReadMemory(call, id, out var entriesAdded, out var maxDeletedId)) return;
        var entry = call.Write(1);
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var log = StreamValue.Log(entry);
        if (!IsPossible(call, log, id, entriesAdded)) return;
        log.SetMemory(
            id, entriesAdded ?? log.EntriesAdded, maxDeletedId.IsZero ? log.MaxDeletedId : maxDeletedId);
        call.Unit.ChangedQuietly(call.Key(1), 1);
        call.Unit.Notify(NotifyClasses.Stream, "xsetid"u8, call.Key(1));
        call.Reply.Ok();
    }

    private static void XTrim(ref Call call)
    {
        if (!StreamAddOptions.TryRead(call, adds: false, out var options)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        var log = StreamValue.Log(entry);
        var deleted = log.Trim(options.Trim);
        call.Unit.Changed(call.Key(1), deleted);
        if (deleted > 0) call.Unit.Notify(NotifyClasses.Stream, "xtrim"u8, call.Key(1));
        if (deleted > 0) Record(call, log, options, id: default);
        call.Reply.Integer(deleted);
    }

    /// <summary>Whether all arguments from an index on are IDs; writes an error otherwise.</summary>
    internal static bool AreIds(in Call call, int from)
    {
        for (var i = from; i < call.Args.Count; i++)
        {
            if (!StreamText.TryReadId(call, i, out _)) return false;
        }

        return true;
    }

    private static void Range(in Call call, int startAt, int endAt)
    {
        if (!StreamText.TryReadBound(call, startAt, isEnd: false, out var start)) return;
        if (!StreamText.TryReadBound(call, endAt, isEnd: true, out var end)) return;
        var count = -1L;
        for (var i = 4; i < call.Args.Count; i += 2)
        {
            if (i + 1 == call.Args.Count || !call.Is(i, "COUNT"u8))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return;
            }

            if (!call.TryInteger(i + 1, out count)) return;
            count = Math.Max(count, 0);
        }

        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing) call.Reply.Array(0);
        else if (count == 0) call.Reply.NullArray();
        else
            StreamReplies.Range(
                call.Reply, StreamValue.Log(entry), new StreamRange(start, end), Math.Max(count, 0), startAt > endAt);
    }

    private static bool TryReadMemory(in Call call, StreamId id, out long? entriesAdded, out StreamId maxDeletedId)
    {
        entriesAdded = null;
        maxDeletedId = default;
        for (var i = 3; i < call.Args.Count; i += 2)
        {
            var isLast = i + 1 == call.Args.Count;
            if (!isLast && call.Is(i, "ENTRIESADDED"u8))
            {
                if (!call.TryInteger(i + 1, out var added)) return false;
                entriesAdded = added;
                if (added >= 0) continue;
                call.Reply.Error("ERR entries_added must be positive"u8);
                return false;
            }

            if (isLast || !call.Is(i, "MAXDELETEDID"u8))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (!StreamText.TryReadId(call, i + 1, out maxDeletedId)) return false;
            if (id >= maxDeletedId) continue;
            call.Reply.Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"u8);
            return false;
        }

        return true;
    }

    private static bool IsPossible(in Call call, StreamLog log, StreamId id, long? entriesAdded)
    {
        if (id < log.MaxDeletedId)
            call.Reply.Error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"u8);
        else if (log.Length > 0 && id < log.LastEntryId())
            call.Reply.Error("ERR The ID specified in XSETID is smaller than the target stream top item"u8);
        else if (log.Length > 0 && entriesAdded < log.Length)
            call.Reply.Error("ERR The entries_added specified in XSETID is smaller than the target stream length"u8);
        else return true;
        return false;
    }

    // The request with the ID that was given, and with the exact threshold that a trim by whole nodes came to.
    private static void Record(in Call call, StreamLog log, StreamAddOptions options, StreamId id)
    {
        var adds = !id.IsZero;
        var trim = options.Trim;
        if (!(adds && !(options.HasId && options.HasSequence)) && !trim.IsApproximate) return;
        var hasReferences = trim.Strategy != TrimStrategy.None && trim.References != ReferencePolicy.Keep;
        var trimArguments = trim.Strategy == TrimStrategy.None ? 0 : hasReferences ? 4 : 3;
        var fields = call.Args.Count - options.IdAt - 1;
        if (!call.Effects.Begin(2 + trimArguments + (adds ? 1 + fields : 0))) return;
        call.Effects.Argument(call.Args[0]);
        call.Effects.Argument(call.Args[1]);
        if (trim.Strategy != TrimStrategy.None) RecordTrim(call, log, options);
        if (hasReferences) call.Effects.Argument(StreamIdBlock.WordOf(trim.References));
        if (!adds) return;
        StreamText.Record(call.Effects, id);
        for (var i = options.IdAt + 1; i < call.Args.Count; i++) call.Effects.Argument(call.Args[i]);
    }

    private static void RecordTrim(in Call call, StreamLog log, StreamAddOptions options)
    {
        // With ACKED the entries that stay may stand anywhere, and only their number tells how far the trim came.
        var trim = options.Trim;
        var byLength = trim.Strategy == TrimStrategy.Length
            || trim is { IsApproximate: true, References: ReferencePolicy.Respect };
        call.Effects.Argument(byLength ? "MAXLEN"u8 : "MINID"u8);
        call.Effects.Argument("="u8);
        if (!trim.IsApproximate)
        {
            call.Effects.Argument(call.Args[options.ThresholdAt]);
        }
        else if (byLength)
        {
            call.Effects.Argument(log.Length);
        }
        else
        {
            var cursor = log.Walk(StreamRange.All, showsDeleted: true);
            StreamText.Record(call.Effects, cursor.TryNext() ? cursor.Id : StreamId.Max);
        }
    }

    // Fields and values by turns, as they stand in a request.
    private readonly ref struct Fields : IStreamFields
    {
        private readonly Args _args;

        internal Fields(Args args)
        {
            _args = args;
            for (var i = 0; i < args.Count; i++) TextBytes += args[i].Length;
        }

        public int Count => _args.Count / 2;

        public long TextBytes { get; }

        public ReadOnlySpan<byte> Field(int index) => _args[2 * index];

        public ReadOnlySpan<byte> Value(int index) => _args[(2 * index) + 1];
    }
}
