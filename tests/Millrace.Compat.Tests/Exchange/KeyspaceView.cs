using System.Globalization;
using System.Text;
using Millrace.Compat.Tests.Differential;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Exchange;

/// <summary>
/// What a server holds: the digest of everything, and of each key what names it in a difference: type, digest,
/// deadline, and of a stream its groups, which no digest covers.
/// </summary>
internal sealed class KeyspaceView
{
    /// <summary>How many databases there are.</summary>
    public const int Databases = 16;

    private readonly Dictionary<string, KeyView> _keys = new(StringComparer.Ordinal);
    private readonly string _server;
    private readonly string _digest;

    private KeyspaceView(string server, string digest) => (_server, _digest) = (server, digest);

    /// <summary>How many keys there are.</summary>
    public int Count => _keys.Count;

    /// <summary>Looks at a server, and leaves its client in database 0.</summary>
    public static KeyspaceView Of(string server, RawConnection client)
    {
        var view = new KeyspaceView(server, client.Ask("DEBUG", "DIGEST"));
        for (int database = 0; database < Databases; database++)
        {
            client.Call("SELECT", database.ToString(CultureInfo.InvariantCulture));
            foreach (ReplyValue key in ReplyValue.Parse(client.Call("KEYS", "*")).Items)
            {
                string place = string.Create(
                    CultureInfo.InvariantCulture, $"{Printable.Quote(key.Scalar)} of database {database}");
                view._keys.Add(place + "\0" + key.Text, KeyView.Of(client, key.Scalar));
            }
        }

        client.Call("SELECT", "0");
        return view;
    }

    /// <summary>Fails with what differs unless both hold the same.</summary>
    public static void AssertSame(KeyspaceView expected, KeyspaceView actual, string occasion)
    {
        string[] differences = [.. expected.DifferencesOf(actual)];
        bool isSame = string.Equals(expected._digest, actual._digest, StringComparison.Ordinal);
        if (isSame && differences.Length == 0) return;
        var text = new StringBuilder(occasion).Append(": ").Append(expected._server).Append(" and ")
            .Append(actual._server).Append(" differ");
        if (!isSame) text.Append(CultureInfo.InvariantCulture, $"\ndigests {expected._digest} {actual._digest}");
        foreach (string difference in differences.Take(20)) text.Append('\n').Append(difference);
        Assert.Fail(text.ToString());
    }

    private IEnumerable<string> DifferencesOf(KeyspaceView actual)
    {
        foreach ((string place, KeyView key) in _keys)
        {
            if (!actual._keys.TryGetValue(place, out KeyView? other)) yield return $"{Shown(place)} is missing";
            else if (key.DifferenceOf(other) is { } difference) yield return $"{Shown(place)}: {difference}";
        }

        foreach (string place in actual._keys.Keys.Where(place => !_keys.ContainsKey(place)))
            yield return $"{Shown(place)} should not be there";
    }

    private static string Shown(string place) => place[..place.IndexOf('\0', StringComparison.Ordinal)];

    /// <summary>What there is to say of one key.</summary>
    private sealed record KeyView(string Told, ReplyValue? Stream)
    {
        public static KeyView Of(RawConnection client, byte[] key)
        {
            byte[][] digest = [[.. "DEBUG"u8], [.. "DIGEST-VALUE"u8], key];
            client.Send(
            [
                .. RawConnection.Encode([[.. "TYPE"u8], key]), .. RawConnection.Encode(digest),
                .. RawConnection.Encode([[.. "PEXPIRETIME"u8], key]),
            ]);
            string type = client.ReadText();
            string told = $"{type} {client.ReadText()} {client.ReadText()}"
                .Replace("\r\n", "", StringComparison.Ordinal);
            if (type != "+stream\r\n") return new KeyView(told, Stream: null);
            byte[][] info = [[.. "XINFO"u8], [.. "STREAM"u8], key, [.. "FULL"u8], [.. "COUNT"u8], [.. "0"u8]];
            return new KeyView(told, WithoutNodes(ReplyValue.Parse(client.Call(info))));
        }

        // How entries lie in nodes depends on the limits of whoever adds them.
        private static ReplyValue WithoutNodes(ReplyValue info) => info with
        {
            Items = [.. info.Items.Chunk(2).Where(pair => pair[0].Text != "radix-tree-keys").SelectMany(pair => pair)],
        };

        public string? DifferenceOf(KeyView other)
        {
            if (!string.Equals(Told, other.Told, StringComparison.Ordinal)) return $"{Told} became {other.Told}";
            if (Stream is null || StreamRule.SameInfo(Stream, other.Stream!)) return null;
            return $"the stream {Stream.Render()} became {other.Stream!.Render()}";
        }
    }
}
