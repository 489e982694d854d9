// The texts of errors that end a connection, as Redis 7.2 words them (networking.c).
//
// Errors of commands live beside the commands; these are the ones that the parser finds before there is a command.

namespace Millrace.Resp;

/// <summary>The full texts of protocol errors, without the leading '-' and the CRLF.</summary>
public static class ProtocolErrors
{
    /// <summary>A count line that goes on for more than 64 kB.</summary>
    public static ReadOnlySpan<byte> TooBigMultibulkCount => "ERR Protocol error: too big mbulk count string"u8;

    /// <summary>A number of arguments that is no number or out of range.</summary>
    public static ReadOnlySpan<byte> InvalidMultibulkLength => "ERR Protocol error: invalid multibulk length"u8;

    /// <summary>More arguments than a client may send before it has authenticated.</summary>
    public static ReadOnlySpan<byte> UnauthenticatedMultibulkLength =>
        "ERR Protocol error: unauthenticated multibulk length"u8;

    /// <summary>A length line that goes on for more than 64 kB.</summary>
    public static ReadOnlySpan<byte> TooBigBulkCount => "ERR Protocol error: too big bulk count string"u8;

    /// <summary>A length of an argument that is no number or out of range.</summary>
    public static ReadOnlySpan<byte> InvalidBulkLength => "ERR Protocol error: invalid bulk length"u8;

    /// <summary>A longer argument than a client may send before it has authenticated.</summary>
    public static ReadOnlySpan<byte> UnauthenticatedBulkLength =>
        "ERR Protocol error: unauthenticated bulk length"u8;

    /// <summary>An inline request of more than 64 kB.</summary>
    public static ReadOnlySpan<byte> TooBigInlineRequest => "ERR Protocol error: too big inline request"u8;

    /// <summary>An inline request with an open quote, or text directly after a closing one.</summary>
    public static ReadOnlySpan<byte> UnbalancedQuotes => "ERR Protocol error: unbalanced quotes in request"u8;

    /// <summary>Start of the text for an argument that does not open with '$'; the character and a quote
    /// follow.</summary>
    public static ReadOnlySpan<byte> ExpectedDollarStart => "ERR Protocol error: expected '$', got '"u8;
}
