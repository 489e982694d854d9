// One run of our command line client or of the real redis-cli: what it printed, and its exit code.

using System.Diagnostics;
using System.Text;

namespace Millrace.Cli.Tests;

internal sealed record CliRun(string Output, string Error, int ExitCode)
{
    public const string RealProgram = "/usr/bin/redis-cli";

    public static CliRun Ours(string[] args, string input = "", bool isTerminal = false, string? auth = null)
    {
        using MemoryStream output = new();
        using MemoryStream error = new();
        CliTerminal terminal = new()
        {
            Input = new MemoryStream(Encoding.Latin1.GetBytes(input)),
            Output = output,
            Error = error,
            IsOutputTerminal = isTerminal,
            Variable = name => string.Equals(name, "REDISCLI_AUTH", StringComparison.Ordinal) ? auth : null,
        };
        int exitCode = CliProgram.Run(args, terminal);
        return new CliRun(
            Encoding.Latin1.GetString(output.ToArray()), Encoding.Latin1.GetString(error.ToArray()), exitCode);
    }

    public static CliRun Real(string[] args, string input = "", bool isTerminal = false, string? auth = null)
    {
        ProcessStartInfo start = new(RealProgram)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Encoding.Latin1,
            StandardOutputEncoding = Encoding.Latin1,
            StandardErrorEncoding = Encoding.Latin1,
        };
        foreach (string arg in args) start.ArgumentList.Add(arg);
        start.Environment.Remove("REDISCLI_AUTH");
        if (isTerminal) start.Environment["FAKETTY"] = "1";
        if (auth is not null) start.Environment["REDISCLI_AUTH"] = auth;
        using Process process = Process.Start(start)!;
        Feed(process, input);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new CliRun(output, error.GetAwaiter().GetResult(), process.ExitCode);
    }

    // A client that has ended for a reason of its own does not read what it is given.
    private static void Feed(Process process, string input)
    {
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
        }
    }
}
