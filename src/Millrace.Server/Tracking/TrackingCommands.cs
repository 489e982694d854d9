// CLIENT TRACKING CACHING GETREDIR TRACKINGINFO: a client keeps copies of what it reads and hears when they are stale.
//
// TRACKING runs while all loops stand still: it looks for the client that invalidations are redirected to, and a first
// prefix makes every partition tell what it touches.
// Source: Redis 7.2 documentation, "Client-side caching" and the commands' pages; texts as redis-server 7.0.15.

using Millrace.Commands;
using Millrace.Resp;
using Millrace.Server.Connections;
using Millrace.Server.PubSub;
using static Millrace.Commands.CommandFlags;

namespace Millrace.Server.Tracking;

/// <summary>The subcommands of CLIENT about client-side caching.</summary>
internal sealed class TrackingCommands(ClientRegistry registry, Channels channels)
{
    private readonly ClientRegistry _registry = registry;
    private readonly Channels _channels = channels;

    /// <summary>CLIENT CACHING.</summary>
    public static CommandSpec CachingSpec() => ClientCommands.Own(
        "caching", 3, Caching, "6.0.0", "(YES | NO)", "Says whether keys of the next command are tracked.");

    /// <summary>CLIENT GETREDIR.</summary>
    public static CommandSpec GetRedirSpec() => ClientCommands.Own(
        "getredir", 2, GetRedir, "6.0.0", "",
        "Returns the number of the client that gets the connection's invalidations.");

    /// <summary>CLIENT TRACKING.</summary>
    public CommandSpec TrackingSpec() => new("tracking", -3, Tracking)
    {
        Flags = NoScript | Loading | Stale,
        Categories = AclCategories.Connection,
        Locks = LockScope.Quiesced,
        Syntax = "(ON | OFF) [REDIRECT client-id:integer] [PREFIX prefix:string]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        Summary = "Switches on or off that the connection hears when keys change that it may keep copies of.",
        Since = "6.0.0",
        Complexity = "O(1). Some options may introduce additional complexity.",
        Group = "connection",
    };

    /// <summary>CLIENT TRACKINGINFO.</summary>
    public static CommandSpec TrackingInfoSpec() => ClientCommands.Own(
        "trackinginfo", 2, TrackingInfo, "6.2.0", "", "Returns how the connection tracks keys.");

    /// <summary>Switches a client's tracking off.</summary>
    public static void End(Client client, Channels channels, Engine.TrackingTotals totals)
    {
        if (client.Tracking is not { IsOn: true } tracking) return;
        channels.LeavePrefixes(client);
        tracking.End();
        totals.AddClient(-1);
        client.SettleListening();
    }

    private static void Caching(ref Call call)
    {
        var client = call.Client();
        if (client.Tracking is not { IsOn: true } tracking || !tracking.Has(TrackingModes.OptIn | TrackingModes.OptOut))
        {
            call.Reply.Error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN "u8
                + "or OPTOUT mode enabled"u8);
            return;
        }

