using System.Globalization;
using System.Text;
using Millrace.Commands;
using Millrace.Net;
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
/// Which clients CLIENT LIST shows and CLIENT KILL closes: all conditions that are given must hold.
/// </summary>
/// <remarks>
/// A condition is a pair of words, or ID with several numbers; NOT- in front of most of them turns it round. Of two
/// conditions of the same kind the last counts. Made and used while all loops stand still. Sources: Redis
/// documentation, "CLIENT LIST", "CLIENT KILL" (MAXAGE: 7.4); all other conditions, and all of them in CLIENT LIST:
/// Valkey documentation, 9.0.
/// </remarks>
internal sealed class ClientFilter
{
    private const int MaxAddressBytes = 256;

    private readonly Dictionary<(Property Property, bool IsNot), Func<Client, bool>> _conditions = [];

    private ClientFilter()
    {
    }

    private enum Property
    {
        Id,
        Class,
        Address,
        Ip,
        LocalAddress,
        User,
        Name,
        LibraryName,
        LibraryVersion,
        Database,
        Flags,
        Age,
        Idle,
    }

    /// <summary>The ids that are asked for, in the order in which they are; null for any.</summary>
    public IReadOnlyList<long>? Ids { get; private set; }

    /// <summary>Spares the client that asks.</summary>
    public bool SkipsCaller { get; private set; }

    /// <summary>The clients from an address (the old form of CLIENT KILL), the one that asks not excepted.</summary>
    /// <param name="address">What the client sent.</param>
    public static ClientFilter From(ReadOnlySpan<byte> address)
    {
        var filter = new ClientFilter();
        filter.TryAddText(Property.Address, isNot: false, AddressOf(address));
        return filter;
    }

    /// <summary>Reads the conditions from the third argument on; writes an error and returns null when they make no
    /// sense.</summary>
    /// <param name="call">CLIENT LIST or CLIENT KILL.</param>
    /// <param name="isList">Whether it lists; KILL spares its caller unless it says otherwise, and has other texts for
    /// wrong ids.</param>
    public static ClientFilter? Read(in Call call, bool isList)
    {
        var filter = new ClientFilter { SkipsCaller = !isList };
        for (var i = 2; i < call.Args.Count;)
        {
            if (!filter.TryRead(call, ref i, isList)) return null;
        }

        return filter;
    }

    /// <summary>Whether a client is meant.</summary>
    /// <param name="client">The client.</param>
    /// <param name="caller">Who asks.</param>
    public bool Matches(Client client, Client caller)
    {
        if (SkipsCaller && ReferenceEquals(client, caller)) return false;
        foreach (var ((_, isNot), holds) in _conditions)
        {
            if (holds(client) == isNot) return false;
        }

        return true;
    }

    // One condition; `at` is left behind it.
    private bool TryRead(in Call call, ref int at, bool isList)
    {
        if (at + 1 == call.Args.Count) return Refused(call, ErrorTexts.Syntax);
        var name = NameOf(call.Args[at], out var isNot);
        if (Words.Equal(name, "ID"u8)) return TryAddIds(call, ref at, isNot, isList);
        if (!TryAdd(call, name, isNot, call.Args[at + 1])) return false;
        at += 2;
        return true;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> word, out bool isNot)
    {
        isNot = word.Length > 4 && Words.Equal(word[..4], "NOT-"u8);
        return isNot ? word[4..] : word;
    }

    // The integers that follow. A list takes any integer: there is no client of some of them, that is all.
    private bool TryAddIds(in Call call, ref int at, bool isNot, bool isList)
    {
        List<long> ids = [];
        for (at++; at < call.Args.Count && Numbers.TryParseInt64(call.Args[at], out var id); at++)
        {
            if (id < 1 && !isList) return Refused(call, "ERR client-id should be greater than 0"u8);
            ids.Add(id);
        }

        if (ids.Count == 0 && !isList) return Refused(call, "ERR client-id should be greater than 0"u8);
        if (isList && (ids.Count == 0 || (at < call.Args.Count && !IsCondition(call.Args[at]))))
            return Refused(call, "ERR Invalid client ID"u8);
        if (!isNot) Ids = ids;
        var set = new HashSet<long>(ids);
        _conditions[(Property.Id, isNot)] = client => set.Contains(client.Id);
        return true;
    }

