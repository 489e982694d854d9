namespace Millrace.Engine;

/// <summary>The classes of keyspace events, as <c>notify-keyspace-events</c> names them by a letter each, and by which
/// of the two channels they are told.</summary>
/// <remarks>Source: Redis documentation, "Keyspace notifications".</remarks>
[Flags]
public enum NotifyClasses
{
    /// <summary>Nothing is told.</summary>
    None = 0,

    /// <summary>K: what happened is told to <c>__keyspace@db__:key</c>.</summary>
    Keyspace = 1 << 0,

    /// <summary>E: what it happened to is told to <c>__keyevent@db__:event</c>.</summary>
    KeyEvent = 1 << 1,

    /// <summary>g: what happens to keys of any type (DEL, EXPIRE, RENAME, ...).</summary>
    Generic = 1 << 2,

    /// <summary>$: strings.</summary>
    String = 1 << 3,

    /// <summary>l: lists.</summary>
    List = 1 << 4,

    /// <summary>s: sets.</summary>
    Set = 1 << 5,

    /// <summary>h: hashes.</summary>
    Hash = 1 << 6,

    /// <summary>z: sorted sets.</summary>
    SortedSet = 1 << 7,

    /// <summary>x: a key went because its time had come.</summary>
    Expired = 1 << 8,

    /// <summary>e: a key went to make room.</summary>
    Evicted = 1 << 9,

    /// <summary>t: streams.</summary>
    Stream = 1 << 10,

    /// <summary>m: somebody read a key that is missing.</summary>
    KeyMiss = 1 << 11,

    /// <summary>d: types of modules.</summary>
    Module = 1 << 13,

    /// <summary>n: a key came into being.</summary>
    New = 1 << 14,

    /// <summary>A: every class but m and n.</summary>
    All = Generic | String | List | Set | Hash | SortedSet | Expired | Evicted | Stream | Module,
}

/// <summary>The letters of <see cref="NotifyClasses"/>.</summary>
public static class NotifyLetters
{
    // In the order in which they are written; A stands for the first of them.
    private const string Letters = "g$lshzxetdnKEm";

    private static ReadOnlySpan<int> Classes =>
    [
        (int)NotifyClasses.Generic, (int)NotifyClasses.String, (int)NotifyClasses.List, (int)NotifyClasses.Set,
        (int)NotifyClasses.Hash, (int)NotifyClasses.SortedSet, (int)NotifyClasses.Expired,
        (int)NotifyClasses.Evicted, (int)NotifyClasses.Stream, (int)NotifyClasses.Module, (int)NotifyClasses.New,
        (int)NotifyClasses.Keyspace, (int)NotifyClasses.KeyEvent, (int)NotifyClasses.KeyMiss,
    ];

    /// <summary>Reads letters in any order; false when one of them is no class.</summary>
    public static bool TryParse(string letters, out NotifyClasses classes)
    {
        classes = NotifyClasses.None;
        foreach (var letter in letters)
        {
            var place = Letters.IndexOf(letter);
            if (place < 0 && letter != 'A') return false;
            classes |= letter == 'A' ? NotifyClasses.All : (NotifyClasses)Classes[place];
        }

        return true;
    }

    /// <summary>Writes classes as letters, A for those that it stands for.</summary>
    public static string Write(NotifyClasses classes)
    {
        var text = "";
        if ((classes & NotifyClasses.All) == NotifyClasses.All)
        {
            text = "A";
            classes &= ~NotifyClasses.All;
        }

        for (var i = 0; i < Letters.Length; i++)
        {
            if (((int)classes & Classes[i]) != 0) text += Letters[i];
        }

        return text;
    }
}
