// Tables of keyspace events. A row is
//
//     request ; request | request => event key, event key, ...
//
// The requests in front of the bar prepare the keyspace; the events are those of the last one, with all classes on. In
// requests, "" is the empty word. Events of another database than 0 are written event key@database. Rows are as
// redis-server 7.0.15 tells them to a subscriber, unless they stand under a heading that says otherwise.

using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests.Notifications;

/// <summary>Reads and checks such rows.</summary>
internal static class EventRow
{
    public static TheoryData<string> Table(string text)
    {
        var rows = new TheoryData<string>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Length > 0) rows.Add(line.Trim());
        }

        return rows;
    }

    public static void Check(string row)
    {
        var (requests, expected) = Cut(row, "=>");
        var (preparation, request) = Cut(requests, "|");
        using var driver = new CommandDriver();
        foreach (var one in preparation.Split(" ; ", StringSplitOptions.RemoveEmptyEntries)) Run(driver, one);
        driver.Keyspace.Notifies = NotifyClasses.All | NotifyClasses.New | NotifyClasses.KeyMiss
            | NotifyClasses.Keyspace | NotifyClasses.KeyEvent;
        Run(driver, request);
        Assert.Equal(expected, string.Join(", ", driver.TakeEvents()));
    }

    private static (string Before, string Behind) Cut(string text, string mark)
    {
        var at = text.IndexOf(mark, StringComparison.Ordinal);
        return (text[..at].Trim(), text[(at + mark.Length)..].Trim());
    }

    private static void Run(CommandDriver driver, string request) =>
        driver.RunWords([.. request.Split(' ').Select(word => word == "\"\"" ? "" : word)]);
}
