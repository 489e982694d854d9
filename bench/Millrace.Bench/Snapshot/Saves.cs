// Has a server save, and waits until it has.

using System.Diagnostics;
using Millrace.Client;

namespace Millrace.Bench.Snapshot;

/// <summary>SAVE and BGSAVE over one connection.</summary>
internal sealed class Saves(RedisClient control)
{
    private const int LookMs = 20;
    private const int LimitMs = 600_000;
    private const string None = "-";

    /// <summary>Has it save while it does nothing else.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> SaveAsync()
    {
        var began = Stopwatch.GetTimestamp();
        await ExpectAsync("OK", "SAVE").ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(began);
    }

    /// <summary>Has it save in the background, and looks every 20 ms whether it has.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> BackgroundSaveAsync()
    {
        var began = Stopwatch.GetTimestamp();
        await ExpectAsync("Background saving started", "BGSAVE").ConfigureAwait(false);
        while (true)
        {
            await Task.Delay(LookMs).ConfigureAwait(false);
            var info = await InfoAsync("persistence").ConfigureAwait(false);
            var took = Stopwatch.GetElapsedTime(began);
            if (Field(info, "rdb_bgsave_in_progress") == "0")
            {
                var status = Field(info, "rdb_last_bgsave_status");
                return status == "ok" ? took : throw new IOException("the BGSAVE has failed: " + status);
            }

            if (took.TotalMilliseconds > LimitMs) throw new IOException($"no BGSAVE within {LimitMs / 1000} s");
        }
    }

    /// <summary>How many keys there are.</summary>
    public async Task<long> KeysAsync() =>
        (await control.ExecuteAsync("DBSIZE").ConfigureAwait(false)).Integer;

    /// <summary>The longest step of a loop since the last reset, or a dash.</summary>
    public async Task<string> LongestStepAsync() =>
        Field(await InfoAsync("stats").ConfigureAwait(false), "loop_longest_step_us");

    /// <summary>Forgets it.</summary>
    public async Task ResetAsync() => await ExpectAsync("OK", "CONFIG", "RESETSTAT").ConfigureAwait(false);

    /// <summary>A field of INFO, or a dash.</summary>
    public static string Field(string info, string name)
    {
        var line = info.Split('\n').FirstOrDefault(one => one.StartsWith(name + ":", StringComparison.Ordinal));
        return line is null ? None : line[(name.Length + 1)..].Trim();
    }

    private async Task<string> InfoAsync(string section) =>
        (await control.ExecuteAsync("INFO", section).ConfigureAwait(false)).ToString();

    private async Task ExpectAsync(string wanted, params string[] command)
    {
        var reply = (await control.ExecuteAsync(command).ConfigureAwait(false)).ToString();
        if (reply != wanted) throw new IOException($"{string.Join(' ', command)}: {reply}");
    }
}
