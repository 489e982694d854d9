// Giving pending entries back to their group, for any consumer to claim at once (XNACK).
//
// Nobody has such an entry, and its time of delivery is zero: whoever claims by idle time finds it before all others,
// and of several the one first that was given back first.
// Source: Redis 8.8 documentation, "XNACK".

using System.Runtime.InteropServices;
using Millrace.Engine.Values;
using Millrace.Resp;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The command that gives pending entries back.</summary>
public static class StreamReleaseCommands
{
    private enum Mode
    {
        None,
        Silent,
        Fail,
        Fatal,
    }

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("xnack", -7, XNack)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Stream,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key group (SILENT | FAIL | FATAL) IDS (numids:integer id...) [RETRYCOUNT count:integer] [FORCE]",
            Summary = "Gives pending entries back to their group, so that any consumer can claim them at once.",
            Since = "8.8.0",
            Complexity = "O(log N) for each ID, where N is the number of the group's pending entries.",
            Group = "stream",
        },
    ];

    private static void XNack(ref Call call)
    {
        if (!Options.TryRead(call, out var options)) return;
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.Stream)) return;
        var log = entry.IsMissing ? default : StreamValue.Log(entry);
        var group = entry.IsMissing ? default : log.Groups.Find(call.Args[2]);
        if (group.IsMissing)
        {
            StreamGroupCommands.NoKeyOrGroup(call);
            return;
        }

        if (!call.HasRoomFor(options.IdCount * StreamGroup.MostEntryBytes)) return;
        var released = 0;
        for (var i = 0; i < options.IdCount; i++)
        {
            _ = StreamText.TryParse(call.Args[options.FirstId + i], 0, out var id);
            var isPending = group.Pending.TryFind(id.Ms, id.Seq, out var delivery);
            if (!isPending && !(options.IsForced && log.Has(id))) continue;
            group.Deliver(id, to: default, deliveredMs: 0, options.CountAfter(isPending ? delivery.Deliveries : 0));
            released++;
        }

        call.Unit.ChangedQuietly(call.Key(1), released);
        if (released > 0) call.Unit.Wake(call.Key(1)); // XREADGROUP CLAIM
        call.Reply.Integer(released);
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Options
    {
        private Mode _mode;
        private long? _retryCount;

        internal int FirstId { get; private set; }

        internal int IdCount { get; private set; }

        internal bool IsForced { get; private set; }

        internal static bool TryRead(in Call call, out Options options)
        {
            options = default;
            for (var at = 3; at < call.Args.Count; at++)
            {
                if (!options.TryReadOne(call, ref at)) return false;
            }

            if (options._mode != Mode.None && options.IdCount > 0) return true;
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        internal readonly long CountAfter(long before)
        {
            if (_retryCount is { } given) return given;
            return _mode switch
            {
                Mode.Silent => Math.Max(before - 1, 0),
                Mode.Fatal => long.MaxValue,
                _ => before,
            };
        }

        private static Mode ModeAt(in Call call, int at)
        {
            if (call.Is(at, "SILENT"u8)) return Mode.Silent;
            if (call.Is(at, "FAIL"u8)) return Mode.Fail;
            return call.Is(at, "FATAL"u8) ? Mode.Fatal : Mode.None;
        }

        private bool TryReadOne(in Call call, ref int at)
        {
            var mode = ModeAt(call, at);
            if (mode != Mode.None && _mode == Mode.None)
            {
                _mode = mode;
                return true;
            }

            if (call.Is(at, "IDS"u8) && IdCount == 0)
            {
                var isRight = StreamIdBlock.TryReadIds(call, ref at, out var first, out var count);
                FirstId = first;
                IdCount = count;
                return isRight;
            }

            if (call.Is(at, "FORCE"u8))
            {
                IsForced = true;
                return true;
            }

            if (at + 1 < call.Args.Count && call.Is(at, "RETRYCOUNT"u8)) return TryReadRetryCount(call, ++at);
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        private bool TryReadRetryCount(in Call call, int at)
        {
            if (Numbers.TryParseInt64(call.Args[at], out var count) && count >= 0)
            {
                _retryCount = count;
                return true;
            }

            call.Reply.Error("ERR Invalid RETRYCOUNT option argument for XNACK"u8);
            return false;
        }
    }
}
