// histories FIRST-SEED COUNT: checks the histories of so many seeds. Exit code 0: all are possible; 1: one is not.

using System.Globalization;
using Millrace.Histories;

var first = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
var count = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 100;
for (var seed = first; seed < first + count; seed++)
{
    using var history = new History(seed);
    try
    {
        history.Check();
    }
    catch (HistoryException e)
    {
        Console.WriteLine($"seed {seed}: {e.Message}");
        return 1;
    }
}

Console.WriteLine($"{count} histories of {History.Operations} operations from seed {first}: all are possible");
return 0;
