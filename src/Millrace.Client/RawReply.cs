// A reply together with the exact bytes it arrived as, for tests that compare servers byte for byte.

using Millrace.Resp;

namespace Millrace.Client;

/// <summary>A reply and its bytes.</summary>
/// <param name="Value">The reply.</param>
/// <param name="Bytes">The bytes it was sent as, attributes before it included.</param>
public sealed record RawReply(RespValue Value, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The bytes, one character each.</summary>
    public override string ToString() => System.Text.Encoding.Latin1.GetString(Bytes.Span);
}
