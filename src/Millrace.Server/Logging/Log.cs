// The server's log, in the line format of Redis, which tools parse:
//
//     4711:M 23 Nov 2026 10:11:29.226 * Ready to accept connections tcp
//     pid:role  day, month, year, local time   level mark (. debug, - verbose, * notice, # warning)   message
//
// A line is written in one call, so that lines of several threads and processes do not mix. A log file is opened for
// each line, as Redis does: a file that was rotated away is simply created again. A line that cannot be written is
// dropped; the server never stops because of its log. Control characters in a message become spaces: nobody forges a
// second line. Callers never pass secrets: error reports and messages name directives, not their sensitive values.
//
// Threads: any. One lock guards the output; it is a leaf and is held for one write.

using System.Globalization;
using System.Text;

namespace Millrace.Server.Logging;

/// <summary>Writes log lines. Thread-safe.</summary>
public sealed class Log
{
    /// <summary>Longest message; the rest is cut off.</summary>
    public const int MaxMessageChars = 1024;

    private const string Marks = ".-*#";

    private readonly Lock _output = new();
    private readonly ILogOutput _target;
    private readonly TimeProvider _time;
    private readonly int _processId;
    private volatile LogLevel _level;
    private volatile char _role = 'C';

    /// <summary>A log.</summary>
    /// <param name="level">The least important lines that are written.</param>
    /// <param name="target">Where lines go.</param>
    /// <param name="time">The clock and the time zone of the lines.</param>
    /// <param name="processId">The process id that the lines carry.</param>
    public Log(LogLevel level, ILogOutput target, TimeProvider time, int processId)
    {
        _level = level;
        _target = target;
        _time = time;
        _processId = processId;
    }

    /// <summary>The system's log, which gets all lines, too; or null.</summary>
    public Syslog? Syslog { get; init; }

    /// <summary>A log that writes nothing, for tests.</summary>
    public static Log None() => new(LogLevel.Nothing, new NoLogOutput(), TimeProvider.System, processId: 0);

    /// <summary>The least important lines that are written. May change at any time.</summary>
    public LogLevel Level
    {
        get => _level;
        set => _level = value;
    }

    /// <summary>The letter after the process id: C while the server starts, M as a master, S as a replica.</summary>
    public char Role
    {
        get => _role;
        set => _role = value;
    }

    /// <summary>Whether lines of a level are written; ask before composing an expensive message.</summary>
    /// <param name="level">The level.</param>
    public bool IsEnabled(LogLevel level) => level >= _level && level < LogLevel.Nothing;

    /// <summary>Writes a line for finding faults.</summary>
    /// <param name="message">The message, without secrets.</param>
    public void Debug(string message) => Write(LogLevel.Debug, message);

    /// <summary>Writes a line of detail.</summary>
    /// <param name="message">The message, without secrets.</param>
    public void Verbose(string message) => Write(LogLevel.Verbose, message);

    /// <summary>Writes a line that operators want to know.</summary>
    /// <param name="message">The message, without secrets.</param>
    public void Notice(string message) => Write(LogLevel.Notice, message);

    /// <summary>Writes a line that operators must know.</summary>
    /// <param name="message">The message, without secrets.</param>
    public void Warning(string message) => Write(LogLevel.Warning, message);

    /// <summary>Writes a line.</summary>
    /// <param name="level">Its importance.</param>
    /// <param name="message">The message, without secrets.</param>
    public void Write(LogLevel level, string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!IsEnabled(level)) return;
        DateTimeOffset now = _time.GetLocalNow();
        var line = new StringBuilder(message.Length + 48);
        line.Append(CultureInfo.InvariantCulture, $"{_processId}:{_role} {now:dd MMM yyyy HH:mm:ss.fff} ");
        line.Append(Marks[(int)level]).Append(' ');
        int start = line.Length;
        foreach (char c in message.AsSpan(0, Math.Min(message.Length, MaxMessageChars)))
            line.Append(char.IsControl(c) ? ' ' : c);
        string shown = Syslog is null ? "" : line.ToString(start, line.Length - start);
        byte[] bytes = Encoding.UTF8.GetBytes(line.Append('\n').ToString());
        lock (_output)
        {
            _target.Write(bytes);
            Syslog?.Write(level, now, shown);
        }
    }

    /// <summary>Writes text as it is, without time and mark: the start-up banner.</summary>
    /// <param name="level">Its importance.</param>
    /// <param name="text">The text with its line feeds.</param>
    public void WriteRaw(LogLevel level, string text)
    {
        if (!IsEnabled(level)) return;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        lock (_output)
        {
            _target.Write(bytes);
            if (Syslog is null) return;
            DateTimeOffset now = _time.GetLocalNow();
            foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
                Syslog.Write(level, now, line[..Math.Min(line.Length, MaxMessageChars)]);
        }
    }
}
