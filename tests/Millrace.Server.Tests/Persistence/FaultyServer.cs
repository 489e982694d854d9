using System.Globalization;
using Millrace.Histories.Crashing;

namespace Millrace.Server.Tests.Persistence;

/// <summary>
/// One server on a disk that fails at one operation while it does something, and gets well again.
/// </summary>
/// <remarks>
/// <code>
///   five values -> the fault is armed -> deed, values -> [the process would end] -> restart
///                                            |
///                                            +-> well again: held replies come, writes are taken, the deed goes
///                                                well -> restarts after a kill and after a failure of the power
/// </code>
/// Values are appended to a list, one at a time; what was acknowledged must be in it ever after, each once and in
/// order.
/// </remarks>
internal sealed class FaultyServer : IDisposable
{
    private const int PatienceMs = 20_000;

    private readonly string _kind;
    private readonly string _deed;
    private readonly string _policy;
    private readonly int _turn;
    private readonly Random _random;
    private readonly PowerFiles _files = new();
    private readonly ManualResetEventSlim _exits = new();
    private readonly InProcessServer _server;
    private readonly Conversation _writer;
    private readonly Conversation _reader;
    private readonly List<int> _acknowledged = [];
    private readonly Func<bool> _hasFailed;
    private readonly Action _arm;
    private bool _isFailing;
    private int _pending = -1;      // sent, and not answered yet
    private int _next;

    public FaultyServer(string kind, string deed, string policy, int turn, Random random)
    {
        (_kind, _deed, _policy, _turn, _random) = (kind, deed, policy, turn, random);
        _server = Start(_files, _exits.Set, deed == "turning on" ? "no" : "yes");
        (_writer, _reader) = (new Conversation(_server), new Conversation(_server));
        _files.TornBytes = random.Next(60);
        (_arm, _hasFailed) = Plan(kind, turn);
    }

    /// <summary>Whether an operation has failed.</summary>
    public bool HasFailed => _hasFailed();

    /// <summary>Whether the process would have ended.</summary>
    public bool HasEnded => _exits.IsSet;

