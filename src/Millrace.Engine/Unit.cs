using System.Diagnostics;
using System.Numerics;
using Millrace.Engine.Codec;
using Millrace.Engine.Values;

namespace Millrace.Engine;

/// <summary>How looking a key up counts.</summary>
public enum Access
{
    /// <summary>A read by a client: it counts as a hit or a miss and as a use of the entry.</summary>
    Read,

    /// <summary>A look that leads to a write: a use of the entry, neither hit nor miss.</summary>
    Write,

    /// <summary>A look that leaves no trace (OBJECT, TTL of a client with NO-TOUCH, ...), neither use nor hit nor
    /// miss.</summary>
    Peek,

    /// <summary>Counts as a hit or a miss, but not as a use of the entry (TTL, TYPE, EXISTS with NO-TOUCH).</summary>
    ReadWithoutTouch,

    /// <summary>The same, but a miss is not told to those who want to hear of misses (OBJECT).</summary>
    ReadUntold,
}

/// <summary>
/// An execution unit: one command, one transaction or one script, from its first look at state to its last effect.
/// </summary>
/// <remarks>
/// A unit takes the partitions of its keys in ascending order, fixes its time, works, has its effects appended to the
/// log and unlocks; so every command is atomic and the log has the order of execution (docs/ARCHITECTURE.md, "Rules of
/// execution"). One object per loop, used again and again; not thread-safe.
/// Invariants: a partition is touched only while its bit is in <see cref="Held"/>; time never goes back in a partition.
/// Complexity: begin and end are O(partitions taken).
/// </remarks>
public sealed class Unit
{
    private readonly Keyspace _keyspace;
    private readonly MemoryBudget _budget;
    private readonly bool _locks;
    private uint _randomState;
    private bool _readsOnly; // no key that it looks up is changed
    private long _dueMask = -1; // 0: nothing is due
    private bool _isHeard; // somebody watches, waits for or tracks keys of a held partition

    /// <summary>A unit over <paramref name="keyspace"/> for one loop.</summary>
    /// <param name="keyspace">Shared by all loops.</param>
    /// <param name="seed">Seeds what chance decides here: the LFU increment.</param>
    public Unit(Keyspace keyspace, uint seed)
    {
        _keyspace = keyspace;
        _budget = keyspace.Budget;
        _locks = keyspace.Shape.Loops > 1;
        _randomState = seed | 1;
        Removals = new RemovalList();
        Staged = new StagedValues(keyspace.Blobs);
        Retained = new RetainedBlobs(keyspace.Blobs);
        Encoded = new EncodedValue(keyspace.Blobs);
    }

    /// <summary>The keyspace that the unit works on.</summary>
    public Keyspace Keyspace => _keyspace;

    /// <summary>The partitions held, as a mask; 0 between units.</summary>
    public ulong Held { get; private set; }

    /// <summary>The time of the whole unit, in Unix milliseconds.</summary>
    public long NowMs { get; private set; }

    /// <summary>What falls due before this moment has expired: <see cref="NowMs"/>, or 0 for a unit that loads.
    /// </summary>
    public long DueMs => NowMs & _dueMask;

    /// <summary>Whether the unit runs commands that a file holds: whatever it meets was there when they ran first, so
    /// nothing has expired. Changed between commands.</summary>
    public bool IsLoading
    {
        get => _dueMask == 0;
        set => _dueMask = value ? 0 : -1;
    }

    /// <summary>For how long the loop has waited for partitions so far, in ticks of the stopwatch: no command's
    /// time.</summary>
    public long WaitedTicks { get; private set; }

    /// <summary>How many changes the unit has made so far.</summary>
    public long Dirty { get; private set; }

    /// <summary>Whether removals that no command asked for have to be remembered for the effect log.</summary>
    public bool RecordsRemovals { get; set; }

    /// <summary>
    /// Whether entries whose time has come are removed when they are met. While writes are paused they stay and only
    /// look missing. Set after the locks are taken, before the unit works.
    /// </summary>
    public bool RemovesExpired { get; set; } = true;

    /// <summary>Keys that this unit removed because their time had come.</summary>
    public RemovalList Removals { get; }

    /// <summary>Large arguments that were copied before the locks; released when the unit ends or could not
    /// begin.</summary>
    public StagedValues Staged { get; }

