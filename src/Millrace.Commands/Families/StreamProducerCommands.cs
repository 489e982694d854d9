// Producers of streams that name their messages: one that is sent again is not added again (IDMP of XADD).
//
// A stream knows the last messages of each producer for some time, by the names that the producers give them or, with
// IDMPAUTO, by a digest of their fields. The digest is the sum of what each field and its value give together, so that
// the order of the fields does not matter: clients keep them in tables without an order.
// The effect of a message is the entry that it became (XADD with its ID) and what it was known by (XIDMPRECORD). A
// message that is sent again changes nothing but a count, and is not recorded.
// Source: Redis 8.6 documentation, "XADD", "XCFGSET", "Idempotent message processing"; of 8.8, "XIDMPRECORD".

using System.Buffers.Binary;
using System.IO.Hashing;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on what streams know of producers.</summary>
public static class StreamProducerCommands
{
    /// <summary>The bytes of the digest of a message.</summary>
    internal const int DigestBytes = 16;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xcfgset", -2, XCfgSet)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key [IDMP-DURATION idmp-duration:integer] [IDMP-MAXSIZE idmp-maxsize:integer]",
            Summary = "Sets for how long a stream knows the messages of its producers, and how many.",
            Since = "8.6.0",
            Complexity = "O(1); what is forgotten is freed apart.",
            Group = "stream",
        },
        new("xidmprecord", 5, XIdmpRecord)
        {
            Flags = Write | DenyOom | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            Syntax = "key pid iid stream-id",
            Summary = "Notes which entry a producer's message became (internal use).",
            Since = "8.8.0",
            Complexity = "O(log N) where N is the number of producers and messages.",
            Group = "stream",
        },
    ];

    private static void XCfgSet(ref Call call)
    {
        if (!TryReadLimits(call, out var seconds, out var most)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        var log = StreamValue.Log(entry);
        var limits = log.Producers.IsMissing ? call.Unit.Keyspace.Encodings.Producers : log.Producers.Limits;
        limits = new ProducerLimits(seconds ?? limits.DurationSeconds, most ?? limits.MaxSize);
        StreamValue.Configure(call.Unit, call.Key(1), log, limits);
        call.Unit.ChangedQuietly(call.Key(1), 1);
        RecordLimits(call, limits);
        call.Reply.Ok();
    }

    // Where it is replayed other limits may be usual than those that stood in for the ones not given.
    private static void RecordLimits(in Call call, ProducerLimits limits)
    {
        if (!call.Effects.Begin(6)) return;
        call.Effects.Argument("XCFGSET"u8);
        call.Effects.Argument(call.Args[1]);
        call.Effects.Argument("IDMP-DURATION"u8);
        call.Effects.Argument(limits.DurationSeconds);
        call.Effects.Argument("IDMP-MAXSIZE"u8);
        call.Effects.Argument(limits.MaxSize);
    }

    private static void XIdmpRecord(ref Call call)
    {
        if (!StreamText.TryReadId(call, 4, out var id)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var producer = call.Args[2];
        var message = call.Args[3];
        if (entry.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return;
        }

        var log = StreamValue.Log(entry);
        var known = log.Producers;
        if (producer.IsEmpty || message.IsEmpty)
        {
            call.Reply.Error(ErrorTexts.EmptyProducer);
        }
        else if (!log.Has(id))
        {
            call.Reply.Error("ERR no such entry in the stream"u8);
        }
        else if (!known.IsMissing && known.TryFind(producer, message, call.Unit.NowMs, out var before))
        {
            if (before == id) call.Reply.Ok();
            else call.Reply.Error("ERR the idempotent ID of the producer belongs to another entry"u8);
        }
        else
        {
            StreamValue.Remember(call.Unit, call.Key(1), log, producer, message, id);
            call.Unit.ChangedQuietly(call.Key(1), 1);
            call.Reply.Ok();
        }
    }

    /// <summary>The name of the message that XADD is to add, if a producer sends it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="options">What stands in front of the fields.</param>
    /// <param name="digest">Room for a digest of the fields.</param>
    internal static ReadOnlySpan<byte> MessageOf(in Call call, StreamAddOptions options, Span<byte> digest)
    {
        if (options.ProducerAt == 0) return default;
        if (options.MessageAt > 0) return call.Args[options.MessageAt];
        UInt128 sum = 0;
        for (var i = options.IdAt + 1; i < call.Args.Count; i += 2)
        {
            var field = unchecked((long)XxHash3.HashToUInt64(call.Args[i]));
            sum = unchecked(sum + XxHash128.HashToUInt128(call.Args[i + 1], field));
        }

        BinaryPrimitives.WriteUInt128LittleEndian(digest, sum);
        return digest;
    }

    /// <summary>Answers a message that was sent before with the entry that it became; false when it is new.</summary>
    internal static bool TryRepeat(
        in Call call, StreamLog log, StreamAddOptions options, scoped ReadOnlySpan<byte> message)
    {
        var known = log.Producers;
        if (known.IsMissing || !known.TryFind(call.Args[options.ProducerAt], message, call.Unit.NowMs, out var id))
            return false;
        known.CountRepeated();
        call.Effects.Suppress();
        call.Unit.ChangedQuietly(call.Key(1), 1);
        StreamText.WriteId(call.Reply, id);
        return true;
    }

    /// <summary>Notes which entry a message became, and records that unless the entry was trimmed at once.</summary>
    internal static void Remember(
        in Call call, StreamLog log, StreamAddOptions options, scoped ReadOnlySpan<byte> message, StreamId id)
    {
        var producer = call.Args[options.ProducerAt];
        StreamValue.Remember(call.Unit, call.Key(1), log, producer, message, id);
        if (!log.Has(id) || !call.Effects.Begin(5)) return;
        call.Effects.Argument("XIDMPRECORD"u8);
        call.Effects.Argument(call.Args[1]);
        call.Effects.Argument(producer);
        call.Effects.Argument(message);
        StreamText.Record(call.Effects, id);
    }

    private static bool TryReadLimits(in Call call, out long? seconds, out long? most)
    {
        seconds = most = null;
        for (var i = 2; i < call.Args.Count; i += 2)
        {
            var isDuration = call.Is(i, "IDMP-DURATION"u8);
            if (i + 1 == call.Args.Count || (!isDuration && !call.Is(i, "IDMP-MAXSIZE"u8)))
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (!call.TryInteger(i + 1, out var number)) return false;
            if (number < 1 || number > (isDuration ? ProducerLimits.MostSeconds : ProducerLimits.MostMessages))
            {
                call.Reply.Error(isDuration ? "ERR invalid duration"u8 : "ERR invalid maxsize"u8);
                return false;
            }

            if (isDuration) seconds = number;
            else most = number;
        }

        if (seconds is not null || most is not null) return true;
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }
}
