// Why a configuration cannot be used, in the form in which Redis reports it on standard error before it exits with 1:
//
//     *** FATAL CONFIG FILE ERROR (Millrace 0.1.0) ***
//     Reading the configuration file, at line 7
//     >>> 'maxclinets 100'
//     Bad directive or wrong number of arguments: there is no directive 'maxclinets', did you mean 'maxclients'?
//
// A file that cannot be opened is one sentence without that frame, as in Redis.

using System.Text;

namespace Millrace.Server.Config;

/// <summary>Where a configuration text came from.</summary>
public enum ConfigSource
{
    /// <summary>The file that the command line names.</summary>
    File,

    /// <summary>A file that another one includes.</summary>
    IncludedFile,

    /// <summary>Standard input.</summary>
    StandardInput,

    /// <summary>The directives of the command line.</summary>
    CommandLine,

    /// <summary>No place: a file could not be opened, or the configuration as a whole is wrong.</summary>
    None,
}

/// <summary>What is wrong, and where.</summary>
/// <param name="Source">Where the text came from.</param>
/// <param name="Path">The included file, or null.</param>
/// <param name="Line">The line, counted from 1.</param>
/// <param name="Text">The line's text without secrets, one byte per char.</param>
/// <param name="Reason">What is wrong with it, one byte per char.</param>
public sealed record ConfigError(ConfigSource Source, string? Path, int Line, string Text, string Reason)
{
    /// <summary>The error of a file that cannot be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="reason">Why not.</param>
    public static ConfigError OfFile(string path, string reason) =>
        new(
            ConfigSource.None,
            path,
            0,
            "",
            ConfigText.FromString($"Fatal error, can't open config file '{path}': {reason}"));

    /// <summary>The report, ending with a line feed.</summary>
    /// <param name="version">The version of the server.</param>
    public string Report(string version)
    {
        if (Source == ConfigSource.None && Path is not null) return ConfigText.ToDisplay(Reason) + "\n";
        var report = new StringBuilder();
        report.Append($"\n*** FATAL CONFIG FILE ERROR (Millrace {version}) ***\n");
        if (Source != ConfigSource.None)
        {
            report.Append($"Reading {Place}, at line {Line}\n");
            report.Append($">>> '{ConfigText.ToDisplay(Text)}'\n");
        }

        return report.Append(ConfigText.ToDisplay(Reason)).Append('\n').ToString();
    }

    private string Place => Source switch
    {
        ConfigSource.IncludedFile => $"the configuration file '{Path}'",
        ConfigSource.StandardInput => "the configuration from standard input",
        ConfigSource.CommandLine => "the command line",
        _ => "the configuration file",
    };
}