    /// <summary>Large values that the reply waits for. Whoever ends the unit copies them and clears the list.</summary>
    public RetainedBlobs Retained { get; }

    /// <summary>The value that the unit encodes for a reply.</summary>
    public EncodedValue Encoded { get; }

    /// <summary>Keys that the unit has touched and somebody tracks; told when the unit ends, or when they are
    /// many.</summary>
    public TouchedKeys Touched { get; } = new();

    /// <summary>Hears of <see cref="Touched"/>, while the unit holds its partitions; or null.</summary>
    public TouchListener? TouchListener { get; set; }

    /// <summary>The keyspace events that the unit has to tell: handed over when it ends, or before by whoever tells
    /// somebody something that must not come before them.</summary>
    public Notifications Notifications { get; } = new();

    /// <summary>Whether it is told that a key came into being. A command that puts a value in the place of another, and
    /// removes that before, turns it off meanwhile.</summary>
    public bool TellsNew { get; set; } = true;

    /// <summary>Awaited keys that the unit has changed. Whoever ends the unit serves their waiters before.</summary>
    public ReadyKeys Ready { get; } = new();

    /// <summary>
    /// Takes the partitions of <paramref name="mask"/> and fixes the unit's time.
    /// </summary>
    /// <param name="mask">The lock set; 0 is allowed for commands without keys.</param>
    /// <param name="loopUnixMs">The loop's clock.</param>
    /// <param name="patient">Wait as long as it takes, without releasing.</param>
    /// <param name="contended">When the result is false: the partition that could not be had; nothing is held.</param>
    public bool TryBegin(ulong mask, long loopUnixMs, bool patient, out int contended)
    {
        Debug.Assert(Held == 0, "units do not nest");
        contended = -1;
        Dirty = 0;
        _isHeard = _readsOnly = false;
        NowMs = loopUnixMs;
        if ((mask & (mask - 1)) != 0) return TryBeginMany(mask, patient, out contended);
        if (mask == 0) return true;
        var index = BitOperations.TrailingZeroCount(mask);
        if (_locks && !Enter(_keyspace[index].Lock, patient)) return GiveUp(index, out contended);
        Held = mask;
        ref var line = ref _keyspace.LineOf(index);
        NowMs = line.LastUnixMs = Math.Max(loopUnixMs, line.LastUnixMs);
        _isHeard = line.Listeners > 0;
        return true;
    }

    /// <summary>Begins a unit that changes no key that it looks up. The parameters are those of <see cref="TryBegin"/>.
    /// </summary>
    public bool TryBeginRead(ulong mask, long loopUnixMs, bool patient, out int contended)
    {
        if (!TryBegin(mask, loopUnixMs, patient, out contended)) return false;
        _readsOnly = true;
        return true;
    }

    /// <summary>
    /// Begins a unit that may write, and that therefore has to serve waiters: takes the partitions that they need as
    /// well (<see cref="Keyspace.ClosureOf"/>). The other parameters are those of <see cref="TryBegin"/>.
    /// </summary>
    public bool TryBeginWrite(ulong mask, long loopUnixMs, bool patient, out int contended)
    {
        if (!_locks) return TryBegin(mask, loopUnixMs, patient, out contended);
        var closure = _keyspace.ClosureOf(mask);
        while (TryBegin(closure, loopUnixMs, patient, out contended))
        {
            // Somebody may have begun to wait before the locks were taken. The set only grows, so this ends.
            var needed = _keyspace.ClosureOf(closure);
            if (needed == closure) return true;
            closure = needed;
            Unlock();
        }

        return false;
    }

    private bool TryBeginMany(ulong mask, bool patient, out int contended)
    {
        contended = -1;
        if (PlantedFault.LockLeftOut) mask &= ~(1UL << (63 - BitOperations.LeadingZeroCount(mask)));
        for (var rest = mask; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            if (_locks && !Take(index, patient)) return GiveUp(index, out contended);
            Held |= 1UL << index;
            ref var line = ref _keyspace.LineOf(index);
            NowMs = Math.Max(NowMs, line.LastUnixMs);
            _isHeard |= line.Listeners > 0;
        }

        StoreTime();
        return true;
    }

