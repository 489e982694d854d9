using System.Globalization;

namespace Millrace.Compat.Tests.Servers;

/// <summary>
/// What the environment says about a run of these tests. Nothing else in the project reads the environment.
/// <list type="bullet">
/// <item>MILLRACE_TEST_IO: the poller given as <c>--io</c> (default: automatic).</item>
/// <item>MILLRACE_TEST_LOOPS: <c>--io-threads</c> (default 2).</item>
/// <item>MILLRACE_TEST_LONG=1: the volumes that acceptance asks for.</item>
/// <item>MILLRACE_TEST_SEED: the seed of a generated stream (default: fixed ones plus a fresh one, printed).</item>
/// <item>MILLRACE_TEST_COMMANDS: the length of a generated stream.</item>
/// <item>MILLRACE_TEST_SERVER: the server under test: a millrace.dll, a native executable, or a redis-server.</item>
/// </list>
/// </summary>
public static class TestSettings
{
    /// <summary>The poller to start the server with, or null for its own choice.</summary>
    public static string? Io => Read("MILLRACE_TEST_IO");

    /// <summary>The number of event loops.</summary>
    public static int Loops => int.Parse(Read("MILLRACE_TEST_LOOPS") ?? "2", CultureInfo.InvariantCulture);

    /// <summary>True when the long form is asked for.</summary>
    public static bool Long => Read("MILLRACE_TEST_LONG") == "1";

    /// <summary>The seed asked for, or null.</summary>
    public static int? Seed =>
        Read("MILLRACE_TEST_SEED") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    /// <summary>A file that replaces the server under test, or null.</summary>
    public static string? Server => Read("MILLRACE_TEST_SERVER");

    /// <summary>The number of generated commands asked for instead of the form's own, or null.</summary>
    public static int? Commands =>
        Read("MILLRACE_TEST_COMMANDS") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Read(string name)
    {
        string? value = Environment.GetEnvironmentVariable(name);
        return string.IsNullOrEmpty(value) ? null : value;
    }
}
