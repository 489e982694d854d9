namespace Millrace.Histories.Crashing;

/// <summary>
/// One file of <see cref="PowerFiles"/>, whatever its names: its bytes as processes read them, and as they are on the
/// disk.
/// </summary>
/// <remarks>
/// <code>
///   bytes      ....................................|      what processes read
///   on disk    ..................|                        what the last fsync found
///                           ^ dirty from here on: written or cut since it began
/// </code>
/// Guarded by the lock of <see cref="PowerFiles"/>. A write costs O(its bytes), an fsync O(the bytes behind the first
/// that has changed).
/// </remarks>
internal sealed class PowerNode
{
    private const int Clean = int.MaxValue;

    private byte[] _bytes = [];
    private byte[] _onDisk = [];
    private int _onDiskLength;
    private int _dirtyFrom = Clean;
    private int _dirtySinceSync = Clean; // what has changed while an fsync is under way
    private int _syncFrom;
    private int _syncLength;

    /// <summary>Whether it is a directory, which has no bytes.</summary>
    public bool IsDirectory { get; init; }

    /// <summary>How many bytes processes read.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes that processes read.</summary>
    public byte[] ToArray() => _bytes[..Length];

    /// <summary>Writes; a gap is filled with zeros.</summary>
    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        Resize(ref _bytes, offset + bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(offset));
        if (offset > Length) _bytes.AsSpan(Length, offset - Length).Clear();
        Touch(Math.Min(offset, Length));
        Length = Math.Max(Length, offset + bytes.Length);
    }

    /// <summary>Cuts it, if it is longer.</summary>
    public void Truncate(int length)
    {
        if (length >= Length) return;
        Length = length;
        Touch(length);
    }

    /// <summary>An fsync begins: what it makes last.</summary>
    public byte[] BeginSync()
    {
        _dirtySinceSync = Clean;
        _syncFrom = Math.Min(Math.Min(_dirtyFrom, _onDiskLength), Length);
        _syncLength = Length;
        return _bytes[_syncFrom..Length];
    }

    /// <summary>It has gone well. Another one of the same file must not be under way.</summary>
    public void EndSync(byte[] content)
    {
        Resize(ref _onDisk, _syncLength);
        content.CopyTo(_onDisk, _syncFrom);
        _onDiskLength = _syncLength;
        _dirtyFrom = _dirtySinceSync;
    }

    /// <summary>It has failed, and the system takes what it could not write for written: zeros are on the disk.
    /// </summary>
    public void LoseSync()
    {
        Resize(ref _onDisk, _syncLength);
        _onDisk.AsSpan(_syncFrom, _syncLength - _syncFrom).Clear();
        _onDiskLength = _syncLength;
        _dirtyFrom = _dirtySinceSync;
    }

    /// <summary>Other bytes, which are on the disk.</summary>
    public void Reset(byte[] content)
    {
        (_bytes, _onDisk) = ([.. content], [.. content]);
        Length = _onDiskLength = content.Length;
        _dirtyFrom = _dirtySinceSync = Clean;
    }

    /// <summary>The same bytes, as far on the disk.</summary>
    public PowerNode Copy() => new()
    {
        IsDirectory = IsDirectory,
        _bytes = [.. _bytes],
        _onDisk = [.. _onDisk],
        _onDiskLength = _onDiskLength,
        _dirtyFrom = _dirtyFrom,
        Length = Length,
    };

    /// <summary>What is there after the power has failed, all of it on the disk.</summary>
    /// <param name="chance">As <see cref="PowerFiles.AfterPowerLoss"/> says.</param>
    public PowerNode AfterPowerLoss(Random? chance)
    {
        var left = new PowerNode { IsDirectory = IsDirectory };
        left.Reset(Remains(chance));
        return left;
    }

    private byte[] Remains(Random? chance)
    {
        if (chance is null) return _onDisk[.._onDiskLength];
        if (_dirtyFrom < _onDiskLength && chance.Next(2) == 0) return ToArray(); // the system had written all of it
        if (Length <= _onDiskLength) return _onDisk[.._onDiskLength];
        var more = chance.Next(Length - _onDiskLength + 1);
        return [.. _onDisk[.._onDiskLength], .. _bytes[_onDiskLength..(_onDiskLength + more)]];
    }

    private void Touch(int from)
    {
        _dirtyFrom = Math.Min(_dirtyFrom, from);
        _dirtySinceSync = Math.Min(_dirtySinceSync, from);
    }

    private static void Resize(ref byte[] bytes, int length)
    {
        if (length > bytes.Length) Array.Resize(ref bytes, Math.Max(length, 2 * bytes.Length));
    }
}
