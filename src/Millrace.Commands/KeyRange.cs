namespace Millrace.Commands;

/// <summary>
/// Where a command's keys are as first, last and step: the form of COMMAND INFO that is older than key specifications.
/// </summary>
/// <param name="First">Index of the first key; 0 for none.</param>
/// <param name="Last">Index of the last key; negative: counted from the last argument.</param>
/// <param name="Step">From one key to the next; 0 for none.</param>
/// <param name="IsMovable">Some keys are not where these three numbers say: the specifications have to be
/// asked.</param>
/// <remarks>Source: Redis documentation, "COMMAND", "First key" and "movablekeys".</remarks>
public readonly record struct KeyRange(int First, int Last, int Step, bool IsMovable)
{
    /// <summary>The range that covers what specifications say, as far as one range can. O(specifications).</summary>
    /// <param name="specs">The key specifications of a command.</param>
    public static KeyRange Of(ReadOnlySpan<KeySpec> specs)
    {
        if (specs is [{ IsFixed: true } only])
            return new KeyRange(only.BeginIndex, LastOf(only), only.Step, IsIncomplete(only));

        var (first, last, isMovable) = (0, 0, false);
        foreach (var one in specs)
        {
            var isPlain = one is { IsFixed: true, Step: 1 };
            var isNext = first == 0 || (last >= 0 && one.BeginIndex == last + 1);
            isMovable |= !isPlain || !isNext || IsIncomplete(one);
            if (!isPlain || !isNext) continue;
            if (first == 0) first = one.BeginIndex;
            last = LastOf(one);
        }

        return new KeyRange(first, last, first == 0 ? 0 : 1, isMovable);
    }

    private static int LastOf(KeySpec spec) => spec.LastKey >= 0 ? spec.BeginIndex + spec.LastKey : spec.LastKey;

    private static bool IsIncomplete(KeySpec spec) => (spec.Flags & KeyFlags.Incomplete) != 0;
}