    public void Run(int rounds)
    {
        Write(5);
        _arm();
        Do();
        Write(rounds);
        AwaitFault();
        if (!HasEnded) Assert.True(Length(_reader) >= _acknowledged.Count, "a read does not see what was written");
        var atFault = _files.AfterKill();
        var afterPowerLoss = _files.AfterPowerLoss(_random);
        _files.Faults = static (_, _) => null;
        _files.RoomBytes = long.MaxValue;
        if (_deed == "turning on")
        {
            Start(atFault, Fail, "yes").Dispose();
            Start(afterPowerLoss, Fail, "yes").Dispose();
        }
        else
        {
            AssertAll(atFault, _acknowledged);
            if (_policy == "always") AssertAll(afterPowerLoss, _acknowledged);
        }

        if (HasEnded) Assert.Equal("always", _policy);
        else Recover();
    }

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
        _server.Dispose();
        _exits.Dispose();
    }

    private (Action Arm, Func<bool> HasFailed) Plan(string kind, int turn)
    {
        if (kind == "no room")
        {
            return (() => _files.RoomBytes = _files.UsedBytes + (turn * 7), () => _files.FullWrites > 0);
        }

        string[] operations = kind switch
        {
            "full" => ["write", "create"],
            "sync" => ["sync", "names"],
            "read" => ["read", "open"],
            "read-only" => ["create", "rename", "delete", "directory"],
            _ => [kind],
        };
        var reason = kind switch
        {
            "full" => "No space left on device",
            "read-only" => "Read-only file system",
            _ => "Input/output error",
        };
        var (seen, lasts) = (0, kind is "full" or "read-only" || _random.Next(2) == 0);
        return (
            () => _files.Faults = (operation, _) =>
            {
                if (Array.IndexOf(operations, operation) < 0) return null;
                var isIt = lasts ? seen >= turn : seen == turn;
                seen++;
                _isFailing |= isIt;
                return isIt ? reason : null;
            },
            () => _isFailing);
    }

    private void Do()
    {
        switch (_deed)
        {
            case "a snapshot":
                _reader.Say("BGSAVE");
                break;
            case "a rewrite" or "a rewrite to commands":
                _reader.Say("BGREWRITEAOF");
                break;
            case "turning on":
                _reader.Say("CONFIG SET appendonly yes");
                break;
            default:
                break;
        }
    }

    // Values, one after the other, until a reply does not come.
    private void Write(int count)
    {
        for (var i = 0; i < count && _pending < 0 && !HasEnded; i++)
        {
            _pending = _next++;
            _writer.Send("RPUSH", "list", _pending.ToString(CultureInfo.InvariantCulture));
            Assert.True(SpinWait.SpinUntil(() => !_writer.IsSilent() || HasEnded || IsRefusing(), PatienceMs));
            if (!_writer.IsSilent()) TakeReply();
        }
    }

    private void TakeReply()
    {
        var reply = _writer.Read();
        if (char.IsAsciiDigit(reply[0])) _acknowledged.Add(_pending);
        else if (reply.StartsWith("MISCONF", StringComparison.Ordinal)) _next--; // never done, and its number is free
        else Assert.Fail(reply);
        _pending = -1;
    }

    private bool IsRefusing() => _reader.Say("INFO persistence").Contains("\r\naof_last_write_status:err\r\n");

    // What was begun has ended, well or not. Under everysec an fsync comes by itself, within a second.
    private void AwaitFault()
    {
        var lateMs = _turn == 0 ? PatienceMs : 2000; // there is a first one; whether there are more is to be seen
        if (!HasEnded) Assert.True(SpinWait.SpinUntil(() => HasEnded || IsOver(), PatienceMs), "it does not end");
        if (_policy == "everysec" && _kind == "sync") SpinWait.SpinUntil(() => HasFailed, lateMs);
        if (_policy == "always" && (_pending >= 0 || IsRefusing()))
            Assert.True(SpinWait.SpinUntil(() => HasEnded, PatienceMs), "it does not end the process");
    }

    private bool IsOver()
    {
        var text = _reader.Say("INFO persistence");
        return text.Contains("\r\naof_rewrite_in_progress:0\r\n") && text.Contains("\r\nrdb_bgsave_in_progress:0\r\n");
    }

    private bool IsWell(string status)
    {
        var text = _reader.Say("INFO persistence");
        return text.Contains($"\r\n{status}:ok\r\n") && text.Contains("\r\naof_rewrite_scheduled:0\r\n")
            && !text.Contains("\r\naof_base_size:0\r\n") && IsOver();
    }

    private void Recover()
    {
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                {
                    if (_pending >= 0) TakeReply();
                    Write(1);
                    return _pending < 0 && !IsRefusing();
                },
                PatienceMs),
            "writes are refused for ever");
        Write(3);
        var count = _acknowledged.Count;
        Assert.Equal(_next, Length(_reader));
        Repeat();
        Write(3);
        Assert.Equal(count + 3, _acknowledged.Count);
        Assert.Equal("OK", _reader.Say("CONFIG SET appendfsync always"));
        Assert.Equal("[1 0]", _writer.Say("WAITAOF 1 0 0"));
        AssertAll(_files.AfterKill(), _acknowledged);
        AssertAll(_files.AfterPowerLoss(), _acknowledged);
        AssertAll(_files.AfterPowerLoss(_random), _acknowledged);
        AssertNothingIsLeft();
    }

    // What has failed goes well now.
    private void Repeat()
    {
        if (_deed == "turning on" && _reader.Say("CONFIG GET appendonly") == "[appendonly no]")
            Assert.Equal("OK", _reader.Say("CONFIG SET appendonly yes"));
        var (command, status) = _deed == "a snapshot"
            ? ("BGSAVE", "rdb_last_bgsave_status") : ("BGREWRITEAOF", "aof_last_bgrewrite_status");
        Assert.True(SpinWait.SpinUntil(() => IsOver() && !IsScheduled(), PatienceMs), "it does not end");
        _reader.Say(command);
        Assert.True(SpinWait.SpinUntil(() => IsWell(status), PatienceMs), command + " does not go well");
    }

    private bool IsScheduled() => _reader.Say("INFO persistence").Contains("\r\naof_rewrite_scheduled:1\r\n");

    private void AssertNothingIsLeft()
    {
        string[] expected = _deed == "a snapshot" ? ["dump.rdb"] : [];
        var names = _files.Names;
        var extension = _deed == "a rewrite to commands" ? "aof" : "rdb";
        Assert.Single(names, one => one.EndsWith($".base.{extension}", StringComparison.Ordinal));
        Assert.Equal(
            expected,
            names.Where(one => !one.StartsWith("appendonly.aof.", StringComparison.Ordinal)).ToArray());
    }

    private void AssertAll(PowerFiles files, List<int> least)
    {
        using var server = Start(files, Fail, "yes");
        using var client = new Conversation(server);
        var text = client.Say("LRANGE list 0 -1").Trim('[', ']');
        int[] found = text.Length == 0 ? [] : [.. text.Split(' ').Select(static one => int.Parse(one))];
        Assert.Equal(found.Order().Distinct(), found);
        Assert.Empty(least.Except(found));
    }

    private static int Length(Conversation client) =>
        int.Parse(client.Say("LLEN list"), CultureInfo.InvariantCulture);

    private InProcessServer Start(PowerFiles files, Action exit, string isOn) => new(
        files, exit, "--appendonly", isOn, "--appendfsync", _policy, "--io-threads", "2",
        "--auto-aof-rewrite-percentage", "0",
        "--aof-use-rdb-preamble", _deed == "a rewrite to commands" ? "no" : "yes");

    private static void Fail() => Assert.Fail("it would have ended");
}
