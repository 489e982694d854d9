// histories FIRST-SEED COUNT [keys|waiting|hearing|crashing|late]: checks the histories of so many seeds, of one kind
// or of the first three. Exit code 0: all are possible; 3: one is not. Those in which the power fails (crashing; late:
// with everysec) take real time, and run only when they are asked for.
// histories tracing: runs a server below strace, and compares its system calls with what went through IFileSystem
// (histories DIRECTORY FILE recorded is that server).

using System.Globalization;
using Millrace.Histories;
using Millrace.Histories.Crashing;
using Millrace.Histories.Hearing;
using Millrace.Histories.Waiting;

const int MostVoid = 20;
const int Impossible = 3; // no other failure of a process gives this

if (args is ["tracing"]) return TracedServer.Check() ? 0 : 1;
if (args is [var data, var record, "recorded"])
{
    TracedServer.Serve(data, record);
    return 0;
}

var first = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1;
var count = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 100;
var kind = args.Length > 2 ? args[2] : "";
var kept = 0L;
var isVoid = 0;
var end = first + count;
for (var seed = first; seed < end; seed++)
{
    try
    {
        if (kind is "" or "keys")
        {
            using var history = new History(seed);
            history.Check();
        }

        if (kind is "" or "waiting")
        {
            using var waiting = new WaitHistory(seed);
            waiting.Check();
        }

        if (kind is "" or "hearing")
        {
            using var hearing = new HearHistory(seed);
            hearing.Check();
        }

        if (kind is not ("crashing" or "late")) continue;
        var acknowledged = new CrashHistory(seed, isAlways: kind == "crashing").Check();
        if (acknowledged >= 0) kept += acknowledged;
        else if (isVoid++ < count + MostVoid) end++; // another one instead
    }
    catch (HistoryException e)
    {
        Console.WriteLine($"seed {seed}: {e.Message}");
        return Impossible;
    }
}

if (kind is "crashing" or "late")
{
    Console.WriteLine(
        $"{count} kills and power failures from seed {first}, {isVoid} of them void as the machine stood still: all of "
        + $"{kept} acknowledged writes were kept");
    return kept > 0 ? 0 : 1;
}

Console.WriteLine(
    $"{count} histories of {History.Operations} operations, of {WaitHistory.Operations} with waiting, or of "
    + $"{HearHistory.Operations} with hearing, from seed {first}: all are possible");
return 0;