    // Nothing stays of a unit that could not begin: the request behind it may come again after others.
    private bool GiveUp(int index, out int contended)
    {
        Unlock();
        Staged.Clear();
        contended = index;
        return false;
    }

    /// <summary>Moves the unit's time on for what it does next, and never back: its waiters are served after what it
    /// was begun for, and that may have taken a while.</summary>
    public void Advance(long loopUnixMs)
    {
        if (loopUnixMs <= NowMs) return;
        NowMs = loopUnixMs;
        StoreTime();
    }

    /// <summary>Releases the partitions. The effects have been appended before.</summary>
    public void End()
    {
        Debug.Assert(Ready.IsEmpty || PlantedFault.WaitersServedAfterUnlock, "waiters are served before");
        Removals.Clear();
        if (!Notifications.IsEmpty) Notifications.Post();
        if (!Touched.IsEmpty && !PlantedFault.InvalidationsAfterUnlock) TellTouched();
        if (_budget.IsLimited) ReportMemory();
        Unlock();
        Staged.Clear();
        if (!PlantedFault.InvalidationsAfterUnlock) return;
        SchedulePoint.Yield();
        if (!Touched.IsEmpty) TellTouched();
    }

    /// <summary>Whether a partition that the unit holds has discards that no unit has paid for.</summary>
    public bool HasDiscarded
    {
        get
        {
            for (var rest = Held; rest != 0; rest &= rest - 1)
            {
                if (_keyspace.LineOf(BitOperations.TrailingZeroCount(rest)).HasUnpaidDiscards != 0) return true;
            }

            return false;
        }
    }

    /// <summary>Frees some of what was discarded in the partitions that the unit holds, between two commands.</summary>
    /// <param name="untilTicks">When to stop, in ticks of the stopwatch; what is left is for upkeep.</param>
    public void FreeDiscarded(long untilTicks)
    {
        for (var rest = Held; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            ref var line = ref _keyspace.LineOf(index);
            if (line.HasUnpaidDiscards == 0) continue;
            line.HasUnpaidDiscards = 0;
            if (!_keyspace[index].Discards.IsEmpty) _keyspace[index].FreeDiscardedUntil(untilTicks);
        }
    }

    /// <summary>Records where in the log the unit's block ends, in every partition it holds.</summary>
    public void SetLogPosition(long position)
    {
        for (var rest = Held; rest != 0; rest &= rest - 1)
            _keyspace[BitOperations.TrailingZeroCount(rest)].Line.LogPosition = position;
    }

    /// <summary>The partition of a key, which the unit must hold.</summary>
    public Partition PartitionFor(in Key key)
    {
        var index = _keyspace.PartitionOf(key.Hash);
        Debug.Assert((Held & (1UL << index)) != 0 || PlantedFault.LockLeftOut, "a unit touches only what it holds");
        return _keyspace[index];
    }

    /// <summary>
    /// Looks a key up. An entry whose time has come is removed here and now and reported as missing.
    /// </summary>
    public Entry Find(in Key key, Access access)
    {
        SchedulePoint.Yield();
        var partition = PartitionFor(key);
        var table = partition.Table(key.Database);
        var entry = table is null ? default : table.Find(key.Hash, key.Bytes);
        if (!_readsOnly) table?.Entries.BeforeChange(key.Hash);
        if (entry.HasDeadline && entry.DeadlineMs < DueMs)
        {
            if (RemovesExpired) RemoveExpired(partition, key, entry);
            entry = default;
        }
        else if (entry.Type != ValueType.String)
        {
            entry = WithoutDueMembers(partition, key, entry);
        }

        return Counted(partition, key, entry, access);
    }

    /// <summary>Notes an event of a key, which is told when the unit ends, if anybody wants to hear of its
    /// class.</summary>
    /// <param name="kind">The event's class.</param>
    /// <param name="name">The event's name.</param>
    /// <param name="key">The key.</param>
    public void Notify(NotifyClasses kind, ReadOnlySpan<byte> name, in Key key)
    {
        if ((_keyspace.Notifies & kind) != 0) Note(name, key);
    }

    /// <summary>The same for an event that takes something away from a key.</summary>
    /// <param name="kind">The event's class.</param>
    /// <param name="name">The event's name.</param>
    /// <param name="key">The key.</param>
    /// <param name="isGone">Whether the key went with what was taken, which is an event of its own.</param>
    public void Notify(NotifyClasses kind, ReadOnlySpan<byte> name, in Key key, bool isGone)
    {
        if (_keyspace.Notifies == NotifyClasses.None) return;
        Notify(kind, name, key);
        if (isGone) Notify(NotifyClasses.Generic, "del"u8, key);
    }

