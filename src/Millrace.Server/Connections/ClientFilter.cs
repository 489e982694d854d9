using System.Text;
using Millrace.Commands;
using Millrace.Resp;

namespace Millrace.Server.Connections;

/// <summary>What a client is to the server.</summary>
internal enum ClientClass
{
    /// <summary>An ordinary client.</summary>
    Normal,

    /// <summary>Whom a replica follows.</summary>
    Master,

    /// <summary>A replica.</summary>
    Replica,

    /// <summary>A subscriber.</summary>
    PubSub,
}

/// <summary>
/// Which clients CLIENT KILL is to close: all conditions that are given must hold.
/// </summary>
/// <remarks>Source: Redis documentation, "CLIENT KILL"; MAXAGE since 7.4.</remarks>
internal sealed record ClientFilter
{
    private const int MaxAddressBytes = 256;

    /// <summary>These ids; null for any.</summary>
    public HashSet<long>? Ids { get; init; }

    /// <summary>The peer's address; null for any.</summary>
    public string? Address { get; init; }

    /// <summary>Our own address; null for any.</summary>
    public string? LocalAddress { get; init; }

    /// <summary>The user; null for any.</summary>
    public string? User { get; init; }

    /// <summary>The class; null for any.</summary>
    public ClientClass? Class { get; init; }

    /// <summary>Only clients connected for at least so many seconds; 0 for any.</summary>
    public long MinAgeSeconds { get; init; }

    /// <summary>Spares the client that asks.</summary>
    public bool SkipsCaller { get; init; } = true;

    /// <summary>An address as it is compared. No connection has one as long as the longest, so what is cut is
    /// nobody's.</summary>
    /// <param name="word">What the client sent.</param>
    public static string AddressOf(ReadOnlySpan<byte> word) =>
        Encoding.Latin1.GetString(ErrorTexts.Quotable(word, MaxAddressBytes));

    /// <summary>Whether a client is meant.</summary>
    /// <param name="client">The client.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="nowUs">The caller's monotonic clock.</param>
    public bool Matches(Client client, Client caller, long nowUs) =>
        (Address is null || Address == client.Connection.RemoteAddress)
        && (LocalAddress is null || LocalAddress == client.Connection.LocalAddress)
        && Ids?.Contains(client.Id) != false
        && (User is null || User == client.User)
        && Class is null or ClientClass.Normal
        && (nowUs - client.Connection.CreatedAtUs) / 1_000_000 >= MinAgeSeconds
        && !(SkipsCaller && ReferenceEquals(client, caller));

    /// <summary>Reads pairs of option and value from the third argument on; writes an error and returns null when they
    /// make no sense.</summary>
    public static ClientFilter? Read(in Call call)
    {
        var filter = new ClientFilter();
        for (var i = 2; i < call.Args.Count; i += 2)
        {
            if (i + 1 == call.Args.Count) return Refused(call, ErrorTexts.Syntax);
            var next = call.Is(i, "ID"u8) ? filter.WithIds(call, ref i) : filter.With(call, i);
            if (next is null) return null;
            filter = next;
        }

        return filter;
    }

    /// <summary>Reads the name of a class; writes an error when there is none of that name.</summary>
    public static bool TryClass(in Call call, int at, out ClientClass kind)
    {
        kind = ClientClass.Normal;
        if (call.Is(at, "NORMAL"u8)) return true;
        if (call.Is(at, "MASTER"u8)) kind = ClientClass.Master;
        else if (call.Is(at, "REPLICA"u8) || call.Is(at, "SLAVE"u8)) kind = ClientClass.Replica;
        else if (call.Is(at, "PUBSUB"u8)) kind = ClientClass.PubSub;
        else ErrorTexts.WriteQuoting(call.Reply, "ERR Unknown client type '"u8, call.Args[at], "'"u8);
        return kind != ClientClass.Normal;
    }

    // All ids that follow; `at` is left on the last pair's option.
    private ClientFilter? WithIds(in Call call, ref int at)
    {
        HashSet<long> ids = [];
        while (at + 1 < call.Args.Count && Numbers.TryParseInt64(call.Args[at + 1], out var id) && id > 0)
        {
            ids.Add(id);
            at++;
        }

        at--;
        return ids.Count > 0 ? this with { Ids = ids } : Refused(call, "ERR client-id should be greater than 0"u8);
    }

    private ClientFilter? With(in Call call, int at)
    {
        var value = call.Args[at + 1];
        if (call.Is(at, "TYPE"u8)) return TryClass(call, at + 1, out var kind) ? this with { Class = kind } : null;
        if (call.Is(at, "ADDR"u8)) return this with { Address = AddressOf(value) };
        if (call.Is(at, "LADDR"u8)) return this with { LocalAddress = AddressOf(value) };
        if (call.Is(at, "USER"u8))
        {
            if (value.SequenceEqual("default"u8)) return this with { User = "default" };
            ErrorTexts.WriteQuoting(call.Reply, "ERR No such user '"u8, value, "'"u8);
            return null;
        }

        if (call.Is(at, "MAXAGE"u8))
        {
            if (!Numbers.TryParseInt64(value, out var seconds))
                return Refused(call, "ERR maxage is not an integer or out of range"u8);
            return seconds > 0 ? this with { MinAgeSeconds = seconds }
                : Refused(call, "ERR maxage should be greater than 0"u8);
        }

        if (call.Is(at, "SKIPME"u8) && Words.Equal(value, "YES"u8)) return this with { SkipsCaller = true };
        if (call.Is(at, "SKIPME"u8) && Words.Equal(value, "NO"u8)) return this with { SkipsCaller = false };
        return Refused(call, ErrorTexts.Syntax);
    }

    private static ClientFilter? Refused(in Call call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return null;
    }
}
