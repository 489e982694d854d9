using System.Diagnostics;
using System.Text.Unicode;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>The texts of errors that more than one command gives, with their codes.</summary>
public static class ErrorTexts
{
    private const int MaxCommandErrorBytes = 192;

    /// <summary>The key holds another type.</summary>
    public static ReadOnlySpan<byte> WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value"u8;

    /// <summary>An argument or a value should be a 64-bit integer.</summary>
    public static ReadOnlySpan<byte> NotAnInteger => "ERR value is not an integer or out of range"u8;

    /// <summary>A count may not be negative.</summary>
    public static ReadOnlySpan<byte> NotPositive => "ERR value is out of range, must be positive"u8;

    /// <summary>An argument or a value should be a number.</summary>
    public static ReadOnlySpan<byte> NotAFloat => "ERR value is not a valid float"u8;

    /// <summary>A sum would not fit into 64 bits.</summary>
    public static ReadOnlySpan<byte> IncrementOverflow => "ERR increment or decrement would overflow"u8;

    /// <summary>A score would be no number.</summary>
    public static ReadOnlySpan<byte> ScoreIsNaN => "ERR resulting score is not a number (NaN)"u8;

    /// <summary>An end of a range of scores should be a number.</summary>
    public static ReadOnlySpan<byte> RangeNotAFloat => "ERR min or max is not a float"u8;

    /// <summary>An end of a range of texts has no sign in front that says what it is.</summary>
    public static ReadOnlySpan<byte> RangeNotATextRange => "ERR min or max not valid string range item"u8;

    /// <summary>A payload of RESTORE is damaged, or would be no value.</summary>
    public static ReadOnlySpan<byte> BadPayload => "ERR Bad data format"u8;

    /// <summary>The arguments make no sense together.</summary>
    public static ReadOnlySpan<byte> Syntax => "ERR syntax error"u8;

    /// <summary>The key does not exist.</summary>
    public static ReadOnlySpan<byte> NoSuchKey => "ERR no such key"u8;

    /// <summary>A producer of a stream, or its message, has no name.</summary>
    public static ReadOnlySpan<byte> EmptyProducer => "ERR producer ID and idempotent ID must not be empty"u8;

    /// <summary>There is no database of this number.</summary>
    public static ReadOnlySpan<byte> DatabaseOutOfRange => "ERR DB index is out of range"u8;

    /// <summary>Source and destination are the same.</summary>
    public static ReadOnlySpan<byte> SameObject => "ERR source and destination objects are the same"u8;

    /// <summary>A string would grow beyond the limit.</summary>
    public static ReadOnlySpan<byte> StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)"u8;

    /// <summary>The connection must authenticate first.</summary>
    public static ReadOnlySpan<byte> AuthenticationRequired => "NOAUTH Authentication required."u8;

    /// <summary>A data file is being loaded.</summary>
    public static ReadOnlySpan<byte> Loading => "LOADING Redis is loading the dataset in memory"u8;

    /// <summary>Memory is used up.</summary>
    public static ReadOnlySpan<byte> OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'."u8;

    /// <summary>A sum of floating-point numbers is none.</summary>
    public static ReadOnlySpan<byte> IncrementNotFinite => "ERR increment would produce NaN or Infinity"u8;

    /// <summary>A command would take more memory than there is.</summary>
    public static ReadOnlySpan<byte> NoRoom => "OOM command not allowed: it would take more memory than is left."u8;

    /// <summary>A key is longer than can be stored.</summary>
    public static ReadOnlySpan<byte> KeyTooLong => "ERR key is too long"u8;

    /// <summary>The least 64-bit integer, where its negation is needed.</summary>
    public static ReadOnlySpan<byte> OutsideSymmetricRange =>
        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"u8;

    /// <summary>A list has no such index.</summary>
    public static ReadOnlySpan<byte> IndexOutOfRange => "ERR index out of range"u8;

    /// <summary>Writes that the number of a command's arguments is wrong.</summary>
    public static void WriteArity(ReplyWriter reply, CommandSpec command) =>
        WriteNaming(reply, "ERR wrong number of arguments for '"u8, command);

    /// <summary>Writes that a time is no deadline.</summary>
    public static void WriteInvalidExpiry(ReplyWriter reply, CommandSpec command) =>
        WriteNaming(reply, "ERR invalid expire time in '"u8, command);

    /// <summary>Writes that a container's subcommand has arguments that make no sense.</summary>
    /// <param name="reply">Where it goes.</param>
    /// <param name="word">The subcommand as the client wrote it.</param>
    /// <param name="container">The container's name in upper case.</param>
    public static void WriteSubcommandSyntax(
        ReplyWriter reply, ReadOnlySpan<byte> word, ReadOnlySpan<byte> container)
    {
        Span<byte> after = stackalloc byte[32];
        "'. Try "u8.CopyTo(after);
        container.CopyTo(after[7..]);
        " HELP."u8.CopyTo(after[(7 + container.Length)..]);
        WriteQuoting(
            reply, "ERR unknown subcommand or wrong number of arguments for '"u8, word,
            after[..(13 + container.Length)]);
    }

    /// <summary>Writes an error that quotes a client's word; a long word is cut. CR and LF at the ends of the whole
    /// text are dropped, as Redis does where it formats a text.</summary>
    /// <param name="reply">Where it goes.</param>
    /// <param name="before">Code and text up to the word; with <paramref name="after"/> at most 128 bytes.</param>
    /// <param name="word">The client's word.</param>
    /// <param name="after">The text behind it.</param>
    /// <param name="trims">Whether line ends are dropped; some of Redis's errors are not formatted that way.</param>
    public static void WriteQuoting(
        ReplyWriter reply,
        ReadOnlySpan<byte> before,
        ReadOnlySpan<byte> word,
        ReadOnlySpan<byte> after,
        bool trims = true)
    {
        const int MaxQuoted = 128;
        const int MaxAround = 128;
        Span<byte> text = stackalloc byte[MaxQuoted + MaxAround];
        word = Quotable(word, MaxQuoted);
        before.CopyTo(text);
        word.CopyTo(text[before.Length..]);
        after.CopyTo(text[(before.Length + word.Length)..]);
        text = text[..(before.Length + word.Length + after.Length)];
        reply.Error(trims ? text.Trim("\r\n"u8) : text);
    }

    /// <summary>The part of a client's word that an error quotes: up to its first NUL byte, as C's %s shows
    /// it.</summary>
    /// <param name="word">What the client sent.</param>
    /// <param name="most">The most bytes to quote.</param>
    public static ReadOnlySpan<byte> Quotable(ReadOnlySpan<byte> word, int most)
    {
        word = word[..Math.Min(word.Length, most)];
        var end = word.IndexOf((byte)0);
        return end < 0 ? word : word[..end];
    }

    private static void WriteNaming(ReplyWriter reply, ReadOnlySpan<byte> before, CommandSpec command)
    {
        Span<byte> text = stackalloc byte[MaxCommandErrorBytes];
        before.CopyTo(text);
        var isWhole = Utf8.TryWrite(text[before.Length..], $"{command.FullName}' command", out var length);
        Debug.Assert(isWhole, "names of commands are short");
        reply.Error(text[..(before.Length + length)]);
    }
}