    private void Note(ReadOnlySpan<byte> name, in Key key)
    {
        var channels = _keyspace.Notifies & (NotifyClasses.Keyspace | NotifyClasses.KeyEvent);
        Notifications.Add(key.Database, channels, name, key.Bytes);
    }

    /// <summary>Whether so many bytes can be had (<see cref="MemoryBudget.HasRoomFor"/>).</summary>
    public bool HasRoomFor(long bytes) => _budget.HasRoomFor(bytes);

    /// <summary>Counts one change of the keyspace; every mutation of an existing value says so once.</summary>
    public void Changed(in Key key)
    {
        Debug.Assert((Held & (1UL << _keyspace.PartitionOf(key.Hash))) != 0 || PlantedFault.LockLeftOut, "held");
        AssertSaved(key);
        Dirty++;
        if (_isHeard) Tell(key);
    }

    // Has a snapshot that is being taken save what a key holds, before it changes.
    private void BeforeChange(in Key key) => PartitionFor(key).Table(key.Database)?.Entries.BeforeChange(key.Hash);

    [Conditional("DEBUG")]
    private void AssertSaved(in Key key) => Debug.Assert(
        PartitionFor(key).Table(key.Database)?.Entries.IsSaved(key.Hash) ?? true,
        "whoever changes a key has looked it up before");

    /// <summary>Has a client hear of the next change of a key, by its name alone. Requires: the partition is held.
    /// </summary>
    /// <param name="key">The key, which need not exist.</param>
    /// <param name="tracker">What <see cref="Touched"/> will name the client by.</param>
    public void Track(in Key key, ulong tracker)
    {
        var partition = PartitionFor(key);
        partition.Tracked.Add(key, tracker);
        while (partition.Tracked.TryForget(NextRandom64(), Touched))
        {
        }

        partition.CountListeners();
        _isHeard = true;
    }

    /// <summary>Forgets tracked keys of a held partition while there are more of them, in all partitions, than may be.
    /// </summary>
    /// <param name="index">The partition.</param>
    /// <param name="max">The most keys to forget.</param>
    public void ForgetTracked(int index, int max)
    {
        var tracked = _keyspace[index].Tracked;
        while (max-- > 0 && tracked.TryForget(NextRandom64(), Touched))
        {
        }

        _keyspace[index].CountListeners();
    }

    /// <summary>Empties a database; every partition must be held. Returns the number of keys removed.</summary>
    public long Discard(int database)
    {
        var removed = 0L;
        for (var i = 0; i < _keyspace.Shape.Partitions; i++)
        {
            removed += _keyspace[i].Discard(database, NowMs);
            if (_keyspace[i].Awaited.Count > 0) _keyspace[i].Awaited.AddAll(database, Ready);
            if (_keyspace[i].Tracked.Count == 0) continue;
            _keyspace[i].Tracked.Clear();
            _keyspace[i].CountListeners();
        }

        if (_keyspace.Tracking.Clients > 0) Touched.Flush();
        return removed;
    }

    /// <summary>Exchanges two databases; every partition must be held.</summary>
    public void Swap(int first, int second)
    {
        for (var i = 0; i < _keyspace.Shape.Partitions; i++)
        {
            var partition = _keyspace[i];
            partition.Swap(first, second, NowMs);
            if (partition.Awaited.Count == 0) continue;
            partition.Awaited.AddAll(first, Ready);
            partition.Awaited.AddAll(second, Ready);
        }
    }

    /// <summary>Whether an entry lies under a key whose time has come, and which is still there because the unit must
    /// not remove it (<see cref="RemovesExpired"/>).</summary>
    public bool HasExpiredEntry(in Key key)
    {
        var entry = PartitionFor(key).Table(key.Database)?.Find(key.Hash, key.Bytes) ?? default;
        return !entry.IsMissing && Value.IsExpired(entry, DueMs);
    }

    /// <summary>Counts several changes of one key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="changes">How many; with 0 nothing has happened.</param>
    public void Changed(in Key key, long changes)
    {
        if (changes == 0) return;
        Changed(key);
        Dirty += changes - 1;
    }

