using Millrace.Memory;

namespace Millrace.Engine.Values;

/// <summary>One field of a hash, wherever it is stored: a view, valid until the next write to its partition.</summary>
/// <param name="name">The field's name.</param>
/// <param name="value">Its value.</param>
/// <param name="deadlineMs">When it expires, in Unix milliseconds; -1 when it does not.</param>
/// <param name="place">Where it is: a place in the listpack, or a block.</param>
public readonly ref struct HashItem(ListpackElement name, ListpackElement value, long deadlineMs, ulong place)
{
    /// <summary>The field's name.</summary>
    public ListpackElement Name { get; } = name;

    /// <summary>Its value.</summary>
    public ListpackElement Value { get; } = value;

    /// <summary>When it expires, in Unix milliseconds; -1 when it does not.</summary>
    public long DeadlineMs { get; } = deadlineMs;

    /// <summary>Where it is: <see cref="HashValue.ItemAt"/> finds it there until the next write to the partition.
    /// </summary>
    public ulong Place { get; } = place;

    /// <summary>A view of a field of a large hash.</summary>
    internal static HashItem Of(scoped in HashField field) => new(
        ListpackElement.OfString(field.Name),
        ListpackElement.OfString(field.Value),
        field.DeadlineMs,
        field.Block.Value);

    /// <summary>Whether its time has come: nobody may see it any more.</summary>
    internal bool IsDue(long nowMs) => DeadlineMs >= 0 && DeadlineMs < nowMs;
}

/// <summary>Receives the fields of a hash one by one. A struct, so that the call is compiled into the walk.</summary>
public interface IHashVisitor
{
    /// <summary>One field. Must not change the hash.</summary>
    void Visit(scoped in HashItem item);
}
