// What a client may announce before the connection is ended: the limits of Redis's networking.c.

namespace Millrace.Resp;

/// <summary>The limits that the request parser enforces; immutable, so that one object can be shared and
/// swapped.</summary>
public sealed class RequestLimits
{
    /// <summary>The limits of Redis's default configuration.</summary>
    public static readonly RequestLimits Default = new();

    /// <summary>The longest argument in bytes (<c>proto-max-bulk-len</c>).</summary>
    public long MaxBulkLength { get; init; } = 512L * 1024 * 1024;

    /// <summary>The longest inline request, and the longest count line of a request, in bytes.</summary>
    public int MaxInlineBytes { get; init; } = 64 * 1024;

    /// <summary>The most arguments of one request.</summary>
    public int MaxArguments { get; init; } = int.MaxValue;

    /// <summary>The most arguments of one request before the client has authenticated.</summary>
    public int MaxArgumentsUnauthenticated { get; init; } = 10;

    /// <summary>The longest argument in bytes before the client has authenticated.</summary>
    public int MaxBulkLengthUnauthenticated { get; init; } = 16384;

    /// <summary>An argument at least this long makes the parser ask for a larger buffer (bytes).</summary>
    public int BigBulkBytes { get; init; } = 32 * 1024;
}