    /// <summary>Tells those who watch a key that it was written to, though nothing about it has changed (LTRIM that
    /// keeps all).</summary>
    public void Rewritten(in Key key)
    {
        if (_isHeard) Tell(key);
    }

    /// <summary>Has those who wait for a key look again, though no change of it is told to those who watch it.
    /// </summary>
    public void Wake(in Key key)
    {
        var partition = PartitionFor(key);
        if (partition.Awaited.Count > 0 && partition.Awaited.Find(key) is { } queue) Ready.Add(queue);
    }

    /// <summary>Has those look again who wait for keys of a partition that went because their time had come.
    /// </summary>
    public void WakeForLost(int partition) => _keyspace[partition].TakeLost(Ready);

    /// <summary>Counts changes of a key of which those who watch it are not told: what a stream's groups have been
    /// given, and what it remembers.</summary>
    public void ChangedQuietly(in Key key, long changes)
    {
        Debug.Assert((Held & (1UL << _keyspace.PartitionOf(key.Hash))) != 0, "held");
        AssertSaved(key);
        Dirty += changes;
    }

    /// <summary>Counts <paramref name="changes"/> changes that belong to no single key (FLUSHALL, SWAPDB).</summary>
    public void ChangedMany(long changes) => Dirty += changes;

    /// <summary>
    /// Makes the entry of <paramref name="key"/> have this shape: new, or in place of <paramref name="existing"/>,
    /// whose value is given up except for its first <paramref name="keepValueBytes"/>. The rest of the value area is
    /// undefined.
    /// </summary>
    /// <param name="key">The key.</param>
    /// <param name="existing">What <see cref="Find"/> returned for the key; missing for a new one.</param>
    /// <param name="shape">The new shape; its access clock is ignored and set to now.</param>
    /// <param name="keepValueBytes">Bytes of the old value area to keep; what they refer to is kept as well.</param>
    public Entry Store(in Key key, in Entry existing, EntryShape shape, int keepValueBytes = 0)
    {
        var partition = PartitionFor(key);
        var table = partition.TableForWrite(key.Database);
        var clock = _keyspace.AccessClock;
        var keepsClock = clock.CountsFrequency && !existing.IsMissing; // how often a key is used outlives its value
        shape = shape with { AccessClock = keepsClock ? existing.AccessClock : clock.Initial(NowMs) };
        if (existing.IsMissing)
        {
            var made = Entry.Create(partition.Heap, key.Bytes, shape);
            table.Entries.Insert(key.Hash, made.Block);
            if (shape.DeadlineMs >= 0) AddDeadline(partition, table, key.Hash, shape.DeadlineMs);
            if (TellsNew) Notify(NotifyClasses.New, "new"u8, key);
            return made;
        }

        table.Entries.BeforeChange(key.Hash);
        var before = existing.DeadlineMs;
        if (keepValueBytes == 0)
        {
            table.MoveMemberDeadline(key.Hash, Value.EarliestMemberMs(existing), -1);
            Value.FreeOutside(partition.Discards, existing);
        }

        var entry = Entry.Reshape(partition.Heap, existing, shape, keepValueBytes);
        if (entry.Block != existing.Block) table.Entries.Replace(key.Hash, existing.Block, entry.Block);
        if (before != shape.DeadlineMs) MoveDeadline(partition, table, key.Hash, before, shape.DeadlineMs);
        return entry;
    }

    /// <summary>Puts an entry, which was made apart with the key's name, in the place of what the key holds.</summary>
    /// <param name="key">The key.</param>
    /// <param name="existing">What it holds, which is given up, or missing.</param>
    /// <param name="made">The entry, in no table.</param>
    /// <returns>The entry as it is now.</returns>
    public Entry Install(in Key key, in Entry existing, Entry made)
    {
        var clock = _keyspace.AccessClock;
        var keepsClock = clock.CountsFrequency && !existing.IsMissing;
        made = made.WithAccessClock(keepsClock ? existing.AccessClock : clock.Initial(NowMs));
        if (!existing.IsMissing) Remove(key, existing);
        var partition = PartitionFor(key);
        var table = partition.TableForWrite(key.Database);
        table.Entries.Insert(key.Hash, made.Block);
        if (made.HasDeadline) AddDeadline(partition, table, key.Hash, made.DeadlineMs);
        var earliest = Value.EarliestMemberMs(made);
        if (earliest >= 0) MoveMemberDeadline(key, -1, earliest);
        if (existing.IsMissing && TellsNew) Notify(NotifyClasses.New, "new"u8, key);
        return made;
    }