    private static bool IsCondition(ReadOnlySpan<byte> word)
    {
        ReadOnlySpan<string> names =
        [
            "id", "type", "addr", "ip", "laddr", "user", "name", "lib-name", "lib-ver", "db", "flags", "maxage", "idle",
            "skipme",
        ];
        var name = Encoding.Latin1.GetString(ErrorTexts.Quotable(NameOf(word, out _), 16));
        foreach (var one in names)
        {
            if (one.Equals(name, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    private bool TryAdd(in Call call, ReadOnlySpan<byte> name, bool isNot, ReadOnlySpan<byte> value)
    {
        if (Words.Equal(name, "TYPE"u8)) return TryAddClass(call, isNot, value);
        if (Words.Equal(name, "USER"u8)) return TryAddUser(call, isNot, value);
        if (Words.Equal(name, "DB"u8)) return TryAddDatabase(call, isNot, value);
        if (Words.Equal(name, "FLAGS"u8)) return TryAddFlags(call, isNot, value);
        if (Words.Equal(name, "ADDR"u8)) return TryAddText(Property.Address, isNot, AddressOf(value));
        if (Words.Equal(name, "LADDR"u8)) return TryAddText(Property.LocalAddress, isNot, AddressOf(value));
        if (Words.Equal(name, "IP"u8)) return TryAddText(Property.Ip, isNot, AddressOf(value));
        if (Words.Equal(name, "NAME"u8)) return TryAddText(Property.Name, isNot, TextOf(value));
        if (Words.Equal(name, "LIB-NAME"u8)) return TryAddText(Property.LibraryName, isNot, TextOf(value));
        if (Words.Equal(name, "LIB-VER"u8)) return TryAddText(Property.LibraryVersion, isNot, TextOf(value));
        if (isNot) return Refused(call, ErrorTexts.Syntax);
        if (Words.Equal(name, "MAXAGE"u8)) return TryAddSeconds(call, Property.Age, value);
        if (Words.Equal(name, "IDLE"u8)) return TryAddSeconds(call, Property.Idle, value);
        if (!Words.Equal(name, "SKIPME"u8)) return Refused(call, ErrorTexts.Syntax);
        SkipsCaller = Words.Equal(value, "YES"u8);
        return SkipsCaller || Words.Equal(value, "NO"u8) || Refused(call, ErrorTexts.Syntax);
    }

    // Who has no text of that kind is not meant, whatever text is asked for.
    private bool TryAddText(Property property, bool isNot, string text)
    {
        _conditions[(property, isNot)] = client => TextOf(client, property) is { Length: > 0 } own && own == text;
        return true;
    }

    private static string? TextOf(Client client, Property property) => property switch
    {
        Property.Address => client.Connection.RemoteAddress,
        Property.LocalAddress => client.Connection.LocalAddress,
        Property.Ip => IpOf(client.Connection),
        Property.Name => client.Name,
        Property.LibraryName => client.LibraryName,
        _ => client.LibraryVersion,
    };

    private bool TryAddClass(in Call call, bool isNot, ReadOnlySpan<byte> value)
    {
        ClientClass kind;
        if (Words.Equal(value, "NORMAL"u8)) kind = ClientClass.Normal;
        else if (Words.Equal(value, "MASTER"u8) || Words.Equal(value, "PRIMARY"u8)) kind = ClientClass.Master;
        else if (Words.Equal(value, "REPLICA"u8) || Words.Equal(value, "SLAVE"u8)) kind = ClientClass.Replica;
        else if (Words.Equal(value, "PUBSUB"u8)) kind = ClientClass.PubSub;
        else return RefusedWord(call, "ERR Unknown client type '"u8, value, "'"u8);
        _conditions[(Property.Class, isNot)] = client => ClientLine.ClassOf(client) == kind;
        return true;
    }

    private bool TryAddUser(in Call call, bool isNot, ReadOnlySpan<byte> value)
    {
        if (!value.SequenceEqual("default"u8)) return RefusedWord(call, "ERR No such user '"u8, value, "'"u8);
        _conditions[(Property.User, isNot)] = static client => client.User == "default";
        return true;
    }

    private bool TryAddDatabase(in Call call, bool isNot, ReadOnlySpan<byte> value)
    {
        if (!Numbers.TryParseInt64(value, out var number) || number is < int.MinValue or > int.MaxValue)
            return Refused(call, "ERR DB is not an integer or out of range"u8);
        var last = call.Unit.Keyspace.Shape.Databases - 1;
        if (number < 0 || number > last)
        {
            var text = string.Create(
                CultureInfo.InvariantCulture, $"ERR DB number should be between 0 and {last}");
            return Refused(call, Encoding.ASCII.GetBytes(text));
        }

        _conditions[(Property.Database, isNot)] = client => client.Database == number;
        return true;
    }

    private bool TryAddFlags(in Call call, bool isNot, ReadOnlySpan<byte> value)
    {
        var flags = "OSMPxbtRBdcuAUreTIN"u8;
        if (value.ContainsAnyExcept(flags))
        {
            return RefusedWord(
                call,
                isNot ? "ERR Unknown flags found in the NOT-FLAGS filter: "u8
                    : "ERR Unknown flags found in the provided filter: "u8,
                value, default);
        }

        List<char> wanted = [];
        foreach (var flag in flags)
        {
            if (value.Contains(flag)) wanted.Add((char)flag);
        }

        _conditions[(Property.Flags, isNot)] = client =>
        {
            var own = ClientLine.FlagsOf(client);
            foreach (var flag in wanted)
            {
                if (!own.Contains(flag, StringComparison.Ordinal)) return false;
            }

            return true;
        };
        return true;
    }

    private bool TryAddSeconds(in Call call, Property property, ReadOnlySpan<byte> value)
    {
        var isAge = property == Property.Age;
        if (!Numbers.TryParseInt64(value, out var seconds))
        {
            return Refused(
                call, isAge ? "ERR maxage is not an integer or out of range"u8
                    : "ERR idle is not an integer or out of range"u8);
        }

        if (seconds <= 0)
        {
            return Refused(
                call, isAge ? "ERR maxage should be greater than 0"u8 : "ERR idle should be greater than 0"u8);
        }

        var nowUs = call.Client().Connection.Loop.NowUs;
        _conditions[(property, false)] = client =>
        {
            var sinceUs = isAge ? client.Connection.CreatedAtUs : client.Connection.LastActivityUs;
            return (nowUs - sinceUs) / 1_000_000 >= seconds;
        };
        return true;
    }

    // No connection has an address as long as the longest, so what is cut is nobody's.
    private static string AddressOf(ReadOnlySpan<byte> word) =>
        Encoding.Latin1.GetString(ErrorTexts.Quotable(word, MaxAddressBytes));

    // The same for names.
    private static string TextOf(ReadOnlySpan<byte> word) =>
        Encoding.Latin1.GetString(word[..Math.Min(word.Length, ClientCommands.MaxNameBytes + 1)]);

    // "127.0.0.1:6379" and "[::1]:6379" without what surrounds the address.
    private static string? IpOf(Connection connection)
    {
        if (connection.IsUnixSocket) return null;
        var address = connection.RemoteAddress;
        return address[..address.LastIndexOf(':')].Trim('[', ']');
    }

    private static bool Refused(in Call call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }

    private static bool RefusedWord(
        in Call call, ReadOnlySpan<byte> before, ReadOnlySpan<byte> word, ReadOnlySpan<byte> behind)
    {
        ErrorTexts.WriteQuoting(call.Reply, before, word, behind);
        return false;
    }
}
