using Millrace.Commands;
using Millrace.Engine.Codec;
using Millrace.Persistence.Rdb;
using Millrace.Server.Logging;

namespace Millrace.Server.Persistence;

/// <summary>
/// Says in the log why RESTORE has refused a payload, when the log is verbose: the reply does not tell.
/// </summary>
internal static class RefusedPayload
{
    private const int Key = 1;
    private const int Payload = 3;

    /// <summary>Notes a call that was answered with an error, if it is one.</summary>
    /// <param name="call">The call, of any command, which still holds its partitions.</param>
    /// <param name="journal">Where log lines go.</param>
    public static void Note(in Call call, Log journal)
    {
        if (!call.Reply.LastErrorText.SequenceEqual(ErrorTexts.BadPayload)) return;
        if (!journal.IsEnabled(LogLevel.Verbose)) return;
        if (call.Spec.Name is not ("restore" or "restore-asking")) return;
        journal.Verbose($"The payload of RESTORE is refused: {Reason(call)}");
    }

    private static string Reason(in Call call)
    {
        var payload = call.Args[Payload];
        var type = payload.IsEmpty ? RdbType.None : (RdbType)payload[0];
        if (type is RdbType.StreamOfFive or RdbType.StreamOfSevenZero or RdbType.Stream
            && StreamFault.HasDuplicateConsumer(payload[1..], type, call.Unit.PartitionFor(call.Key(Key)).Heap))
            return "Duplicate stream consumer detected.";
        return IntegrityText.Of(type);
    }
}
