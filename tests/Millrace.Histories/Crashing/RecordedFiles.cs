using System.Globalization;
using Millrace.Persistence.Files;

namespace Millrace.Histories.Crashing;

/// <summary>
/// The machine's files, with a record of everything that is changed through this interface.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RecordedFiles : IFileSystem
{
    private readonly DiskFileSystem _files = new();
    private readonly object _gate = new();
    private readonly SortedSet<string> _opened = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private long _bytes;
    private long _syncs;

    /// <summary>The record, a line each, in an order that does not depend on threads.</summary>
    public string[] Lines()
    {
        lock (_gate)
        {
            return
            [
                .. _opened.Select(static path => "opened " + path),
                .. _names.Order(StringComparer.Ordinal),
                string.Create(CultureInfo.InvariantCulture, $"bytes written: {_bytes}"),
                string.Create(CultureInfo.InvariantCulture, $"fsyncs: {_syncs}"),
            ];
        }
    }

    public string? Create(string path, NewFile kind, out IWritableFile? file)
    {
        Note(path);
        var reason = _files.Create(path, kind, out var made);
        file = made is null ? null : new Written(this, made);
        return reason;
    }

    public string? Open(string path, out IReadableFile? file) => _files.Open(path, out file);

    public string? OpenToAppend(string path, out IAppendFile? file)
    {
        Note(path);
        var reason = _files.OpenToAppend(path, out var opened);
        file = opened is null ? null : new Appended(this, opened);
        return reason;
    }

    public string? CreateDirectory(string path) => _files.CreateDirectory(path);

    public string? Rename(string from, string to)
    {
        lock (_gate) _names.Add($"renamed {from} {to}");
        return _files.Rename(from, to);
    }

    public string? Delete(string path)
    {
        lock (_gate) _names.Add("deleted " + path);
        return _files.Delete(path);
    }

    public string? SyncDirectory(string path)
    {
        Interlocked.Increment(ref _syncs);
        return _files.SyncDirectory(path);
    }

    private void Note(string path)
    {
        lock (_gate) _opened.Add(path);
    }

    private sealed class Written(RecordedFiles record, IWritableFile file) : IWritableFile
    {
        public string? Write(ReadOnlySpan<byte> bytes)
        {
            Interlocked.Add(ref record._bytes, bytes.Length);
            return file.Write(bytes);
        }

        public string? Sync()
        {
            Interlocked.Increment(ref record._syncs);
            return file.Sync();
        }

        public string? Close() => file.Close();

        public void Dispose() => file.Dispose();
    }

    private sealed class Appended(RecordedFiles record, IAppendFile file) : IAppendFile
    {
        public long Length => file.Length;

        public string? Write(long offset, ReadOnlySpan<byte> bytes)
        {
            Interlocked.Add(ref record._bytes, bytes.Length);
            return file.Write(offset, bytes);
        }

        public string? Truncate(long length) => file.Truncate(length);

        public string? Sync()
        {
            Interlocked.Increment(ref record._syncs);
            return file.Sync();
        }

        public void Dispose() => file.Dispose();
    }
}
