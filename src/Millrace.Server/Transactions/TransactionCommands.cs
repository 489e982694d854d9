// MULTI EXEC DISCARD WATCH UNWATCH.
//
//     MULTI          the client queues: every other command is refused at once, or copied into its CommandQueue
//     EXEC           one unit over the partitions of all queued commands and of all watched keys; the queued commands
//                    run in it one after the other (Executor.RunQueued), and an error in one does not stop the next
//     WATCH          the partitions of the keys remember the client's Watcher; whoever changes one of them breaks it
//
// EXEC decides whether the watch is broken when it holds the partitions of all watched keys, so no change can come
// between that decision and the commands. A refused command (unknown, wrong number of arguments, not allowed here)
// makes EXEC answer EXECABORT.
// Source: Redis 7.2 documentation, "Transactions", and the commands' pages. MULTI inside of MULTI makes EXEC refuse, as
// in Valkey 9; Redis 7.2 only answers with the error.

using Millrace.Commands;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Transactions;

/// <summary>The commands of transactions.</summary>
public static class TransactionCommands
{
    private const CommandFlags Usual = NoScript | Loading | Stale | Fast | AllowBusy;

    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("discard", 1, Discard)
        {
            Flags = Usual,
            Categories = AclCategories.Transaction,
            Locks = LockScope.Watched,
            RunsWhileQueueing = true,
            Summary = "Forgets all commands queued since MULTI.",
            Since = "2.0.0",
            Complexity = "O(N), when N is the number of queued commands",
            Group = "transactions",
        },
        new("exec", 1, Exec)
        {
            Flags = NoScript | Loading | Stale | SkipSlowlog,
            Categories = AclCategories.Transaction,
            Locks = LockScope.Transaction,
            RunsWhileQueueing = true,
            Summary = "Runs all commands queued since MULTI.",
            Since = "1.2.0",
            Complexity = "Depends on commands in the transaction",
            Group = "transactions",
        },
        new("multi", 1, Multi)
        {
            Flags = Usual,
            Categories = AclCategories.Transaction,
            RunsWhileQueueing = true,
            Summary = "Begins a transaction: commands are queued until EXEC.",
            Since = "1.2.0",
            Complexity = "O(1)",
            Group = "transactions",
        },
        new("unwatch", 1, Unwatch)
        {
            Flags = Usual,
            Categories = AclCategories.Transaction,
            Locks = LockScope.Watched,
            Summary = "Watches no key any more.",
            Since = "2.2.0",
            Complexity = "O(1)",
            Group = "transactions",
        },
        new("watch", -2, Watch)
        {
            Flags = Usual,
            Categories = AclCategories.Transaction,
            RunsWhileQueueing = true,
            Keys = [KeySpec.Rest(KeyFlags.RO)],
            Syntax = "key...",
            Summary = "Watches keys: EXEC runs nothing when one of them has changed by then.",
            Since = "2.2.0",
            Complexity = "O(1) for every key.",
            Group = "transactions",
        },
    ];

    private static void Discard(ref Call call)
    {
        var client = call.Client();
        if (!client.IsQueueing)
        {
            call.Reply.Error("ERR DISCARD without MULTI"u8);
            return;
        }

        client.EndTransaction();
        client.Unwatch(call.Unit.Keyspace);
        call.Reply.Ok();
    }

    private static void Exec(ref Call call)
    {
        var client = call.Client();
        if (!client.IsQueueing)
        {
            call.Reply.Error("ERR EXEC without MULTI"u8);
            return;
        }

        var queue = client.Queue;
        client.Watcher?.Settle(call.Unit);
        if (queue.IsAborted)
        {
            call.Reply.Error("EXECABORT Transaction discarded because of previous errors."u8);
        }
        else if (client.Watcher is { IsBroken: true })
        {
            call.Reply.NullArray();
        }
        else
        {
            client.Unwatch(call.Unit.Keyspace); // what it changes itself now breaks nothing
            client.Executor!.RunQueued(client, call);
        }

        client.EndTransaction();
        client.Unwatch(call.Unit.Keyspace);
    }

    private static void Multi(ref Call call)
    {
        var client = call.Client();
        if (client.IsQueueing)
        {
            client.Queue.IsAborted = true;
            call.Reply.Error("ERR MULTI calls can not be nested"u8);
            return;
        }

        client.BeginTransaction();
        call.Reply.Ok();
    }

    private static void Unwatch(ref Call call)
    {
        call.Client().Unwatch(call.Unit.Keyspace);
        call.Reply.Ok();
    }

    private static void Watch(ref Call call)
    {
        var client = call.Client();
        if (client.IsQueueing)
        {
            call.Reply.Error("ERR WATCH inside MULTI is not allowed"u8);
            return;
        }

        // A watch that is broken stays broken, whatever else is watched.
        if (client.Watcher is not { IsBroken: true })
        {
            for (var i = 1; i < call.Args.Count; i++) client.Watch(call.Unit, call.Key(i));
        }

        call.Reply.Ok();
    }
}