    /// <summary>Makes an entry look as if it had been used some time ago, or so often; nothing happens when the entries
    /// of the keyspace do not tell that.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="idleSeconds">Seconds since the last use, or -1.</param>
    /// <param name="frequency">The counter of uses from 0 to 255, or -1.</param>
    public void SetUse(in Entry entry, long idleSeconds, int frequency)
    {
        var clock = _keyspace.AccessClock;
        if (clock.CountsFrequency && frequency >= 0) entry.WithAccessClock(AccessClock.Used(frequency, NowMs));
        if (!clock.CountsFrequency && idleSeconds >= 0) entry.WithAccessClock(AccessClock.Idle(idleSeconds, NowMs));
    }

    /// <summary>Gives an entry another deadline (-1: none), keeping its value and its access clock.</summary>
    public Entry SetDeadline(in Key key, in Entry entry, long deadlineMs)
    {
        var clock = entry.AccessClock;
        var length = entry.ValueLength;
        var shape = new EntryShape(entry.Type, entry.Encoding, length, deadlineMs, clock);
        return Store(key, entry, shape, length).WithAccessClock(clock);
    }

    /// <summary>Removes an entry and frees its memory.</summary>
    public void Remove(in Key key, in Entry entry) => Remove(key, entry, isOwn: true);

    private void Remove(in Key key, in Entry entry, bool isOwn)
    {
        var partition = PartitionFor(key);
        var table = partition.Table(key.Database)!;
        if (_isHeard) Tell(key, isOwn); // before the entry goes: the key may be a view of its name
        Detach(table, key.Hash, entry);
        Value.Free(partition.Discards, entry);
    }

    /// <summary>Removes an entry to make room: a deletion that no command asked for.</summary>
    internal void Evict(in Key key, in Entry entry)
    {
        if (RecordsRemovals) Removals.Add(key.Database, key.Bytes);
        PartitionFor(key).Line.Evicted++;
        Notify(NotifyClasses.Evicted, "evicted"u8, key); // before the entry goes: the key may be a view of its name
        Remove(key, entry, isOwn: false);
    }

    /// <summary>
    /// Moves a value with its deadline to another key, which must not exist. A large value is moved, not copied.
    /// </summary>
    public Entry Move(in Key from, in Entry entry, in Key to)
    {
        BeforeChange(from);
        var made = Value.Transfer(this, entry, PartitionFor(from).Heap, to, copies: false);
        var source = PartitionFor(from);
        if (_isHeard) Tell(from);
        Detach(source.Table(from.Database)!, from.Hash, entry);
        Value.FreeTransferred(source.Discards, entry, PartitionFor(to).Heap);
        return made;
    }

    /// <summary>Stores a copy of a value with its deadline under another key, which must not exist.</summary>
    public Entry Copy(in Key from, in Entry entry, in Key to) =>
        Value.Transfer(this, entry, PartitionFor(from).Heap, to, copies: true);

    /// <summary>
    /// Removes keys and members of one held partition whose time has come, at most <paramref name="max"/> of them.
    /// </summary>
    /// <param name="index">The partition.</param>
    /// <param name="max">The most keys and members to remove.</param>
    /// <param name="lateness">Told how many milliseconds late each removal is.</param>
    /// <returns>How many were removed; fewer than <paramref name="max"/>: nothing that is due is left.</returns>
    public int RemoveDue(int index, int max, LatenessHistogram lateness)
    {
        var partition = _keyspace[index];
        var removed = 0;
        for (var database = 0; database < _keyspace.Shape.Databases && removed < max; database++)
        {
            var table = partition.Table(database);
            while (table is not null && removed < max && table.Deadlines.TryFirst(out var deadline, out var hash)
                   && (long)deadline < NowMs)
            {
                var entry = table.FindDue(hash, (long)deadline);
                if (entry.IsMissing)
                {
                    table.RemoveDeadline(hash, (long)deadline);
                    continue;
                }

                lateness.Add(NowMs - (long)deadline);
                RemoveExpired(partition, new Key(database, hash, entry.Key), entry);
                partition.Line.ExpiredActively++;
                removed++;
            }

            if (table is not null) removed += RemoveDueMembers(table, database, max - removed, lateness);
        }

        partition.RefreshNextDeadline();
        return removed;
    }

