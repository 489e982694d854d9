using System.Diagnostics;
using Millrace.Engine;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>The place of a key among the arguments, and its hash.</summary>
/// <param name="ArgIndex">Index among the arguments.</param>
/// <param name="Hash">What <see cref="Keyspace.HashOf"/> says of it.</param>
public readonly record struct KeyAt(int ArgIndex, ulong Hash);

/// <summary>
/// One call of a command: everything that its handler may use.
/// </summary>
/// <remarks>
/// Lives on the stack of the loop that runs it. The arguments are views of the receive buffer and of nobody else's
/// memory, so they stay valid whatever the handler does to the keyspace; views of entries do not.
/// </remarks>
public readonly ref struct Call
{
    private readonly ReadOnlySpan<KeyAt> _keys;

    /// <summary>A call of <paramref name="spec"/>.</summary>
    public Call(
        CommandSpec spec,
        Args args,
        ReadOnlySpan<KeyAt> keys,
        ReplyWriter reply,
        Unit unit,
        Caller caller,
        EffectBuffer effects)
    {
        Spec = spec;
        Args = args;
        _keys = keys;
        Reply = reply;
        Unit = unit;
        Caller = caller;
        Effects = effects;
    }

    /// <summary>The command, or the subcommand, that runs.</summary>
    public CommandSpec Spec { get; }

    /// <summary>The request, command name first.</summary>
    public Args Args { get; }

    /// <summary>Where the reply goes: exactly one per call.</summary>
    public ReplyWriter Reply { get; }

    /// <summary>The unit that holds the call's partitions.</summary>
    public Unit Unit { get; }

    /// <summary>Who calls.</summary>
    public Caller Caller { get; }

    /// <summary>What the call's effect is, where the request itself is not.</summary>
    public EffectBuffer Effects { get; }

    /// <summary>The keys that the key specifications found.</summary>
    public ReadOnlySpan<KeyAt> Keys => _keys;

    /// <summary>The number of keys that the key specifications found.</summary>
    public int KeyCount => _keys.Length;

    /// <summary>The key at an argument, in the caller's database. O(1) for keys asked in their order.</summary>
    public Key Key(int argIndex) => KeyIn(Caller.Database, argIndex);

    /// <summary>The key at an argument, in a database of choice.</summary>
    public Key KeyIn(int database, int argIndex)
    {
        // Almost every command has its keys at a fixed distance from each other: guess, then search.
        var keys = _keys;
        if (keys.Length > 0)
        {
            var step = keys.Length > 1 ? keys[1].ArgIndex - keys[0].ArgIndex : 1;
            var guess = (argIndex - keys[0].ArgIndex) / Math.Max(step, 1);
            if ((uint)guess < (uint)keys.Length && keys[guess].ArgIndex == argIndex)
                return new Key(database, keys[guess].Hash, Args[argIndex]);
        }

        foreach (ref readonly var one in keys)
        {
            if (one.ArgIndex == argIndex) return new Key(database, one.Hash, Args[argIndex]);
        }

        Debug.Fail("a handler uses only keys that its key specifications name");
        return new Key(database, Unit.Keyspace.HashOf(Args[argIndex]), Args[argIndex]);
    }

    /// <summary>Looks up a key that the command only reads.</summary>
    public Entry Read(int argIndex) => Unit.Find(Key(argIndex), Caller.ReadAccess);

    /// <summary>Looks up a key that the command is going to change.</summary>
    public Entry Write(int argIndex) => Unit.Find(Key(argIndex), Caller.WriteAccess);

    /// <summary>
    /// Whether the entry is missing or of the type; writes WRONGTYPE otherwise.
    /// </summary>
    public bool IsTypeOrMissing(in Entry entry, Engine.ValueType type)
    {
        if (entry.IsMissing || entry.Type == type) return true;
        Reply.Error(ErrorTexts.WrongType);
        return false;
    }

    /// <summary>Looks for the first of several keys that exists, to write to it; writes WRONGTYPE and returns false
    /// when that is not of the type. O(keys).</summary>
    /// <param name="type">What it has to be.</param>
    /// <param name="firstKey">The argument of the first key.</param>
    /// <param name="keys">How many keys, one behind the other.</param>
    /// <param name="argIndex">The argument of the key that exists.</param>
    /// <param name="entry">Its entry; missing when all of them are.</param>
    public bool TryWriteFirst(Engine.ValueType type, int firstKey, int keys, out int argIndex, out Entry entry)
    {
        entry = default;
        for (argIndex = firstKey; argIndex < firstKey + keys; argIndex++)
        {
            entry = Write(argIndex);
            if (!entry.IsMissing) return IsTypeOrMissing(entry, type);
        }

        return true;
    }

    /// <summary>Reads an argument as a 64-bit integer; writes the usual error otherwise.</summary>
    public bool TryInteger(int argIndex, out long value)
    {
        if (Numbers.TryParseInt64(Args[argIndex], out value)) return true;
        Reply.Error(ErrorTexts.NotAnInteger);
        return false;
    }

    /// <summary>Reads a count, a 64-bit integer of at least 0; writes the usual error otherwise.</summary>
    public bool TryPositive(int argIndex, out long value)
    {
        if (Numbers.TryParseInt64(Args[argIndex], out value) && value >= 0) return true;
        Reply.Error(ErrorTexts.NotPositive);
        return false;
    }

    /// <summary>Asks whether so many bytes can be had, before the first of them is taken; writes the error when they
    /// cannot.</summary>
    public bool HasRoomFor(long bytes)
    {
        if (Unit.HasRoomFor(bytes)) return true;
        Reply.Error(ErrorTexts.NoRoom);
        return false;
    }

    /// <summary>Adds an increment; writes the usual error when no 64-bit integer holds the sum.</summary>
    public bool TryAdd(long value, long increment, out long sum)
    {
        sum = unchecked(value + increment);
        if (((value ^ sum) & (increment ^ sum)) >= 0) return true;
        Reply.Error(ErrorTexts.IncrementOverflow);
        return false;
    }

    /// <summary>Adds an increment; writes the usual error when the sum is no number.</summary>
    public bool TryAdd(in LongDouble value, in LongDouble increment, out LongDouble sum)
    {
        if (value.TryAdd(increment, out sum)) return true;
        Reply.Error(ErrorTexts.IncrementNotFinite);
        return false;
    }

    /// <summary>
    /// Has the caller wait until one of some keys holds a value of a type: then the command runs again. The handler
    /// writes nothing and returns.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="firstKey">The argument with the first key.</param>
    /// <param name="keys">How many keys, one behind the other.</param>
    /// <param name="timeoutMs">For how long, in milliseconds; 0: for ever.</param>
    /// <returns>False when this caller may not wait: the handler answers as if the time were over.</returns>
    public bool TryWait(Engine.ValueType type, int firstKey, int keys, long timeoutMs) =>
        TryWait(new KeyWait(type, firstKey, keys, timeoutMs));

    /// <summary>The same with all that can be said of a wait.</summary>
    public bool TryWait(KeyWait wait)
    {
        Debug.Assert((Spec.Flags & CommandFlags.Blocking) != 0, "a command that waits says so in its flags");
        if (!Caller.MayWait) return false;
        Caller.Wait = wait;
        return true;
    }

    /// <summary>The same for a command whose answer to a time-out is a null array, which is written when this caller
    /// may not wait.</summary>
    public void WaitOrNullArray(Engine.ValueType type, int firstKey, int keys, long timeoutMs)
    {
        if (!TryWait(type, firstKey, keys, timeoutMs)) Reply.NullArray();
    }

    /// <summary>Reads an argument as a time-out in seconds, fractions included, rounded up to milliseconds; writes an
    /// error otherwise.</summary>
    public bool TryTimeout(int argIndex, out long timeoutMs)
    {
        if (!LongDouble.TryParse(Args[argIndex], out var seconds))
        {
            timeoutMs = 0;
            Reply.Error("ERR timeout is not a float or out of range"u8);
            return false;
        }

        if (!seconds.TryToMilliseconds(out timeoutMs) || timeoutMs > long.MaxValue - Unit.NowMs)
        {
            Reply.Error("ERR timeout is out of range"u8);
            return false;
        }

        if (timeoutMs >= 0) return true;
        Reply.Error("ERR timeout is negative"u8);
        return false;
    }

    /// <summary>Whether an argument is a word, in any case.</summary>
    public bool Is(int argIndex, ReadOnlySpan<byte> word) => Words.Equal(Args[argIndex], word);
}
