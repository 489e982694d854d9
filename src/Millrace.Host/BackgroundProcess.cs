// daemonize yes: a managed process cannot fork, so it starts itself once more.
//
//   first process                               second process (knows itself by an environment variable)
//   reads the configuration, finds it good
//   starts the second, hands on standard input  leaves the terminal's session
//   waits for a line on its standard output     starts the server; its log goes to the log file, or here
//   exit 0 after "ready"                        writes "ready", then points its descriptors at /dev/null
//   else passes on what was said, exit 1        or says what is wrong and exits

using System.Diagnostics;
using System.Text;

namespace Millrace.Host;

/// <summary>Which of the two processes this is.</summary>
internal sealed class BackgroundProcess
{
    private const string Variable = "MILLRACE_BACKGROUND";
    private const string ReadyLine = "ready";
    private const int Failure = 1;

    private BackgroundProcess(bool isChild) => IsChild = isChild;

    /// <summary>This is the second process.</summary>
    internal bool IsChild { get; }

    /// <summary>Finds out which process this is; the mark is not passed on to further processes.</summary>
    internal static BackgroundProcess FromEnvironment()
    {
        bool isChild = Environment.GetEnvironmentVariable(Variable) is not null;
        if (isChild) Environment.SetEnvironmentVariable(Variable, null);
        return new BackgroundProcess(isChild);
    }

    /// <summary>Starts the second process and waits until it is ready or has failed.</summary>
    /// <param name="arguments">The arguments of this process.</param>
    /// <param name="input">What standard input held.</param>
    /// <param name="directory">Where this process was started: relative paths among the arguments start there.</param>
    /// <returns>The exit code.</returns>
    internal static int Start(string[] arguments, byte[] input, string directory)
    {
        using Process? child = Process.Start(Description(arguments, directory));
        if (child is null) return Failure;
        using (Stream childInput = child.StandardInput.BaseStream) childInput.Write(input);
        if (child.StandardOutput.ReadLine() == ReadyLine) return 0;
        using (Stream output = Console.OpenStandardError())
            output.Write(Encoding.UTF8.GetBytes(child.StandardError.ReadToEnd()));
        child.WaitForExit();
        return child.ExitCode == 0 ? Failure : child.ExitCode;
    }

    /// <summary>Takes the second process out of the terminal's session, so that closing the terminal does not end it.
    /// </summary>
    internal static void LeaveTerminal() => PosixCalls.StartSession();

    /// <summary>Lets the first process go, and points standard input, output and error at nothing.</summary>
    internal void ReportReady()
    {
        if (!IsChild) return;
        try
        {
            using Stream output = Console.OpenStandardOutput();
            output.Write(Encoding.UTF8.GetBytes(ReadyLine + "\n"));
        }
        catch (IOException)
        {
            // The first process was killed meanwhile; the server is ready all the same.
            _ = IsChild;
        }

        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        int descriptor = (int)nothing.DangerousGetHandle();
        for (int standard = 0; standard <= 2; standard++) PosixCalls.Duplicate(descriptor, standard);
    }

    private static ProcessStartInfo Description(string[] arguments, string directory)
    {
        string executable = Environment.ProcessPath ?? Environment.GetCommandLineArgs()[0];
        var description = new ProcessStartInfo(executable)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string program = Path.GetFileNameWithoutExtension(executable);
        if (program.Equals("dotnet", StringComparison.OrdinalIgnoreCase))
            description.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (string argument in arguments) description.ArgumentList.Add(argument);
        description.Environment[Variable] = "1";
        return description;
    }
}
