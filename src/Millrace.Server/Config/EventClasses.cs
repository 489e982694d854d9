// The classes of keyspace events, one letter each (Redis keyspace notifications documentation): K and E choose the
// channels, the others the events. A stands for all events but n (new keys) and m (missed reads).
//
// The canonical text is Redis's: A, or the letters g$lshzxetdn, and then K, E and m. Beside A the letter n is in force
// but is not answered by CONFIG GET, as in redis-server 7.0.15; a configuration file has it.

using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Millrace.Server.Config;

/// <summary>Classes of keyspace events.</summary>
[Flags]
public enum EventClasses
{
    /// <summary>Nothing is published.</summary>
    None = 0,

    /// <summary>g: commands of any type, such as DEL and RENAME.</summary>
    Generic = 1 << 0,

    /// <summary>$: strings.</summary>
    String = 1 << 1,

    /// <summary>l: lists.</summary>
    List = 1 << 2,

    /// <summary>s: sets.</summary>
    Set = 1 << 3,

    /// <summary>h: hashes.</summary>
    Hash = 1 << 4,

    /// <summary>z: sorted sets.</summary>
    SortedSet = 1 << 5,

    /// <summary>x: keys that have expired.</summary>
    Expired = 1 << 6,

    /// <summary>e: keys that were evicted.</summary>
    Evicted = 1 << 7,

    /// <summary>t: streams.</summary>
    Stream = 1 << 8,

    /// <summary>d: types of modules.</summary>
    Module = 1 << 9,

    /// <summary>n: keys that are new.</summary>
    New = 1 << 10,

    /// <summary>K: events go to the channel of their key.</summary>
    Keyspace = 1 << 11,

    /// <summary>E: events go to the channel of their name.</summary>
    Keyevent = 1 << 12,

    /// <summary>m: reads of keys that do not exist.</summary>
    KeyMiss = 1 << 13,

    /// <summary>A: what A stands for.</summary>
    All = New - 1,
}

/// <summary>The classes of keyspace events. The number is an <see cref="EventClasses"/>.</summary>
public sealed class EventClassesType : DirectiveType
{
    /// <summary>The letters in the order of the classes' bits.</summary>
    private const string Letters = "g$lshzxetdnKEm";

    private const int FirstOtherThanEvents = 11;

    /// <inheritdoc/>
    public override string Form => "letters of Ag$lshzxeKEtmdn";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        const EventClasses allAndNew = EventClasses.All | EventClasses.New;
        bool hidesNew = ((EventClasses)value.Number & allAndNew) == allAndNew;
        return [ConfigText.Quoted(hidesNew ? value.Text + "n" : value.Text)];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        var classes = EventClasses.None;
        foreach (char c in words[0])
        {
            int index = Letters.IndexOf(c);
            if (c == 'A') classes |= EventClasses.All;
            else if (index >= 0) classes |= (EventClasses)(1 << index);
            else return Fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", out value, out error);
        }

        bool hasAll = (classes & EventClasses.All) == EventClasses.All;
        var text = new StringBuilder(hasAll ? "A" : "");
        for (int i = hasAll ? FirstOtherThanEvents : 0; i < Letters.Length; i++)
        {
            if ((classes & (EventClasses)(1 << i)) != 0) text.Append(Letters[i]);
        }

        return Succeed(text.ToString(), (long)classes, out value, out error);
    }
}
