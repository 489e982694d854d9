using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Generation;

/// <summary>One request of a stream, with what the comparison and the coverage need to know of it.</summary>
/// <param name="Command">The command's name as in the grammar, e.g. <c>CLIENT LIST</c>.</param>
/// <param name="Arguments">All arguments, the name first.</param>
/// <param name="Options">The options it carries, e.g. <c>NX</c>.</param>
/// <param name="IsInline">True when it is sent as an inline command.</param>
/// <param name="HasReply">False for what CLIENT REPLY mutes.</param>
public sealed record Request(
    string Command, byte[][] Arguments, IReadOnlyList<string> Options, bool IsInline = false, bool HasReply = true)
{
    /// <summary>The bytes to send.</summary>
    public byte[] Encode()
    {
        if (!IsInline)
            return RawConnection.Encode(Arguments.AsSpan());
        using var line = new MemoryStream();
        foreach (byte[] argument in Arguments)
        {
            if (line.Length > 0)
                line.WriteByte((byte)' ');
            line.Write(argument);
        }
        line.Write("\r\n"u8);
        return line.ToArray();
    }

    /// <inheritdoc/>
    public override string ToString() =>
        string.Join(' ', Arguments.Select(argument => Printable.Quote(argument))) + (IsInline ? " (inline)" : "");
}

/// <summary>Requests that stay together, on one connection, with nothing between them.</summary>
/// <param name="Requests">What is sent.</param>
/// <param name="PauseMs">How long both servers are left alone after the replies, so that short deadlines pass.</param>
/// <param name="Closes">True when the server closes the connection after the last reply.</param>
public sealed record Sentence(IReadOnlyList<Request> Requests, int PauseMs = 0, bool Closes = false);
