using System.Globalization;
using System.Text;
using Millrace.Histories.Crashing;
using Xunit.Abstractions;

namespace Millrace.Server.Tests.Persistence;

/// <summary>Stopped before any operation on a file, by a kill or a failure of the power, whatever it was doing: the
/// next server starts, and has what was acknowledged; so it is when the power fails again right behind that start.
/// </summary>
public sealed class CrashPointTests(ITestOutputHelper output)
{
    private static readonly string[] Losses = ["kill", "power", "chance"];

    private static readonly Dictionary<string, Action<CrashScene>> Deeds = new()
    {
        ["the first start"] = static scene => Serve(scene),
        ["a start after a kill"] = StartAgain,
        ["a start with a torn end"] = StartTorn,
        ["a start with a file of before Redis 7"] = StartOld,
        ["a rewrite"] = static scene => Rewrite(scene),
        ["a rewrite to commands"] = static scene => Rewrite(scene, "--aof-use-rdb-preamble", "no"),
        ["a rewrite after one that failed"] = RewriteAgain,
        ["being turned on"] = TurnOn,
        ["being turned off and on"] = TurnOffAndOn,
        ["being turned on after that failed"] = TurnOnAgain,
    };

    private static bool IsLong => Environment.GetEnvironmentVariable("MILLRACE_TEST_LONG") == "1";

