// The connection of one run: connects when needed, sends commands, prints replies, and knows what the prompt shows.
//
// The greeting is sent command by command as redis-cli does (AUTH, SELECT, HELLO 3), since its complaints are worded
// per command and a failed AUTH does not keep it from going on.
// MONITOR and subscriptions turn the run into a reader that prints until the connection ends.

using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Millrace.Client;
using Millrace.Resp;

namespace Millrace.Cli;

/// <summary>What became of a command.</summary>
internal enum Outcome
{
    /// <summary>It was sent, and its reply printed.</summary>
    Answered,

    /// <summary>There is no connection; the complaint is printed.</summary>
    Lost,

    /// <summary>An error reply, and the options ask to stop at one.</summary>
    Refused,
}

internal sealed class CliSession(CliOptions options, CliTerminal terminal) : IDisposable
{
    private ClientOptions _server = options.Server;
    private RedisClient? _client;
    private int _database = options.Database;
    private int _databaseBeforeMulti;
    private bool _isInMulti;
    private bool _isResp3 = options.IsResp3;
    private bool _isShuttingDown;

    /// <summary>The prompt for the next command.</summary>
    public string Prompt
    {
        get
        {
            if (_client is null) return "not connected> ";
            string where = _server.UnixSocketPath is null ? _server.Address : "redis " + _server.UnixSocketPath;
            string database = _database == 0 ? string.Empty : $"[{_database.ToString(CultureInfo.InvariantCulture)}]";
            return $"{where}{database}{(_isInMulti ? "(TX)" : string.Empty)}> ";
        }
    }

    public void Dispose() => _client?.Dispose();

    /// <summary>Turns to another server.</summary>
    public void Redirect(string host, int port)
    {
        _server = _server with { Host = host, Port = port, UnixSocketPath = null };
        Disconnect();
        Connect(isQuiet: false);
    }

    /// <summary>Connects if that is not done; false, with a complaint unless quiet, when it fails.</summary>
    public bool Connect(bool isQuiet)
    {
        if (_client is { IsConnected: true }) return true;
        Disconnect();
        try
        {
            _client = RedisClient.Connect(_server with { ConnectTimeout = TimeSpan.FromSeconds(60) });
        }
        catch (RedisClientException e)
        {
            if (!isQuiet) terminal.Complain(e.Message + "\n");
            return false;
        }

        try
        {
            Greet(_client);
        }
        catch (RedisClientException)
        {
            if (!isQuiet) terminal.Complain("\nI/O error\n");
        }

        return true;
    }

    /// <summary>Sends a command as often as asked and prints each reply.</summary>
    public Outcome Issue(byte[][] command, long repeat)
    {
        if (!Connect(isQuiet: false)) return Outcome.Lost;
        string name = Lower(command, 0);
        if (name is "shutdown") _isShuttingDown = true;
        try
        {
            while (repeat < 0 || repeat-- > 0)
            {
                if (name is "monitor" or "subscribe" or "psubscribe" or "ssubscribe")
                {
                    PrintUntilClosed(command, isMonitor: name is "monitor");
                    continue;
                }

                RespValue reply = _client!.SendAsync(command).GetAwaiter().GetResult();
                PrintPushes();
                if (reply.IsError && options.FailsOnError)
                {
                    terminal.Complain(reply + "\n");
                    return Outcome.Refused;
                }

                Print(reply, ShowsVerbatim(command));
                Follow(command, reply);
                if (options.Interval > TimeSpan.Zero) Thread.Sleep(options.Interval);
            }

            return Outcome.Answered;
        }
        catch (RedisClientException e)
        {
            Disconnect();
            if (_isShuttingDown) return Outcome.Answered;
            terminal.Complain($"Error: {e.Message}\n");
            return Outcome.Lost;
        }
    }

    /// <summary>Prints pushes that have arrived.</summary>
    private void PrintPushes()
    {
        while (_client!.Pushes.TryRead(out RespValue? push))
        {
            if (!options.ShowsPushes) continue;
            byte[]? invalidation = options.IsRaw ? null : ReplyText.Invalidation(push);
            if (invalidation is null) Print(push, isVerbatim: false);
            else terminal.Print(invalidation);
        }
    }

