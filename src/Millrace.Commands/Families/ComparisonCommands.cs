// Strings, compared: their digests, and deleting a key on a condition. SET's conditions are in StringCommands.
// Source: Redis 8.4 documentation, "DIGEST", "DELEX"; Valkey 9.0 documentation, "DELIFEQ".

using Millrace.Engine;
using Millrace.Engine.Values;
using static Millrace.Commands.CommandFlags;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>The commands that compare strings.</summary>
public static class ComparisonCommands
{
    /// <summary>The family's commands.</summary>
    public static CommandSpec[] Table =>
    [
        new("delex", -2, DelEx)
        {
            Flags = Write | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RW | KeyFlags.Delete)],
            Syntax = "key [IFEQ ifeq-value:string | IFNE ifne-value:string | IFDEQ ifdeq-digest:string"
                + " | IFDNE ifdne-digest:string]",
            Summary = "Deletes a key, on a condition about the string that it holds.",
            Since = "8.4.0",
            Complexity = "O(1) for IFEQ and IFNE, O(N) for IFDEQ and IFDNE where N is the length of the string.",
            Group = "string",
        },
        new("delifeq", 3, DelIfEq)
        {
            Flags = Write | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RM | KeyFlags.Delete)],
            Syntax = "key value:string",
            Summary = "Deletes a key that holds a certain string.",
            Since = "9.0.0",
            Complexity = "O(1)",
            Group = "string",
        },
        new("digest", 2, Digest)
        {
            Flags = ReadOnly | Fast,
            Categories = AclCategories.String,
            Keys = [KeySpec.One(KeyFlags.RO | KeyFlags.Access)],
            Syntax = "key",
            Summary = "Returns the XXH3 hash of a string in hexadecimal digits.",
            Since = "8.4.0",
            Complexity = "O(N) where N is the length of the string.",
            Group = "string",
        },
    ];

    private static void DelEx(ref Call call)
    {
        if (call.Args.Count == 2)
        {
            Delete(call, call.Write(1));
            return;
        }

        var comparison = ValueComparisons.Of(call.Args[2]);
        if (comparison == ValueComparison.None || call.Args.Count != 4)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return;
        }

        DeleteIf(call, comparison, call.Args[3]);
    }

    private static void DelIfEq(ref Call call) => DeleteIf(call, ValueComparison.Equal, call.Args[2]);

    private static void Digest(ref Call call)
    {
        var entry = call.Read(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        if (entry.IsMissing)
        {
            call.Reply.Null();
            return;
        }

        Span<byte> scratch = stackalloc byte[StringValue.ScratchBytes];
        Span<byte> digest = stackalloc byte[ValueComparisons.DigestBytes];
        ValueComparisons.WriteDigest(StringValue.Read(entry, scratch), digest);
        call.Reply.Bulk(digest);
    }

    private static void DeleteIf(in Call call, ValueComparison comparison, ReadOnlySpan<byte> operand)
    {
        var entry = call.Write(1);
        if (!call.IsTypeOrMissing(entry, ValueType.String)) return;
        Delete(call, ValueComparisons.IsMet(comparison, entry, operand) ? entry : default);
    }

    private static void Delete(in Call call, in Entry entry)
    {
        call.Reply.Integer(entry.IsMissing ? 0 : 1);
        if (entry.IsMissing) return;
        var key = call.Key(1);
        call.Unit.Remove(key, entry);
        call.Unit.Changed(key);
        call.Unit.Notify(NotifyClasses.Generic, "del"u8, key);
        call.Effects.Add("DEL"u8, key.Bytes);
    }
}
