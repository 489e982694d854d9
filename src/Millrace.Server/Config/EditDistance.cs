// How far two names are apart: the least number of inserted, deleted, replaced or swapped neighbouring letters, without
// regard to case (optimal string alignment, by dynamic programming over the beginnings of both names). A cell off the
// diagonal by k holds at least k, so only a band as wide as the limit is filled (Ukkonen 1985, "Algorithms for
// Approximate String Matching"). O(n * limit) time, three rows of memory.

namespace Millrace.Server.Config;

/// <summary>Compares misspelt names.</summary>
public static class EditDistance
{
    private const int LongestOnStack = 128;

    /// <summary>The distance between two names, or anything from <paramref name="limit"/> upwards when they are at
    /// least that far apart.</summary>
    /// <param name="a">A name.</param>
    /// <param name="b">Another name.</param>
    /// <param name="limit">From here on the exact distance does not matter.</param>
    public static int Between(ReadOnlySpan<char> a, ReadOnlySpan<char> b, int limit = int.MaxValue)
    {
        if (Math.Abs(a.Length - b.Length) >= limit) return limit;
        int cells = b.Length + 1;
        Span<int> rows = b.Length <= LongestOnStack ? stackalloc int[3 * (LongestOnStack + 1)] : new int[3 * cells];
        Span<int> older = rows[..cells];
        Span<int> above = rows.Slice(cells, cells);
        Span<int> row = rows.Slice(2 * cells, cells);
        for (int j = 0; j < cells; j++) above[j] = j;
        int leastAbove = 0;
        int band = Math.Min(limit - 1, Math.Max(a.Length, b.Length));
        for (int i = 1; i <= a.Length; i++)
        {
            int first = Math.Max(1, i - band);
            int last = Math.Min(b.Length, i + band);
            int least = row[first - 1] = first == 1 ? i : limit;
            if (last < b.Length) row[last + 1] = limit;
            for (int j = first; j <= last; j++)
            {
                int cost = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                int best = Math.Min(Math.Min(row[j - 1] + 1, above[j] + 1), above[j - 1] + cost);
                bool isSwap = i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]);
                if (isSwap) best = Math.Min(best, older[j - 2] + 1);
                row[j] = best;
                least = Math.Min(least, best);
            }

            // A later cell continues this row, or by a swap the one above it.
            if (least >= limit && leastAbove + 1 >= limit) return limit;
            leastAbove = least;
            Span<int> free = older;
            older = above;
            above = row;
            row = free;
        }

        return Math.Min(limit, above[b.Length]);
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
