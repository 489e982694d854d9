using System.Runtime.InteropServices;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Memory;
using ValueType = Millrace.Engine.ValueType;

namespace Millrace.Commands.Families;

/// <summary>Receives members with their scores, one by one. A struct, so that the call is compiled into the
/// walk.</summary>
internal interface IScoredMemberVisitor
{
    /// <summary>One member; the text is valid during the call. False ends the walk.</summary>
    bool Visit(scoped ReadOnlySpan<byte> member, double score);
}

/// <summary>
/// One of several keys that a command puts together: what it holds, and how its scores are weighted.
/// </summary>
/// <remarks>The one place that knows which types may be put together.</remarks>
/// <param name="Entry">What the key holds; missing counts as empty.</param>
/// <param name="Weight">What each score is multiplied by.</param>
/// <param name="Index">Its position among the keys.</param>
[StructLayout(LayoutKind.Auto)]
internal record struct SortedSetSource(Entry Entry, double Weight, int Index)
{
    private const int ScratchBytes = 20;

    // What each member of a set counts as.
    private const double SetScore = 1;

    /// <summary>The number of members.</summary>
    public readonly long Count
    {
        get
        {
            if (Entry.IsMissing) return 0;
            return IsSet ? SetValue.Count(Entry) : SortedSetValue.Count(Entry);
        }
    }

    private readonly bool IsSet => Entry.Type == ValueType.Set;

    /// <summary>Whether a key of this kind may be put together with others.</summary>
    public static bool IsAllowed(in Entry entry) =>
        entry.IsMissing || entry.Type is ValueType.SortedSet or ValueType.Set;

    /// <summary>Whether both are what the same key holds.</summary>
    public readonly bool IsSameAs(SortedSetSource other) => Entry.Block == other.Entry.Block;

    /// <summary>The score of a member, not weighted; false when it is not there.</summary>
    public readonly bool TryScore(Unit unit, ReadOnlySpan<byte> member, out double score)
    {
        if (!Entry.IsMissing && IsSet)
        {
            score = SetScore;
            return SetValue.Contains(unit, Entry, ListpackElement.Of(member));
        }

        var place = Entry.IsMissing ? default : SortedSetValue.Find(unit, Entry, member);
        score = place.Score;
        return place.IsFound;
    }

    /// <summary>Visits all members. The visitor may build another set, but changes nothing that has a key.</summary>
    public readonly void ForEach<TVisitor>(ref TVisitor visitor)
        where TVisitor : struct, IScoredMemberVisitor, allows ref struct
    {
        if (Entry.IsMissing) return;
        if (IsSet)
        {
            var members = new SetMembers<TVisitor> { Visitor = visitor };
            SetValue.Walk(Entry, ref members);
            visitor = members.Visitor;
            return;
        }

        Span<byte> scratch = stackalloc byte[ScratchBytes];
        for (var cursor = SortedSetCursor.At(Entry, 0); cursor.IsValid; cursor.Next())
        {
            if (!visitor.Visit(cursor.Text(scratch), cursor.Score)) return;
        }
    }

    // Gives the members of a set a score each.
    private ref struct SetMembers<TVisitor> : IMemberVisitor
        where TVisitor : struct, IScoredMemberVisitor, allows ref struct
    {
        internal TVisitor Visitor;
        private bool _isOver;

        public bool Visit(scoped ListpackElement member)
        {
            Span<byte> scratch = stackalloc byte[ScratchBytes];
            if (!_isOver) _isOver = !Visitor.Visit(member.Text(scratch), SetScore);
            return !_isOver;
        }
    }
}
