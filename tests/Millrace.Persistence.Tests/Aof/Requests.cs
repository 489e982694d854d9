using System.Text;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>Commands as bytes and as text.</summary>
internal static class Requests
{
    /// <summary>A command in protocol form.</summary>
    internal static byte[] Of(params string[] words)
    {
        var text = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words) text.Append($"${word.Length}\r\n{word}\r\n");
        return Encoding.Latin1.GetBytes(text.ToString());
    }

    /// <summary>A text as bytes.</summary>
    internal static byte[] Raw(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Several byte strings as one.</summary>
    internal static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(part => part)];
}
