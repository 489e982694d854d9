// histories FIRST-SEED COUNT [keys|waiting]: checks the histories of so many seeds, of one kind or of both. Exit code
// 0: all are possible; 1: one is not.

using System.Globalization;
using Millrace.Histories;
using Millrace.Histories.Waiting;

var first = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
var count = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 100;
var kind = args.Length > 2 ? args[2] : "";
for (var seed = first; seed < first + count; seed++)
{
    try
    {
        if (kind != "waiting")
        {
            using var history = new History(seed);
            history.Check();
        }

        if (kind == "keys") continue;
        using var waiting = new WaitHistory(seed);
        waiting.Check();
    }
    catch (HistoryException e)
    {
        Console.WriteLine($"seed {seed}: {e.Message}");
        return 1;
    }
}

Console.WriteLine(
    $"{count} histories of {History.Operations} operations, or of {WaitHistory.Operations} with waiting, from seed "
    + $"{first}: all are possible");
return 0;
