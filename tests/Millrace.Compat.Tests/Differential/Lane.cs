using System.Text;
using Millrace.Compat.Tests.Generation;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Differential;

/// <summary>
/// One client of a differential run: a connection to each of the two servers, fed the same bytes. Requests of a batch
/// are written to both before any reply is read. A server that closes or does not answer gives the reply null.
/// </summary>
public sealed class Lane(int referencePort, int subjectPort) : IDisposable
{
    private static readonly byte[] s_zeroCursor = "0"u8.ToArray();
    private RawConnection _reference = new(referencePort);
    private RawConnection _subject = new(subjectPort);

    /// <summary>Whether the request walks something with a cursor.</summary>
    public static bool IsScan(Request request) => request.Command is "SCAN" or "HSCAN";

    /// <summary>Sends bytes to both.</summary>
    public void Send(byte[] bytes)
    {
        TrySend(_reference, bytes);
        TrySend(_subject, bytes);
    }

    /// <summary>The reply of each, or null where none came.</summary>
    public (byte[]? Reference, byte[]? Subject) Read() => (TryRead(_reference), TryRead(_subject));

    /// <summary>
    /// Goes on with a SCAN that both have answered once, each by its own cursors, and gives the elements of all replies
    /// as one array.
    /// </summary>
    public (byte[]? Reference, byte[]? Subject) FinishScan(Request request, byte[] reference, byte[] subject) =>
        (Finish(_reference, request, reference), Finish(_subject, request, subject));

    /// <summary>Closes both connections and opens new ones; true when both servers had closed theirs.</summary>
    public bool Reconnect(bool expectsEnd)
    {
        bool ended = !expectsEnd || (IsAtEnd(_reference) && IsAtEnd(_subject));
        Dispose();
        _reference = new RawConnection(referencePort);
        _subject = new RawConnection(subjectPort);
        // Both have accepted it, and list it, once they answer.
        _reference.Call("PING");
        _subject.Call("PING");
        return ended;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reference.Dispose();
        _subject.Dispose();
    }

    private static void TrySend(RawConnection connection, byte[] bytes)
    {
        try
        {
            connection.Send(bytes);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // The missing reply is what will be reported.
        }
    }

    private static byte[]? TryRead(RawConnection connection)
    {
        try
        {
            return connection.ReadReply();
        }
        catch (Exception fault) when (fault is IOException or TimeoutException or InvalidDataException)
        {
            return null;
        }
    }

    private static bool IsAtEnd(RawConnection connection)
    {
        try
        {
            return connection.ReadToEnd().Length == 0;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private static byte[]? Finish(RawConnection connection, Request request, byte[] first)
    {
        var elements = new List<ReplyValue>();
        byte[]? reply = first;
        // A scan of a few hundred keys that takes this many calls never ends.
        for (int calls = 0; calls < 100_000; calls++)
        {
            if (reply is null || reply[0] != (byte)'*')
                return reply;
            ReplyValue page = ReplyValue.Parse(reply);
            if (page.Items.Count != 2 || page.Items[0].Kind != '$' || page.Items[1].Kind != '*')
                return reply;
            elements.AddRange(page.Items[1].Items);
            byte[] cursor = page.Items[0].Scalar;
            if (cursor.AsSpan().SequenceEqual(s_zeroCursor))
                return RawConnectionArray(elements);
            int at = request.Command is "SCAN" ? 1 : 2;
            byte[][] arguments = [.. request.Arguments[..at], cursor, .. request.Arguments[(at + 1)..]];
            connection.Send(RawConnection.Encode(arguments.AsSpan()));
            reply = TryRead(connection);
        }
        return null;
    }

    private static byte[] RawConnectionArray(List<ReplyValue> elements)
    {
        // Distinct elements in order make scans of both servers comparable even when the rule is not asked.
        byte[][] distinct = [.. elements.Select(element => element.Scalar).DistinctBy(Encoding.Latin1.GetString)];
        return RawConnection.Encode(distinct.AsSpan());
    }
}
