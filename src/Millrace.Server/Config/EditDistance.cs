// How far two names are apart: the least number of inserted, deleted, replaced or swapped neighbouring letters, without
// regard to case (optimal string alignment). O(n * m) time, three rows of memory.

namespace Millrace.Server.Config;

/// <summary>Compares misspelt names.</summary>
public static class EditDistance
{
    /// <summary>The distance between two names.</summary>
    /// <param name="a">A name.</param>
    /// <param name="b">Another name.</param>
    public static int Between(string a, string b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        int[] older = new int[b.Length + 1];
        int[] above = new int[b.Length + 1];
        int[] row = new int[b.Length + 1];
        for (int j = 0; j <= b.Length; j++) above[j] = j;
        for (int i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                int best = Math.Min(Math.Min(row[j - 1] + 1, above[j] + 1), above[j - 1] + cost);
                bool isSwap = i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]);
                if (isSwap) best = Math.Min(best, older[j - 2] + 1);
                row[j] = best;
            }

            (older, above, row) = (above, row, older);
        }

        return above[b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