        var isYes = call.Is(2, "YES"u8);
        if (!isYes && !call.Is(2, "NO"u8))
        {
            call.Reply.Error(ErrorTexts.Syntax);
        }
        else if (isYes != tracking.Has(TrackingModes.OptIn))
        {
            call.Reply.Error(isYes
                ? "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."u8
                : "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."u8);
        }
        else
        {
            tracking.IsCachingSaid = true;
            client.SettleListening();
            call.Reply.Ok();
        }
    }

    private static void GetRedir(ref Call call) =>
        call.Reply.Integer(call.Client().Tracking is { IsOn: true } tracking ? tracking.RedirectId : -1);

    private void Tracking(ref Call call)
    {
        if (!TryOptions(ref call, out var modes, out var redirect, out var prefixes)) return;
        var client = call.Client();
        if (call.Is(2, "OFF"u8))
        {
            End(client, _channels, call.Unit.Keyspace.Tracking);
        }
        else if (!call.Is(2, "ON"u8))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }
        else if (!TryBegin(ref call, modes, redirect, prefixes))
        {
            return;
        }

        call.Reply.Ok();
    }

    private bool TryBegin(ref Call call, TrackingModes modes, Client? redirect, List<byte[]> prefixes)
    {
        var client = call.Client();
        if (Incompatibility(client, modes, prefixes.Count) is { IsEmpty: false } text)
        {
            call.Reply.Error(text);
            return false;
        }

        var isBroadcast = (modes & TrackingModes.Broadcast) != 0;
        if (isBroadcast && HaveCollision(ref call, client, prefixes)) return false;
        var tracking = client.OwnTracking;
        if (!tracking.IsOn) call.Unit.Keyspace.Tracking.AddClient(1);
        tracking.Begin(modes, redirect?.Id ?? 0, redirect?.Connection.Loop.Index ?? 0);
        if (isBroadcast && prefixes.Count == 0) prefixes.Add([]);
        foreach (var prefix in prefixes) _channels.Subscribe(client, TopicKind.Prefix, prefix);
        if (isBroadcast) call.Unit.Keyspace.RecountListeners();
        client.SettleListening();
        return true;
    }

    private bool TryOptions(ref Call call, out TrackingModes modes, out Client? redirect, out List<byte[]> prefixes)
    {
        (modes, redirect, prefixes) = (TrackingModes.None, null, []);
        for (var i = 3; i < call.Args.Count; i++)
        {
            var hasMore = i + 1 < call.Args.Count;
            if (hasMore && call.Is(i, "REDIRECT"u8))
            {
                if (!TryRedirect(ref call, ++i, ref redirect)) return false;
            }
            else if (hasMore && call.Is(i, "PREFIX"u8))
            {
                prefixes.Add(call.Args[++i].ToArray());
            }
            else if (call.Is(i, "BCAST"u8))
            {
                modes |= TrackingModes.Broadcast;
            }
            else if (call.Is(i, "OPTIN"u8))
            {
                modes |= TrackingModes.OptIn;
            }
            else if (call.Is(i, "OPTOUT"u8))
            {
                modes |= TrackingModes.OptOut;
            }
            else if (call.Is(i, "NOLOOP"u8))
            {
                modes |= TrackingModes.NoLoop;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        return true;
    }

    private bool TryRedirect(ref Call call, int argIndex, ref Client? redirect)
    {
        if (redirect is not null)
        {
            call.Reply.Error("ERR A client can only redirect to a single other client"u8);
            return false;
        }

        if (!call.TryInteger(argIndex, out var id)) return false;
        redirect = _registry.Find(id);
        if (redirect is not null) return true;
        call.Reply.Error("ERR The client ID you want redirect to does not exist"u8);
        return false;
    }

    private static ReadOnlySpan<byte> Incompatibility(Client client, TrackingModes modes, int prefixes)
    {
        const TrackingModes Choices = TrackingModes.OptIn | TrackingModes.OptOut;
        var before = client.Tracking is { IsOn: true } tracking ? tracking.Modes : (TrackingModes?)null;
        if (prefixes > 0 && (modes & TrackingModes.Broadcast) == 0)
            return "ERR PREFIX option requires BCAST mode to be enabled"u8;
        if (before is { } mode && ((mode ^ modes) & TrackingModes.Broadcast) != 0)
        {
            return "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "u8
                + "re-enabling it with a different mode."u8;
        }

        if ((modes & TrackingModes.Broadcast) != 0 && (modes & Choices) != 0)
            return "ERR OPTIN and OPTOUT are not compatible with BCAST"u8;
        if ((modes & Choices) == Choices) return "ERR You can't specify both OPTIN mode and OPTOUT mode"u8;
        if (before is { } choice && (modes & Choices) != 0 && (choice & Choices & ~modes) != 0)
        {
            return "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "u8
                + "re-enabling it with a different mode."u8;
        }

        return default;
    }

    // One prefix within another would tell of a key twice.
    private static bool HaveCollision(ref Call call, Client client, List<byte[]> prefixes)
    {
        var existing = client.Subscriptions?.Of(TopicKind.Prefix).ToArray() ?? [];
        for (var i = 0; i < prefixes.Count; i++)
        {
            foreach (var old in existing)
            {
                if (!Overlap(prefixes[i], old.Name)) continue;
                WriteCollision(call.Reply, prefixes[i], "an existing"u8, old.Name);
                return true;
            }

            for (var j = i + 1; j < prefixes.Count; j++)
            {
                if (!Overlap(prefixes[i], prefixes[j])) continue;
                WriteCollision(call.Reply, prefixes[i], "another provided"u8, prefixes[j]);
                return true;
            }
        }

        return false;
    }

    private static bool Overlap(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.StartsWith(right) || right.StartsWith(left);

    private static void WriteCollision(
        ReplyWriter reply, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> which, ReadOnlySpan<byte> other)
    {
        const int MostQuoted = 128;
        reply.Error([
            .. "ERR Prefix '"u8, .. ErrorTexts.Quotable(prefix, MostQuoted), .. "' overlaps with "u8, .. which,
            .. " prefix '"u8, .. ErrorTexts.Quotable(other, MostQuoted),
            .. "'. Prefixes for a single client must not overlap."u8]);
    }

    private static void TrackingInfo(ref Call call)
    {
        var client = call.Client();
        var reply = call.Reply;
        var tracking = client.Tracking is { IsOn: true } on ? on : null;
        reply.Map(3);
        reply.Bulk("flags"u8);
        WriteFlags(reply, tracking);
        reply.Bulk("redirect"u8);
        reply.Integer(tracking?.RedirectId ?? -1);
        reply.Bulk("prefixes"u8);
        reply.Array(client.Subscriptions?.CountOf(TopicKind.Prefix) ?? 0);
        foreach (var prefix in client.Subscriptions?.Of(TopicKind.Prefix).ToArray() ?? []) reply.Bulk(prefix.Name);
    }

    private static void WriteFlags(ReplyWriter reply, ClientTracking? tracking)
    {
        List<byte[]> flags = [];
        if (tracking is null) flags.Add([.. "off"u8]);
        else flags.Add([.. "on"u8]);
        if (tracking?.Has(TrackingModes.Broadcast) is true) flags.Add([.. "bcast"u8]);
        if (tracking?.Has(TrackingModes.OptIn) is true)
        {
            flags.Add([.. "optin"u8]);
            if (tracking.IsCachingSaid) flags.Add([.. "caching-yes"u8]);
        }

        if (tracking?.Has(TrackingModes.OptOut) is true)
        {
            flags.Add([.. "optout"u8]);
            if (tracking.IsCachingSaid) flags.Add([.. "caching-no"u8]);
        }

        if (tracking?.Has(TrackingModes.NoLoop) is true) flags.Add([.. "noloop"u8]);
        if (tracking is { IsRedirectBroken: true }) flags.Add([.. "broken_redirect"u8]);
        reply.Set(flags.Count);
        foreach (var flag in flags) reply.Bulk(flag);
    }
}