    /// <summary>Notes that the earliest deadline among a key's members has become another (-1: none).</summary>
    internal void MoveMemberDeadline(in Key key, long before, long after)
    {
        var partition = PartitionFor(key);
        partition.TableForWrite(key.Database).MoveMemberDeadline(key.Hash, before, after);
        if (after >= 0) partition.NoteDeadline(after);
    }

    /// <summary>Notes that a member goes because its time has come. The name is copied.</summary>
    internal void NoteRemovedMember(
        in Key key, ReadOnlySpan<byte> member, long deadlineMs, LatenessHistogram? lateness)
    {
        if (RecordsRemovals) Removals.Add(key.Database, key.Bytes, member);
        var partition = PartitionFor(key);
        partition.Line.ExpiredMembers++;
        if (_isHeard)
        {
            partition.Watched.Touch(key);
            NoteTouch(partition, key, isOwn: false);
        }

        lateness?.Add(NowMs - deadlineMs);
    }

    /// <summary>A number from the unit's own cheap generator (xorshift32); no use where an attacker must not
    /// guess.</summary>
    public uint NextRandom()
    {
        var x = _randomState;
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        return _randomState = x;
    }

    /// <summary>64 bits of <see cref="NextRandom"/>.</summary>
    public ulong NextRandom64() => ((ulong)NextRandom() << 32) | NextRandom();

    private bool Take(int index, bool patient)
    {
        if (index < 63 && Held >> (index + 1) != 0) Environment.FailFast("partition lock taken out of order");
        return Enter(_keyspace[index].Lock, patient);
    }

    private bool Enter(PartitionLock partition, bool patient) =>
        partition.TryEnterAtOnce() || WaitFor(partition, patient);

    private bool WaitFor(PartitionLock partition, bool patient)
    {
        var began = Stopwatch.GetTimestamp();
        var isHeld = partition.Wait(patient);
        WaitedTicks += Stopwatch.GetTimestamp() - began;
        return isHeld;
    }

    private void Unlock()
    {
        var held = Held;
        Held = 0;
        if (!_locks) return;
        for (; held != 0; held &= held - 1) _keyspace[BitOperations.TrailingZeroCount(held)].Lock.Exit();
    }

    private void ReportMemory()
    {
        for (var rest = Held; rest != 0; rest &= rest - 1)
            _budget.Report(_keyspace[BitOperations.TrailingZeroCount(rest)]);
    }

    private void StoreTime()
    {
        for (var rest = Held; rest != 0; rest &= rest - 1)
            _keyspace.LineOf(BitOperations.TrailingZeroCount(rest)).LastUnixMs = NowMs;
    }

    private Entry Counted(Partition partition, in Key key, in Entry entry, Access access)
    {
        if (access is Access.Read or Access.ReadWithoutTouch or Access.ReadUntold)
        {
            CountRead(partition, entry.IsMissing);
            if (entry.IsMissing && access != Access.ReadUntold) Notify(NotifyClasses.KeyMiss, "keymiss"u8, key);
        }

        if (entry.IsMissing || access is Access.Peek or Access.ReadWithoutTouch or Access.ReadUntold) return entry;
        var clock = _keyspace.AccessClock;
        var touched = clock.Touched(entry.AccessClock, NowMs, clock.CountsFrequency ? NextRandom() : 0);
        return touched == entry.AccessClock ? entry : entry.WithAccessClock(touched);
    }

    [Conditional("COUNTERS")]
    private static void CountRead(Partition partition, bool isMiss)
    {
        if (isMiss) partition.Line.Misses++;
        else partition.Line.Hits++;
    }

