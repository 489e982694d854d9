// What can go wrong for a client, as types that a caller can tell apart.

using Millrace.Resp;

namespace Millrace.Client;

/// <summary>Base of all errors of this client.</summary>
public class RedisClientException : Exception
{
    /// <summary>Makes the error.</summary>
    public RedisClientException()
    {
    }

    /// <summary>Makes the error with a text.</summary>
    /// <param name="message">What went wrong.</param>
    public RedisClientException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error with a text and a cause.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="innerException">The cause.</param>
    public RedisClientException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>The server cannot be reached, or the connection ended before the reply came.</summary>
public sealed class RedisConnectionException : RedisClientException
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What went wrong.</param>
    /// <param name="innerException">The cause, if any.</param>
    public RedisConnectionException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The server sent what is not RESP.</summary>
public sealed class RedisProtocolException : RedisClientException
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What was wrong in the stream.</param>
    public RedisProtocolException(string message)
        : base(message)
    {
    }
}

/// <summary>The connection or the reply did not come in time.</summary>
public sealed class RedisTimeoutException : RedisClientException
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What did not come.</param>
    public RedisTimeoutException(string message)
        : base(message)
    {
    }
}

/// <summary>The server answered with an error.</summary>
public sealed class RedisReplyException : RedisClientException
{
    /// <summary>Makes the error.</summary>
    /// <param name="reply">The error reply.</param>
    public RedisReplyException(RespValue reply)
        : base((reply ?? throw new ArgumentNullException(nameof(reply))).ToString()) => Reply = reply;

    /// <summary>The error reply.</summary>
    public RespValue Reply { get; }
}
