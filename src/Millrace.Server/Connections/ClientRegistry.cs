using Millrace.Server.Execution;

namespace Millrace.Server.Connections;

/// <summary>
/// Where all connected clients are to be found: in the lists of the loops.
/// </summary>
/// <remarks>
/// It keeps no list of its own, so there is nothing to keep in step with. Except for <see cref="Attach"/>, which is
/// called once before anything runs, it is used while all loops stand still.
/// </remarks>
public sealed class ClientRegistry
{
    private ServerLoop[] _loops = [];

    /// <summary>The server's part of each loop.</summary>
    public IReadOnlyList<ServerLoop> Loops => _loops;

    /// <summary>How many clients there are, without those that are being closed.</summary>
    public int Count
    {
        get
        {
            var count = 0;
            foreach (var loop in _loops)
            {
                foreach (var client in loop.Clients)
                {
                    if (IsThere(client)) count++;
                }
            }

            return count;
        }
    }

    /// <summary>How many changes all commands together have made.</summary>
    public long CountChanges()
    {
        var sum = 0L;
        foreach (var loop in _loops) sum += loop.Executor.Statistics.Changes;
        return sum;
    }

    /// <summary>Takes the loops in, before they start.</summary>
    public void Attach(ServerLoop[] loops) => _loops = loops;

    /// <summary>The clients in the order in which they came, without those that are being closed. O(N log N).</summary>
    public List<Client> Clients()
    {
        List<Client> clients = [];
        foreach (var loop in _loops)
        {
            foreach (var client in loop.Clients)
            {
                if (IsThere(client)) clients.Add(client);
            }
        }

        clients.Sort(static (left, right) => left.Id.CompareTo(right.Id));
        return clients;
    }

    /// <summary>The client of an id, or null. O(loops).</summary>
    public Client? Find(long id)
    {
        foreach (var loop in _loops)
        {
            if (loop.TryFind(id, out var client)) return IsThere(client) ? client : null;
        }

        return null;
    }

    // Whoever was told to go is gone for everybody else, even though its loop has not come to closing it yet.
    private static bool IsThere(Client client) => !client.IsClosing;
}
