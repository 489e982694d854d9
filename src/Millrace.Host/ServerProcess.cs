// The server as a process: what happens around a MillraceServer from start to exit, in the order and with the log lines
// that Redis users and their tools know.
//
//     configuration -> working directory -> log file -> background or supervision -> limits -> server -> pid file
//       -> "Server initialized" -> data is loaded, while clients are told so -> "Ready to accept connections" -> wait
//       -> stop -> remove pid file -> exit 0
//
// Whatever cannot work is said on standard error (configuration) or in the log (everything later) and exits with 1.

using System.Globalization;
using System.Text;
using Millrace.Server;
using Millrace.Server.Config;
using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>Runs one server from start to exit. Use once, on the main thread.</summary>
/// <param name="arguments">The arguments of the process.</param>
internal sealed class ServerProcess(string[] arguments)
{
    private const int Success = 0;
    private const int Failure = 1;

    private readonly string _startDirectory = Environment.CurrentDirectory; // the directive `dir` leads elsewhere
    private readonly BackgroundProcess _background = BackgroundProcess.FromEnvironment();
    private TerminalLine? _terminal; // where the log goes, when that is a terminal

    /// <summary>Runs the server; returns the exit code.</summary>
    internal int Run()
    {
        CommandLine commandLine = CommandLine.From(arguments);
        byte[] input = [];
        if (commandLine.ReadsStandardInput && !TryReadStandardInput(out input, out string inputError))
            return Refuse(ConfigError.OfFile("standard input", inputError));

        bool hasConfiguration = commandLine.File is not null || commandLine.ReadsStandardInput;
        var table = new DirectiveTable(
            Environment.ProcessorCount,
            Environment.CurrentDirectory,
            hasConfiguration ? DirectiveTable.BindAll : DirectiveTable.BindLoopback);
        var file = new ConfigFile(table, new DiskConfigFiles());
        if (file.Load(commandLine, input) is { } error) return Refuse(error);
        var configuration = new Configuration(file.Values)
        {
            FilePath = commandLine.File is { } path ? Path.GetFullPath(path) : null,
        };
        if (EnterDirectories(configuration.Settings) is { } reason)
            return Refuse(new ConfigError(ConfigSource.None, null, 0, "", ConfigText.FromString(reason)));

        Log log = OpenLog(configuration.Settings);
        var supervisor = Supervisor.Choose(configuration.Settings.Supervised, log);
        bool inBackground = configuration.Settings.Daemonize && !supervisor.IsActive;
        if (inBackground && !_background.IsChild) return BackgroundProcess.Start(arguments, input, _startDirectory);
        if (_background.IsChild) BackgroundProcess.LeaveTerminal();
        return Serve(configuration, log, supervisor, inBackground);
    }

    private int Serve(Configuration configuration, Log log, Supervisor supervisor, bool inBackground)
    {
        AppDomain.CurrentDomain.UnhandledException += (_, fault) =>
        {
            if (!configuration.Settings.CrashLogEnabled) return;
            log.WriteRaw(LogLevel.Warning, $"\n\n=== MILLRACE BUG REPORT ===\n{fault.ExceptionObject}\n");
        };
        LogStart(log);
        if (!TryLimitClients(configuration, log)) return Failure;
        configuration.Add(new WorkingDirectory());
        configuration.Add(new LogSettings(log));
        var oomScore = new OomScore(log);
        configuration.Add(oomScore);
        oomScore.Begin(configuration.Settings);

        using var server = new MillraceServer(configuration, log);
        using var signals = new Signals(configuration, log, server);
        log.Role = 'M';
        Settings settings = configuration.Settings;
        PidFile? pidFile = PidFile.Create(settings.PidFile, inBackground, log);
        Banner.Show(settings, log, Program.Version);
        string? fault;
        using (_terminal is { } line ? new LoadingBar(line, server.Loading) : null) fault = server.Start();
        if (fault is not null)
        {
            log.Warning(fault);
            pidFile?.Remove();
            return Failure;
        }

        if (!server.IsLoading) SayReady(settings, log, supervisor);
        server.ShutdownRequested.GetAwaiter().GetResult();
        supervisor.Notify("STOPPING=1\n");
        server.Stop();
        if (pidFile is not null)
        {
            log.Notice("Removing the pid file.");
            pidFile.Remove();
        }

        log.Warning("Millrace is now ready to exit, bye bye...");
        return Success;
    }

