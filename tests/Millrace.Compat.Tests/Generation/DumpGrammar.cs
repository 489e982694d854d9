using Millrace.Compat.Tests.Wire;
using static Millrace.Compat.Tests.Generation.Parts;

namespace Millrace.Compat.Tests.Generation;

/// <summary>
/// The grammar of DUMP and RESTORE. Payloads of all types and of all times, made by hand, in the version of 7.0; a few
/// whose value is none. That each server reads what the other writes is tested elsewhere. A time to live whose sum
/// with the clock does not fit 64 bits deletes the key in 7.0.15, and is not asked for.
/// </summary>
public static class DumpGrammar
{
    private const int LengthOfFuture = 13; // digits of a Unix time in milliseconds

    private static readonly byte[][] s_texts =
        [.. Sealed("0003616263", "00c007", "00c12c01", "0000", "0003303037", "00c3050a0061e00000")];

    private static readonly byte[][] s_lists =
    [
        .. Sealed(
            "0103016101620163", "0a1111000000 0d000000 0200 000161 030162 ff",
            "1201020f0f000000 0300 816102 816202 0101 ff"),
    ];

    private static readonly byte[][] s_sets = [.. Sealed("0b0c02000000020000000100 0200", "0203016101620163")];

    private static readonly byte[][] s_hashes =
        [.. Sealed("040201610131 0162c005", "100c0c000000 0200 816102 0101 ff")];

    private static readonly byte[][] s_sortedSets =
    [
        .. Sealed(
            "05020161000000000000f03f 01620000000000000440",
            "111414000000 0400 816102 0101 816202 83322e3504 ff"),
    ];

    private static readonly byte[][] s_none = [.. Sealed("00", "0361", "0200", "020201610161", "c8", "1000")];

    private static readonly Part s_options = Any(
        0.35, Option("REPLACE"), Maybe(Option("IDLETIME", Literal("0", "100", "-1", "abc")), 0.4),
        Maybe(Option("FREQ", Literal("0", "255", "256", "abc")), 0.4));

    /// <summary>One form per command.</summary>
    public static IReadOnlyList<Form> Forms { get; } =
    [
        new("DUMP", AnyKey),
        new("RESTORE", Restored, s_options) { Weight = 2, IsFrozen = true },
    ];

    // Each value goes to the keys of its type mostly, so that other commands find what they expect.
    private static void Restored(Draft draft)
    {
        int drawn = draft.Pool == 1 ? 0 : draft.Random.Next(10);
        byte[][] payloads = s_texts;
        switch (drawn)
        {
            case 0 or 1 or 2:
                Key(draft);
                break;
            case 3:
                draft.Add(draft.Words.ListKey());
                payloads = s_lists;
                break;
            case 4:
                SetGrammar.SetKey(draft);
                payloads = s_sets;
                break;
            case 5:
                draft.Add(draft.Words.Key(HashGrammar.Pool));
                payloads = s_hashes;
                break;
            case 6:
                draft.Add(draft.Words.Key(SortedSetGrammar.Pool));
                payloads = s_sortedSets;
                break;
            default:
                Key(draft);
                payloads = draft.Chance(0.5) ? s_texts : s_none;
                break;
        }
        TimeToLive(draft);
        draft.Add(draft.Chance(0.03) ? draft.Words.Value(1) : draft.Pick(payloads));
        if (draft.Arguments[2].Length == LengthOfFuture)
            Option("ABSTTL")(draft);
    }

    private static void TimeToLive(Draft draft)
    {
        int drawn = draft.Random.Next(10);
        if (drawn < 5)
            draft.Add("0");
        else if (drawn < 7)
            draft.Add(draft.Random.NextInt64(1_000_000, 1_000_000_000));
        else if (drawn < 9)
            draft.Add(draft.Chance(0.7)
                ? draft.Random.NextInt64(4_000_000_000_000, 9_000_000_000_000)
                : draft.Random.NextInt64(1_000_000_000_000, 1_500_000_000_000));
        else
            draft.Add(draft.Pick(["-1", "abc", "", "9223372036854775808", "1.5"]));
    }

    private static IEnumerable<byte[]> Sealed(params string[] values) => values.Select(value =>
        Payload.Seal(Convert.FromHexString(value.Replace(" ", "", StringComparison.Ordinal)), version: 10));
}
