using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;
using Millrace.Engine.Codec;
using Millrace.Memory;
using Millrace.Persistence.Rdb;
using Millrace.Persistence.Tests.Files;

namespace Millrace.Persistence.Tests.Rdb;

/// <summary>A keyspace that commands fill, and that is saved to and loaded from bytes.</summary>
internal sealed class RdbKeyspace(int partitions = 1, int seed = 1) : IDisposable
{
    private const string Name = "dump.rdb";

    public CommandDriver Driver { get; } = new(partitions, seed);

    public Keyspace Keyspace => Driver.Keyspace;

    /// <summary>Where its memory comes from.</summary>
    public MemorySource Source => Driver.Source;

    /// <summary>What the last load has kept.</summary>
    public KeyspaceLoad? Loaded { get; private set; }

    /// <summary>Runs a request in a database.</summary>
    public string Run(int database, params string[] words)
    {
        Driver.Client.Database = database;
        var reply = Driver.RunWords(words);
        Driver.Client.Database = 0;
        return reply;
    }

    public byte[] Save(RdbFormat? format = null, RdbContents? contents = null, bool hasChecksum = true)
    {
        var files = new MemoryFiles();
        var saved = TrySave(files, format, contents, hasChecksum);
        Assert.Null(saved.Error);
        Assert.Equal(saved.Bytes, files[Name].Length);
        Assert.Equal([Name], files.Names);
        return files[Name];
    }

    public RdbSaved TrySave(
        MemoryFiles files, RdbFormat? format = null, RdbContents? contents = null, bool hasChecksum = true)
    {
        Begin();
        var saved = new RdbFile(files, "", Name).Save(
            Driver.Unit, format ?? RdbFormat.Usual, contents ?? new RdbContents(), new RdbSaveOptions(7, hasChecksum));
        Driver.Unit.End();
        return saved;
    }

    public RdbOutcome Load(
        byte[] file, KeyspaceLoadOptions? options = null, bool verifies = true, int bufferBytes = RdbInput.BufferBytes)
    {
        var files = new MemoryFiles { [Name] = file };
        Assert.Null(files.Open(Name, out var opened));
        return Load(new RdbInput(opened!, bufferBytes), options, verifies);
    }

    public RdbOutcome Load(RdbInput input, KeyspaceLoadOptions? options = null, bool verifies = true)
    {
        Begin();
        Loaded = new KeyspaceLoad(Driver.Unit, options ?? new KeyspaceLoadOptions(DropsExpired: true));
        var outcome = new RdbReader(input, Loaded, Keyspace[0].Heap, verifies).Read();
        Driver.Unit.End();
        return outcome;
    }

    /// <summary>What DEBUG DIGEST says.</summary>
    public string Digest()
    {
        Begin();
        var digest = default(DataDigest);
        digest.AddAll(Keyspace);
        Driver.Unit.End();
        return Convert.ToHexString(digest.Bytes);
    }

    /// <summary>Removes what has expired: it is in the digest, but not loaded from a file.</summary>
    public void RemoveDue()
    {
        Begin();
        for (var i = 0; i < Keyspace.Shape.Partitions; i++)
            Driver.Unit.RemoveDue(i, int.MaxValue, new LatenessHistogram());
        Driver.Unit.End();
    }

    /// <summary>Keys of all databases, with everything about them that the digest leaves out.</summary>
    public string[] Details()
    {
        var lines = new List<string>();
        for (var database = 0; database < Keyspace.Shape.Databases; database++)
        {
            Driver.Client.Database = database;
            foreach (var one in Driver.Value("KEYS", "*").Items)
            {
                var key = Encoding.Latin1.GetString(one.Bytes.Span);
                lines.Add($"{database} {key} {Driver.RunWords("PEXPIRETIME", key)} {FieldDeadlines(key)}");
            }
        }

        Driver.Client.Database = 0;
        lines.Sort(StringComparer.Ordinal);
        return [.. lines];
    }

    /// <summary>Empties it and fails when something is left.</summary>
    public void CheckGivenBack(string where)
    {
        Driver.Run("FLUSHALL SYNC");
        Assert.True(Keyspace.UsedBytes == 0, where);
        Assert.True(Keyspace.Blobs.LiveCount == 0, where);
        for (var i = 0; i < Keyspace.Shape.Partitions; i++) Keyspace[i].Heap.CheckIntegrity();
    }

    public void Dispose() => Driver.Dispose();

    private void Begin() =>
        Assert.True(Driver.Unit.TryBegin(Keyspace.AllPartitions, Driver.NowMs, patient: true, out _));

    private string FieldDeadlines(string key)
    {
        if (Encoding.Latin1.GetString(Driver.Value("TYPE", key).Bytes.Span) != "hash") return "";
        var names = Driver.Value("HKEYS", key).Items.Select(name => Encoding.Latin1.GetString(name.Bytes.Span));
        return string.Join(' ', names.Order(StringComparer.Ordinal)
            .Select(name => Driver.Value("HPEXPIRETIME", key, "FIELDS", "1", name).Items[0].Integer));
    }
}