    public static TheoryData<string, string> AppendOnlyDeeds
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var deed in Deeds.Keys)
            {
                foreach (var loss in Losses) rows.Add(deed, loss);
            }

            return rows;
        }
    }

    public static TheoryData<string, string> Saves
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach (var loss in Losses)
            {
                rows.Add("SAVE", loss);
                rows.Add("BGSAVE", loss);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(AppendOnlyDeeds))]
    public void Stopped_anywhere_an_append_only_file_starts_with_all_that_was_acknowledged(string deed, string loss)
    {
        var random = Seeded();
        var scene = new CrashScene(loss, random);
        Deeds[deed](scene);
        scene.Ignore();
        Assert.True(scene.Stops.Length > 5);
        foreach (var stop in scene.Some(IsLong ? int.MaxValue : 4))
        {
            var place = $"stop {stop.Number} of {scene.Stops.Length}";
            var found = Found(stop.Left, stop.Acknowledged, place);
            Assert.True(found <= Math.Max(stop.Most, stop.Acknowledged), $"{place}: the counter is {found}, too high");
            Found(stop.Left.AfterPowerLoss(random), found, place + ", and the power failed again");
        }

        output.WriteLine($"{scene.Stops.Length} stops");
    }

    [Theory]
    [MemberData(nameof(Saves))]
    public void Stopped_anywhere_a_save_leaves_the_data_of_before_or_of_then(string command, string loss)
    {
        var random = Seeded();
        var scene = new CrashScene(loss, random);
        string[] digests = ["", ""];
        using (var server = StartWithout(scene.Files))
        {
            using var client = new Conversation(server);
            for (var i = 0; i < digests.Length; i++)
            {
                for (var key = 0; key < 300; key++) client.Say($"SET key:{key} {i}:{new string('x', key)}");
                digests[i] = client.Say("DEBUG DIGEST");
                if (i > 0) scene.Watch();
                Assert.Contains(client.Say(command), (string[])["OK", "Background saving started"]);
                AwaitSaved(client);
                scene.Acknowledged = i;
                client.Say("SET later x");
            }
        }

        scene.Ignore();
        Assert.True(scene.Stops.Length > 5);
        foreach (var stop in scene.Some(IsLong ? int.MaxValue : 4))
        {
            using var next = StartWithout(stop.Left);
            using var reader = new Conversation(next);
            var found = Array.IndexOf(digests, reader.Say("DEBUG DIGEST"));
            Assert.True(found >= stop.Acknowledged, $"stop {stop.Number}: {found}, {stop.Acknowledged} was saved");
        }

        using var last = StartWithout(scene.Files.AfterPowerLoss());
        using var looker = new Conversation(last);
        Assert.Equal(digests[1], looker.Say("DEBUG DIGEST"));
        output.WriteLine($"{scene.Stops.Length} stops");
    }

    private Random Seeded()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    private static long Found(PowerFiles left, long least, string place)
    {
        using var server = Start(left);
        using var client = new Conversation(server);
        var found = Number(client, "counter");
        Assert.True(found >= least, $"{place}: the counter is {found}, {least} was acknowledged");
        Assert.Equal(client.Say("GET x"), client.Say("GET y"));
        Assert.True(found == 0 || client.Say("LRANGE before 0 -1") == "[a b c]", place);
        return found;
    }

    private static void Serve(CrashScene scene, bool watches = true, params string[] directives)
    {
        if (watches) scene.Watch();
        using var server = Start(scene.Files, directives);
        using var client = new Conversation(server);
        if (client.Say("EXISTS before") == "0") client.Say("RPUSH before a b c");
        for (var i = 0; i < 5; i++) scene.Raise(client);
    }

    private static void StartAgain(CrashScene scene)
    {
        using (var server = Start(scene.Files, "--appendfsync", "no")) // so that much is not on the disk
        using (var client = new Conversation(server))
        {
            client.Say("RPUSH before a b c");
            for (var i = 0; i < 5; i++) scene.Raise(client, counts: false);
            scene.Files = scene.Files.AfterKill(); // its end would sync them
        }

        Serve(scene);
    }

    private static void StartTorn(CrashScene scene)
    {
        Serve(scene, watches: false);
        const string name = "appendonly.aof.1.incr.aof";
        scene.Files.Overwrite(name, [.. scene.Files.ContentOf(name), .. "*2\r\n$4\r\nINCR\r\n$7\r\ncoun"u8]);
        Serve(scene);
    }

    private static void StartOld(CrashScene scene)
    {
        var text = new StringBuilder(Peer.Encode("RPUSH", "before", "a", "b", "c"));
        for (var i = 0; i < 7; i++) text.Append(Peer.Encode("INCR", "counter"));
        scene.Files.Put(
            Path.Combine(Environment.CurrentDirectory, "appendonly.aof"), Encoding.ASCII.GetBytes(text.ToString()));
        scene.Acknowledged = 7;
        Serve(scene);
    }

    private static void Rewrite(CrashScene scene, params string[] directives)
    {
        using var server = Start(scene.Files, directives);
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        for (var i = 0; i < 5; i++) scene.Raise(client);
        scene.Watch();
        Rewrite(scene, client);
        scene.Ignore();
        Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
    }

    // The manifest that names the new base does not get its name; then another one is made.
    private static void RewriteAgain(CrashScene scene)
    {
        using var server = Start(scene.Files);
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        var renames = scene.Files.Operations.GetValueOrDefault("rename");
        scene.Files.Faults = (operation, before) =>
            operation == "rename" && before == renames + 2 ? "Input/output error" : null;
        Rewrite(scene, client);
        Assert.Contains("\r\naof_last_bgrewrite_status:err\r\n", client.Say("INFO persistence"));
        scene.Watch();
        Rewrite(scene, client);
        scene.Ignore();
        Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
    }

    private static void Rewrite(CrashScene scene, Conversation client)
    {
        client.Say("BGREWRITEAOF");
        do scene.Raise(client);
        while (!IsIdle(client));
        scene.Raise(client);
    }

    private static void TurnOn(CrashScene scene)
    {
        using var server = StartWithout(scene.Files, "--appendfsync", "always");
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        for (var i = 0; i < 5; i++) scene.Raise(client, counts: false);
        scene.Watch();
        TurnOn(scene, client);
        scene.Ignore();
    }

    private static void TurnOffAndOn(CrashScene scene)
    {
        using var server = Start(scene.Files);
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        scene.Raise(client);
        scene.Watch();
        client.Say("CONFIG SET appendonly no");
        scene.Raise(client, counts: false);
        TurnOn(scene, client);
        scene.Ignore();
    }

    // Neither the manifest that names the first base nor the one before it can be made to last.
    private static void TurnOnAgain(CrashScene scene)
    {
        using var server = StartWithout(scene.Files, "--appendfsync", "always");
        using var client = new Conversation(server);
        client.Say("RPUSH before a b c");
        scene.Raise(client, counts: false);
        scene.Files.Faults = (operation, _) =>
            operation == "names" && scene.Files.Names.Contains("appendonly.aof.manifest") ? "Input/output error" : null;
        client.Say("CONFIG SET appendonly yes");
        do scene.Raise(client, counts: false);
        while (!client.Say("INFO persistence").Contains("\r\naof_last_bgrewrite_status:err\r\n"));
        scene.Watch();
        client.Say("CONFIG SET appendonly no");
        scene.Raise(client, counts: false);
        TurnOn(scene, client);
        scene.Ignore();
    }

    // What happens before the first base is complete counts when it is.
    private static void TurnOn(CrashScene scene, Conversation client)
    {
        Assert.Equal("OK", client.Say("CONFIG SET appendonly yes"));
        do scene.Raise(client, counts: false);
        while (!IsIdle(client));
        Assert.Contains("\r\naof_last_bgrewrite_status:ok\r\n", client.Say("INFO persistence"));
        for (var i = 0; i < 5; i++) scene.Raise(client);
    }

    private static bool IsIdle(Conversation client)
    {
        var text = client.Say("INFO persistence");
        return text.Contains("\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n")
            && !text.Contains("\r\naof_base_size:0\r\n");
    }

    private static void AwaitSaved(Conversation client) => Assert.True(
        SpinWait.SpinUntil(
            () => client.Say("INFO persistence") is { } text && text.Contains("\r\nrdb_bgsave_in_progress:0\r\n")
                && text.Contains("\r\nrdb_last_bgsave_status:ok\r\n"),
            20_000),
        "the snapshot does not end");

    private static long Number(Conversation client, string key) =>
        client.Say("GET " + key) is var text && text == "(nil)" ? 0 : long.Parse(text, CultureInfo.InvariantCulture);

    private static InProcessServer Start(PowerFiles files, params string[] directives)
    {
        string[] usual = ["--appendfsync", "always", "--io-threads", "2", "--auto-aof-rewrite-percentage", "0"];
        return new(files, Fail, [.. usual, .. directives]);
    }

    private static InProcessServer StartWithout(PowerFiles files, params string[] directives) => new(
        files, Fail, ["--appendonly", "no", "--io-threads", "2", "--enable-debug-command", "yes", .. directives]);

    private static void Fail() => Assert.Fail("it would have ended");
}