    private void SayReady(Settings settings, Log log, Supervisor supervisor)
    {
        if (settings.Port != 0 && settings.Bind.Count > 0) log.Notice("Ready to accept connections tcp");
        if (settings.UnixSocket is not null) log.Notice("Ready to accept connections unix");
        supervisor.Notify("STATUS=Ready to accept connections\nREADY=1\n");
        _background.ReportReady();
    }

    private void LogStart(Log log)
    {
        log.Notice("oO0OoO0OoO0Oo Millrace is starting oO0OoO0OoO0Oo");
        log.Notice(
            $"Millrace version={Program.Version}, redis_version={MillraceServer.RedisVersion}, bits=64, "
            + $"pid={Environment.ProcessId}, just started");
        if (arguments.Length > 0) log.Notice("Configuration loaded");
        else
        {
            log.Warning(
                "Warning: no config file specified, using the default config. In order to specify a config file use "
                + "millrace /path/to/redis.conf");
        }
    }

    /// <summary>Lowers maxclients to what the system's limit of open files allows; false when not even one
    /// fits.</summary>
    private static bool TryLimitClients(Configuration configuration, Log log)
    {
        OpenFileLimit limit = OpenFileLimit.OfProcess();
        configuration.Add(limit);
        long wanted = configuration.Settings.MaxClients;
        long needed = wanted + OpenFileLimit.ReservedDescriptors;
        if (needed <= limit.OpenFiles) return true;
        if (limit.OpenFiles <= OpenFileLimit.ReservedDescriptors)
        {
            log.Warning(
                $"Your current 'ulimit -n' of {limit.OpenFiles} is not enough for the server to start. "
                + $"Please increase your open file limit to at least {needed}. Exiting.");
            return false;
        }

        configuration.Adjust("maxclients", limit.MostClients.ToString(CultureInfo.InvariantCulture));
        log.Warning($"You requested maxclients of {wanted} requiring at least {needed} max file descriptors.");
        log.Warning(
            $"Current maximum open files is {limit.OpenFiles}. maxclients has been reduced to {limit.MostClients} "
            + "to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.");
        return true;
    }

    private static string? EnterDirectories(Settings settings)
    {
        if (settings.WorkingDirectory != Environment.CurrentDirectory
            && WorkingDirectory.Enter(settings.WorkingDirectory) is { } reason)
            return $"Can't chdir to '{settings.WorkingDirectory}': {reason}";
        if (settings.LogFile is { } path && new FileLogOutput(path).WhyNotWritable() is { } fault)
            return $"Can't open the log file: {fault}";
        return null;
    }

    private Log OpenLog(Settings settings)
    {
        bool isTerminal = settings.LogFile is null && !_background.IsChild && !Console.IsOutputRedirected;
        if (isTerminal) _terminal = new TerminalLine(Console.OpenStandardOutput());
        ILogOutput output = settings.LogFile is { } path ? new FileLogOutput(path)
            : _terminal is not null ? _terminal
            : new StreamLogOutput(_background.IsChild ? Console.OpenStandardError() : Console.OpenStandardOutput());
        return new Log(settings.LogLevel, output, TimeProvider.System, Environment.ProcessId)
        {
            Syslog = settings.SyslogEnabled
                ? new Syslog(settings.SyslogIdent, settings.SyslogFacility, Environment.ProcessId)
                : null,
        };
    }

    private static bool TryReadStandardInput(out byte[] content, out string error)
    {
        using Stream input = Console.OpenStandardInput();
        return DiskConfigFiles.TryReadAll(input, ConfigFile.MaxTotalBytes, out content, out error);
    }

    private static int Refuse(ConfigError error)
    {
        using Stream output = Console.OpenStandardError();
        output.Write(Encoding.UTF8.GetBytes(error.Report(Program.Version)));
        return Failure;
    }
}
