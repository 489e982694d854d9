// Keys whatever they hold: deleting, testing, renaming, copying, moving and looking at them.
//
// Commands on deadlines are in ExpiryCommands, those on the whole keyspace in KeyspaceCommands.
// Source: Redis 7.2 documentation, "Generic" commands.

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands on keys of any type.</summary>
public static class KeyCommands
{
    /// <summary>What OBJECT REFCOUNT says of an integer that Redis would share: it has no owner to count.</summary>
    private const int SharedReferences = int.MaxValue;

    /// <summary>Redis shares the integers from 0 to below this.</summary>
    private const int SharedIntegers = 10000;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("copy", -3, Copy)
        {
            Flags = Write | DenyOom,
            Categories = AclCategories.Keyspace,
            Keys =
            [
                KeySpec.One(KeyFlags.RO | KeyFlags.Access),
                KeySpec.One(KeyFlags.OW | KeyFlags.Update, 2),
            ],
            Syntax = "source:key destination:key [DB destination-db:integer] [REPLACE]",
            CopiesOfKeys = 2,
            Summary = "Copies the value of a key, with its expiry, to another key.",
            Since = "6.2.0",
            Complexity = "O(N) for collections, where N is the number of items. O(1) for strings.",
            Group = "generic",
        },
        new("del", -2, Del)
        {
            Flags = Write,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.Rest(KeyFlags.RM | KeyFlags.Delete)],
            Syntax = "key...",
            Summary = "Deletes keys.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of keys, and O(M) more for a collection of M items.",
            Group = "generic",
            Tips = ["request_policy:multi_shard", "response_policy:agg_sum"],
        },
        new("exists", -2, Exists)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.Rest(KeyFlags.RO)],
            Syntax = "key...",
            Summary = "Counts which of the named keys exist.",
            Since = "1.0.0",
            Complexity = "O(N) where N is the number of keys.",
            Group = "generic",
            History = [("3.0.3", "Accepts multiple `key` arguments.")],
            Tips = ["request_policy:multi_shard", "response_policy:agg_sum"],
        },
        new("move", 3, Move)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Update)],
            TakesReserve = true,
            Syntax = "key db:integer",
            Summary = "Moves a key to another database, unless it has one of that name.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("object", -2, handler: null)
        {
            Summary = "Tells how keys are stored and used; a container of commands.",
            Since = "2.2.3",
            Complexity = "Depends on subcommand.",
            Group = "generic",
            Subcommands =
            [
                new("encoding", 3, ObjectEncoding)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Keyspace,
                    Keys = [KeySpec.One(KeyFlags.RO, 2)],
                    Syntax = "key",
                    Summary = "Returns the name of the form in which a value is stored.",
                    Since = "2.2.3",
                    Complexity = "O(1)",
                    Group = "generic",
                    Tips = ["nondeterministic_output"],
                },
                new("freq", 3, ObjectFreq)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Keyspace,
                    Keys = [KeySpec.One(KeyFlags.RO, 2)],
                    Syntax = "key",
                    Summary = "Returns the logarithmic counter of a key's uses.",
                    Since = "4.0.0",
                    Complexity = "O(1)",
                    Group = "generic",
                    Tips = ["nondeterministic_output"],
                },
                new("help", 2, ObjectHelp)
                {
                    Flags = Loading | Stale,
                    Categories = AclCategories.Keyspace,
                    Summary = "Lists the subcommands.",
                    Since = "6.2.0",
                    Complexity = "O(1)",
                    Group = "generic",
                },
                new("idletime", 3, ObjectIdleTime)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Keyspace,
                    Keys = [KeySpec.One(KeyFlags.RO, 2)],
                    Syntax = "key",
                    Summary = "Returns the seconds since a key was last used.",
                    Since = "2.2.3",
                    Complexity = "O(1)",
                    Group = "generic",
                    Tips = ["nondeterministic_output"],
                },
                new("refcount", 3, ObjectRefCount)
                {
                    Flags = ReadOnly,
                    Categories = AclCategories.Keyspace,
                    Keys = [KeySpec.One(KeyFlags.RO, 2)],
                    Syntax = "key",
                    Summary = "Returns the number of references to a value.",
                    Since = "2.2.3",
                    Complexity = "O(1)",
                    Group = "generic",
                    Tips = ["nondeterministic_output"],
                },
            ],
        },
        new("rename", 3, Rename)
        {
            Flags = Write,
            Categories = AclCategories.Keyspace,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete),
                KeySpec.One(KeyFlags.OW | KeyFlags.Update, 2),
            ],
            TakesReserve = true,
            Syntax = "key newkey:key",
            CopiesOfKeys = 2,
            Summary = "Gives a key another name, in place of whatever had that name.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("renamenx", 3, RenameNx)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys =
            [
                KeySpec.One(KeyFlags.RW | KeyFlags.Access | KeyFlags.Delete),
                KeySpec.One(KeyFlags.OW | KeyFlags.Insert, 2),
            ],
            TakesReserve = true,
            Syntax = "key newkey:key",
            CopiesOfKeys = 2,
            Summary = "Gives a key another name, unless that name is taken.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
            History =
            [
                ("3.2.0", "The command no longer returns an error when source and destination names are the same."),
            ],
        },
        new("touch", -2, Touch)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.Rest(KeyFlags.RO)],
            Syntax = "key...",
            Summary = "Counts which of the named keys exist and marks them as used.",
            Since = "3.2.1",
            Complexity = "O(N) where N is the number of keys.",
            Group = "generic",
            Tips = ["request_policy:multi_shard", "response_policy:agg_sum"],
        },
        new("type", 2, Type)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.One(KeyFlags.RO)],
            Syntax = "key",
            Summary = "Returns the type of a key's value.",
            Since = "1.0.0",
            Complexity = "O(1)",
            Group = "generic",
        },
        new("unlink", -2, Del)
        {
            Flags = Write | Fast,
            Categories = AclCategories.Keyspace,
            Keys = [KeySpec.Rest(KeyFlags.RM | KeyFlags.Delete)],
            Syntax = "key...",
            Summary = "Deletes keys and frees their memory later.",
            Since = "4.0.0",
            Complexity = "O(1) for each key; freeing the memory of a collection is spread over time.",
            Group = "generic",
            Tips = ["request_policy:multi_shard", "response_policy:agg_sum"],
        },
    ];

    /// <summary>The type's name as TYPE and SCAN's TYPE option have it.</summary>
    internal static ReadOnlySpan<byte> NameOf(ValueType type) => type switch
    {
        ValueType.String => "string"u8,
        ValueType.List => "list"u8,
        ValueType.Set => "set"u8,
        ValueType.SortedSet => "zset"u8,
        ValueType.Hash => "hash"u8,
        _ => "stream"u8,
    };

    private static void Copy(ref Call call)
    {
        if (!TryReadCopyOptions(call, out var database, out var replaces)) return;
        var from = call.Key(1);
        var to = call.KeyIn(database, 2);
        if (database == call.Caller.Database && from.Bytes.SequenceEqual(to.Bytes))
        {
            call.Reply.Error(ErrorTexts.SameObject);
            return;
        }

        var source = call.Read(1);
        var target = source.IsMissing ? default : call.Unit.Find(to, call.Caller.WriteAccess);
        if (source.IsMissing || (!target.IsMissing && !replaces))
        {
            call.Reply.Integer(0);
            return;
        }

        if (!target.IsMissing) call.Unit.Remove(to, target);
        call.Unit.Copy(from, source, to);
        call.Unit.Changed(to);
        call.Unit.Notify(NotifyClasses.Generic, "copy_to"u8, to);
        call.Reply.Integer(1);
    }

    private static void Del(ref Call call)
    {
        var removed = 0;
        for (var i = 1; i < call.Args.Count; i++)
        {
            var key = call.Key(i);
            var entry = call.Write(i);
            if (entry.IsMissing) continue;
            call.Unit.Remove(key, entry);
            call.Unit.Changed(key);
            call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
            removed++;
        }

        call.Reply.Integer(removed);
    }

    private static void Exists(ref Call call)
    {
        var found = 0;
        for (var i = 1; i < call.Args.Count; i++)
        {
            if (!call.Unit.Find(call.Key(i), Access.ReadWithoutTouch).IsMissing) found++;
        }

        call.Reply.Integer(found);
    }

    private static void Move(ref Call call)
    {
        if (!TryReadDatabase(call, 2, out var database)) return;
        if (database == call.Caller.Database)
        {
            call.Reply.Error(ErrorTexts.SameObject);
            return;
        }

        var from = call.Key(1);
        var to = from.In(database);
        var source = call.Write(1);
        if (source.IsMissing || !call.Unit.Find(to, call.Caller.WriteAccess).IsMissing)
        {
            call.Reply.Integer(0);
            return;
        }

        call.Unit.Move(from, source, to);
        call.Unit.Changed(to);
        call.Unit.Notify(NotifyClasses.Generic, "move_from"u8, from);
        call.Unit.Notify(NotifyClasses.Generic, "move_to"u8, to);
        call.Reply.Integer(1);
    }

    private static void ObjectEncoding(ref Call call)
    {
        if (TryLook(call, out var entry)) call.Reply.Bulk(Value.EncodingName(entry));
    }

    private static void ObjectFreq(ref Call call)
    {
        if (!TryLook(call, out var entry)) return;
        var clock = call.Unit.Keyspace.AccessClock;
        if (clock.CountsFrequency)
        {
            call.Reply.Integer(clock.Frequency(entry.AccessClock, call.Unit.NowMs));
            return;
        }

        call.Reply.Error(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "u8
            + "switching between policies at runtime LRU and LFU data will take some time to adjust."u8);
    }

    private static void ObjectHelp(ref Call call)
    {
        call.Reply.Array(15);
        call.Reply.Simple("OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"u8);
        call.Reply.Simple("ENCODING <key>"u8);
        call.Reply.Simple("    Return the kind of internal representation used in order to store the value"u8);
        call.Reply.Simple("    associated with a <key>."u8);
        call.Reply.Simple("FREQ <key>"u8);
        call.Reply.Simple("    Return the access frequency index of the <key>. The returned integer is"u8);
        call.Reply.Simple("    proportional to the logarithm of the recent access frequency of the key."u8);
        call.Reply.Simple("IDLETIME <key>"u8);
        call.Reply.Simple("    Return the idle time of the <key>, that is the approximated number of"u8);
        call.Reply.Simple("    seconds elapsed since the last access to the key."u8);
        call.Reply.Simple("REFCOUNT <key>"u8);
        call.Reply.Simple("    Return the number of references of the value associated with the specified"u8);
        call.Reply.Simple("    <key>."u8);
        call.Reply.Simple("HELP"u8);
        call.Reply.Simple("    Prints this help."u8);
    }

    private static void ObjectIdleTime(ref Call call)
    {
        if (!TryLook(call, out var entry)) return;
        if (!call.Unit.Keyspace.AccessClock.CountsFrequency)
        {
            call.Reply.Integer(AccessClock.IdleMs(entry.AccessClock, call.Unit.NowMs) / 1000);
            return;
        }

        call.Reply.Error(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching "u8
            + "between policies at runtime LRU and LFU data will take some time to adjust."u8);
    }

    private static void ObjectRefCount(ref Call call)
    {
        if (!TryLook(call, out var entry)) return;
        var isShared = entry.Type == ValueType.String
            && StringValue.TryGetInteger(entry, out var number)
            && number is >= 0 and < SharedIntegers;
        call.Reply.Integer(isShared ? SharedReferences : 1);
    }

    private static void Rename(ref Call call)
    {
        if (TryRename(call, replaces: true)) call.Reply.Ok();
    }

    private static void RenameNx(ref Call call)
    {
        if (TryRename(call, replaces: false)) call.Reply.Integer(1);
    }

    private static void Touch(ref Call call)
    {
        var found = 0;
        for (var i = 1; i < call.Args.Count; i++)
        {
            if (!call.Unit.Find(call.Key(i), Access.Read).IsMissing) found++;
        }

        call.Reply.Integer(found);
    }

    private static void Type(ref Call call)
    {
        var entry = call.Unit.Find(call.Key(1), Access.ReadWithoutTouch);
        call.Reply.Simple(entry.IsMissing ? "none"u8 : NameOf(entry.Type));
    }

    private static bool TryReadCopyOptions(in Call call, out int database, out bool replaces)
    {
        database = call.Caller.Database;
        replaces = false;
        for (var i = 3; i < call.Args.Count; i++)
        {
            if (call.Is(i, "REPLACE"u8))
            {
                replaces = true;
                continue;
            }

            if (!call.Is(i, "DB"u8) || i + 1 >= call.Args.Count)
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }

            if (!TryReadDatabase(call, ++i, out database)) return false;
        }

        return true;
    }

    private static bool TryReadDatabase(in Call call, int argIndex, out int database)
    {
        database = 0;
        if (!call.TryInteger(argIndex, out var number)) return false;
        if (number is < int.MinValue or > int.MaxValue)
        {
            call.Reply.Error("ERR value is out of range, value must between -2147483648 and 2147483647"u8);
            return false;
        }

        if (number < 0 || number >= call.Unit.Keyspace.Shape.Databases)
        {
            call.Reply.Error(ErrorTexts.DatabaseOutOfRange);
            return false;
        }

        database = (int)number;
        return true;
    }

    private static bool TryLook(in Call call, out Entry entry)
    {
        entry = call.Unit.Find(call.Key(2), Access.ReadUntold);
        if (!entry.IsMissing) return true;
        call.Reply.Null();
        return false;
    }

    // Writes the reply itself when nothing is to be renamed.
    private static bool TryRename(in Call call, bool replaces)
    {
        var from = call.Key(1);
        var to = call.Key(2);
        var source = call.Write(1);
        if (source.IsMissing)
        {
            call.Reply.Error(ErrorTexts.NoSuchKey);
            return false;
        }

        if (from.Bytes.SequenceEqual(to.Bytes))
        {
            if (replaces) call.Reply.Ok();
            else call.Reply.Integer(0);
            return false;
        }

        var target = call.Write(2);
        if (!target.IsMissing)
        {
            if (!replaces)
            {
                call.Reply.Integer(0);
                return false;
            }

            call.Unit.Remove(to, target);
        }

        call.Unit.Move(from, source, to);
        call.Unit.Changed(to);
        call.Unit.Notify(NotifyClasses.Generic, "rename_from"u8, from);
        call.Unit.Notify(NotifyClasses.Generic, "rename_to"u8, to);
        return true;
    }
}
