using System.ComponentModel;

namespace Millrace.Persistence.Files;

/// <summary>Why an operation on a file failed, in the system's words, without paths.</summary>
public static class DiskReason
{
    /// <summary>There is no such file.</summary>
    public const string Missing = "No such file or directory";

    /// <summary>There is one of that name.</summary>
    public const string Exists = "File exists";

    /// <summary>There is a directory of that name.</summary>
    public const string IsDirectory = "Is a directory";

    /// <summary>The words for what .NET has thrown.</summary>
    /// <param name="fault">What was thrown.</param>
    public static string Of(Exception fault) => fault switch
    {
        FileNotFoundException or DirectoryNotFoundException => Missing,
        PathTooLongException => "File name too long",
        UnauthorizedAccessException { InnerException: IOException inner } => Of(inner),
        UnauthorizedAccessException => "Permission denied",
        IOException { HResult: > 0 } => new Win32Exception(fault.HResult).Message,
        _ => fault.Message,
    };

    /// <summary>Does something to files; says why it failed, or null.</summary>
    internal static string? Try<T>(T target, Action<T> action)
    {
        try
        {
            action(target);
            return null;
        }
        catch (Exception fault) when (IsOne(fault))
        {
            return Of(fault);
        }
    }

    /// <summary>Whether it is what operations on files throw when they fail; anything else is a bug.</summary>
    internal static bool IsOne(Exception fault) =>
        fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;
}
