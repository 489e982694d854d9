using System.Diagnostics;
using System.Text;
using Millrace.Compat.Tests.Servers;

namespace Millrace.Compat.Tests.Tools;

/// <summary>What a tool of redis-tools has said.</summary>
/// <param name="ExitCode">Its exit code; -1 when it was ended after its time.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record ToolRun(int ExitCode, string Output, string Error)
{
    /// <summary>Runs a tool to its end, or ends it after the given time when it never ends by itself.</summary>
    public static ToolRun Run(string tool, IEnumerable<string> arguments, byte[]? input = null,
        int timeoutMs = 120_000, bool typesSlowly = false)
    {
        var start = new ProcessStartInfo
        {
            FileName = tool.StartsWith("redis-", StringComparison.Ordinal) ? ServerFiles.Tool(tool) : tool,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{tool} did not start.");
        Task<string> output = OnOwnThread(process.StandardOutput.ReadToEnd);
        Task<string> error = OnOwnThread(process.StandardError.ReadToEnd);
        Task<bool> writer = OnOwnThread(() => Write(process, input ?? [], typesSlowly));
        bool ended = process.WaitForExit(timeoutMs);
        if (!ended)
            process.Kill(entireProcessTree: true);
        process.WaitForExit();
        writer.Wait();
        return new ToolRun(ended ? process.ExitCode : -1, output.Result, error.Result);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        new StringBuilder().Append($"exit {ExitCode}\n").Append(Output).Append(Error).ToString();

    // The pool has few threads on a small machine, and a pipe holds one as long as the tool lives.
    private static Task<T> OnOwnThread<T>(Func<T> read) =>
        Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // A line editor on a terminal takes what is typed after its prompt has come: a pause goes before each line.
    private static bool Write(Process process, byte[] input, bool typesSlowly)
    {
        try
        {
            Stream stream = process.StandardInput.BaseStream;
            foreach (byte[] line in typesSlowly ? Lines(input) : [input])
            {
                if (typesSlowly)
                    Thread.Sleep(150);
                stream.Write(line);
                stream.Flush();
            }
            process.StandardInput.Close();
            return true;
        }
        catch (IOException)
        {
            // The tool has ended before it read everything; its exit code tells why.
            return false;
        }
    }

    private static IEnumerable<byte[]> Lines(byte[] input)
    {
        int start = 0;
        for (int i = 0; i < input.Length; i++)
        {
            if (input[i] != (byte)'\r')
                continue;
            yield return input[start..(i + 1)];
            start = i + 1;
        }
    }
}