    private void Disconnect()
    {
        _client?.Dispose();
        _client = null;
        _isInMulti = false;
    }

    private void Greet(RedisClient client)
    {
        if (options.Password is not null)
        {
            RespValue reply = options.User is null
                ? client.Send("AUTH", options.Password)
                : client.Send("AUTH", options.User, options.Password);
            if (reply.IsError)
            {
                terminal.Complain($"AUTH failed: {reply}\n");
                return;
            }
        }

        if (_database != 0)
        {
            string database = _database.ToString(CultureInfo.InvariantCulture);
            RespValue reply = client.Send("SELECT", database);
            if (reply.IsError)
            {
                terminal.Complain($"SELECT {database} failed: {reply}\n");
                _database = 0;
                return;
            }
        }

        if (!_isResp3) return;
        RespValue hello = client.Send("HELLO", "3");
        if (hello.IsError) terminal.Complain($"HELLO 3 failed: {hello}\n");
    }

    private void PrintUntilClosed(byte[][] command, bool isMonitor)
    {
        if (!isMonitor && !options.IsRaw) terminal.Print("Reading messages... (press Ctrl-C to quit)\n");
        _client!.SendOnly(command);
        try
        {
            while (true)
            {
                RespValue value = _client.Pushes.ReadAsync().AsTask().GetAwaiter().GetResult();
                Print(value, isVerbatim: false);
                if (value.IsError) return;
            }
        }
        catch (ChannelClosedException)
        {
            throw new RedisConnectionException("Server closed the connection");
        }
    }

    private void Print(RespValue reply, bool isVerbatim)
    {
        if (isVerbatim)
        {
            terminal.Print(ReplyText.Raw(reply, options.ElementDelimiter));
            return;
        }

        byte[] text = options.IsRaw
            ? [.. ReplyText.Raw(reply, options.ElementDelimiter), .. options.ReplyDelimiter]
            : ReplyText.ForPeople(reply);
        terminal.Print(text);
    }

    /// <summary>Keeps the prompt true after commands that change the session.</summary>
    private void Follow(byte[][] command, RespValue reply)
    {
        switch (Lower(command, 0), command.Length)
        {
            case ("select", 2) when !reply.IsError:
                _database = (int)CliOptions.LeadingInteger(Encoding.UTF8.GetString(command[1]));
                break;
            case ("multi", 1) when !reply.IsError:
                _isInMulti = true;
                _databaseBeforeMulti = _database;
                break;
            case ("exec", 1) when _isInMulti:
                _isInMulti = false;
                if (reply.IsError || reply.IsNull) _database = _databaseBeforeMulti;
                break;
            case ("discard", 1) when !reply.IsError:
                _isInMulti = false;
                _database = _databaseBeforeMulti;
                break;
            case ("reset", 1) when !reply.IsError:
                _isInMulti = false;
                _database = 0;
                _isResp3 = false;
                break;
            case ("hello", >= 2) when !reply.IsError:
                _isResp3 = command[1].AsSpan().SequenceEqual("3"u8);
                break;
        }
    }

    /// <summary>Replies that are pages of text, shown without quotes even to people.</summary>
    private static bool ShowsVerbatim(byte[][] command)
    {
        string first = Lower(command, 0);
        string second = Lower(command, 1);
        return (first, second, command.Length) switch
        {
            ("info" or "lolwut", _, _) => true,
            ("debug", "htstats" or "htstats-key" or "client-eviction", _) => true,
            ("memory", "malloc-stats" or "doctor", _) => true,
            ("cluster", "nodes" or "info", 2) => true,
            ("client", "list" or "info", _) => true,
            ("latency", "graph", 3) => true,
            ("latency", "doctor", 2) => true,
            _ => false,
        };
    }

    private static string Lower(byte[][] command, int index) =>
        index < command.Length ? Encoding.UTF8.GetString(command[index]).ToLowerInvariant() : string.Empty;
}
