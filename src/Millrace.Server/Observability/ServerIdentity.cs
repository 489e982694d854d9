using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using Millrace.Memory;

namespace Millrace.Server.Observability;

/// <summary>
/// What stays the same as long as the server runs: its versions, its number, when it began. Immutable.
/// </summary>
internal sealed class ServerIdentity
{
    private readonly long _startedTicks = Stopwatch.GetTimestamp();

    /// <summary>Our own version, without the revision.</summary>
    public string Version { get; } = InformationalVersion().Split('+')[0];

    /// <summary>The source revision that was built, 8 digits; zeros when the build did not know.</summary>
    public string Revision { get; } = InformationalVersion().Split('+') is [_, { Length: >= 8 } sha]
        ? sha[..8]
        : "00000000";

    /// <summary>What tells two builds apart.</summary>
    public string BuildId { get; } = Digest(InformationalVersion() + RuntimeInformation.FrameworkDescription);

    /// <summary>40 random hex digits, another at every start.</summary>
    public string RunId { get; } = RandomDigits();

    /// <summary>What replicas would call our stream of effects; another at every start.</summary>
    public string ReplicationId { get; } = RandomDigits();

    /// <summary>System, release and machine, as uname gives them.</summary>
    public string OperatingSystem { get; } = UnameOf();

    /// <summary>When it began, in seconds since 1970.</summary>
    public long StartedUnixSeconds { get; } = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();

    /// <summary>Seconds since the start.</summary>
    public long UptimeSeconds => (long)Stopwatch.GetElapsedTime(_startedTicks).TotalSeconds;

    private static string Digest(string text) =>
        new KeyHasher(seed: 0).Hash(Encoding.UTF8.GetBytes(text)).ToString("x16", CultureInfo.InvariantCulture);

    private static string RandomDigits()
    {
        var digits = new StringBuilder();
        while (digits.Length < 40) digits.Append(CultureInfo.InvariantCulture, $"{SystemRandom.NextWord():x16}");
        return digits.ToString(0, 40);
    }

    private static string InformationalVersion() =>
        typeof(ServerIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion ?? "0";

    private static string UnameOf()
    {
        const string releaseFile = "/proc/sys/kernel/osrelease";
        if (!System.OperatingSystem.IsLinux() || !File.Exists(releaseFile)) return RuntimeInformation.OSDescription;
        var machine = RuntimeInformation.OSArchitecture switch
        {
            Architecture.X64 => "x86_64",
            Architecture.Arm64 => "aarch64",
            var other => other.ToString().ToLower(CultureInfo.InvariantCulture),
        };
        return $"Linux {File.ReadAllText(releaseFile).Trim()} {machine}";
    }
}