    private int RemoveDueMembers(KeyTable table, int database, int max, LatenessHistogram lateness)
    {
        var removed = 0;
        while (removed < max && table.MemberDeadlines.TryFirst(out var deadline, out var hash)
               && (long)deadline < NowMs)
        {
            var entry = table.FindMemberDue(hash, (long)deadline);
            if (entry.IsMissing)
            {
                table.MoveMemberDeadline(hash, (long)deadline, -1);
                continue;
            }

            // The name is in the entry, which may move only when nothing needs it any more.
            var key = new Key(database, hash, entry.Key);
            table.Entries.BeforeChange(hash);
            removed += Value.RemoveDueMembers(this, key, entry, max - removed, lateness);
            Value.Settle(this, key, entry);
        }

        return removed;
    }

    // Members whose time has come are not seen; a slice of them goes here and now, the rest is left to active expiry.
    private Entry WithoutDueMembers(Partition partition, in Key key, in Entry entry)
    {
        const int MaxRemoved = 64;
        var earliest = Value.EarliestMemberMs(entry);
        if (earliest < 0 || earliest >= DueMs) return entry;
        var isAllDue = Value.IsExpired(entry, DueMs);
        if (!RemovesExpired) return isAllDue ? default : entry;
        if (isAllDue)
        {
            RemoveWhole(partition, key, entry);
            return default;
        }

        BeforeChange(key);
        Value.RemoveDueMembers(this, key, entry, MaxRemoved, lateness: null);
        Value.Settle(this, key, entry);
        return partition.Table(key.Database)!.Find(key.Hash, key.Bytes);
    }

    // Every member is due: the key goes as one, however many they are. Nobody waits for a hash.
    private void RemoveWhole(Partition partition, in Key key, in Entry entry)
    {
        if (RecordsRemovals) Removals.Add(key.Database, key.Bytes);
        partition.Line.ExpiredMembers += Value.MemberCount(entry);
        Notify(NotifyClasses.Hash, "hexpired"u8, key, isGone: true);
        if (_isHeard)
        {
            partition.Watched.Expire(key);
            NoteTouch(partition, key, isOwn: false);
        }

        Detach(partition.Table(key.Database)!, key.Hash, entry);
        Value.Free(partition.Discards, entry);
    }

    private void RemoveExpired(Partition partition, in Key key, in Entry entry)
    {
        if (RecordsRemovals) Removals.Add(key.Database, key.Bytes);
        partition.Line.Expired++;
        Notify(NotifyClasses.Expired, "expired"u8, key);
        if (_isHeard) NoteLoss(partition, key);
        Detach(partition.Table(key.Database)!, key.Hash, entry);
        Value.Free(partition.Discards, entry);
    }

    // Who waits for the key is told by the loop that looks after the partition.
    private void NoteLoss(Partition partition, in Key key)
    {
        partition.Watched.Expire(key);
        NoteTouch(partition, key, isOwn: false);
        if (partition.Awaited.Count > 0) partition.NoteLoss(key);
    }

    // Somebody watches, waits for or tracks keys of the held partitions: is it this one?
    private void Tell(in Key key, bool isOwn = true)
    {
        var partition = PartitionFor(key);
        if (partition.Watched.Count > 0) partition.Watched.Touch(key);
        NoteTouch(partition, key, isOwn);
        Wake(key);
    }

    private void NoteTouch(Partition partition, in Key key, bool isOwn)
    {
        if (partition.Tracked.Take(key, isOwn, Touched)) partition.CountListeners();
        if (_keyspace.Tracking.Prefixes > 0) Touched.Add(key.Bytes, isOwn, default);
        if (Touched.IsFull) TellTouched();
    }

    private void TellTouched()
    {
        TouchListener?.Tell(Touched);
        Touched.Clear();
    }

    private static void Detach(KeyTable table, ulong hash, in Entry entry)
    {
        if (entry.HasDeadline) table.RemoveDeadline(hash, entry.DeadlineMs);
        table.MoveMemberDeadline(hash, Value.EarliestMemberMs(entry), -1);
        table.Entries.Remove(hash, entry.Block);
    }

    private static void MoveDeadline(Partition partition, KeyTable table, ulong hash, long before, long after)
    {
        if (before >= 0) table.RemoveDeadline(hash, before);
        if (after >= 0) AddDeadline(partition, table, hash, after);
    }

    private static void AddDeadline(Partition partition, KeyTable table, ulong hash, long deadlineMs)
    {
        table.AddDeadline(hash, deadlineMs);
        partition.NoteDeadline(deadlineMs);
    }
}
