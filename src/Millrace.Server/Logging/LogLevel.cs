// The importance of log lines, in the order of the loglevel directive's names.

namespace Millrace.Server.Logging;

/// <summary>How important a log line is.</summary>
public enum LogLevel
{
    /// <summary>For finding faults.</summary>
    Debug,

    /// <summary>Rarely useful detail.</summary>
    Verbose,

    /// <summary>What operators want to know.</summary>
    Notice,

    /// <summary>What operators must know.</summary>
    Warning,

    /// <summary>As a threshold only: no line is logged.</summary>
    Nothing,
}
