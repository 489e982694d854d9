namespace Millrace.Engine.Codec;

/// <summary>
/// How a value is written down: the byte in front of it in RDB files and in the payloads of DUMP.
/// </summary>
/// <remarks>
/// Source: redis-rdb-tools, "Redis RDB Dump File Format" and "RDB Version History"; librdb, README, for 22 to 25.
/// </remarks>
public enum RdbType
{
    /// <summary>A string.</summary>
    String = 0,

    /// <summary>A list, element by element. Before version 7.</summary>
    List = 1,

    /// <summary>A set, member by member.</summary>
    Set = 2,

    /// <summary>A sorted set, member by member, scores as texts. Before version 8.</summary>
    SortedSetTexts = 3,

    /// <summary>A hash, field by field.</summary>
    Hash = 4,

    /// <summary>A sorted set, member by member.</summary>
    SortedSet = 5,

    /// <summary>A hash as a zipmap. Before version 4.</summary>
    HashZipmap = 9,

    /// <summary>A list as one ziplist. Before version 7.</summary>
    ListZiplist = 10,

    /// <summary>A set of integers.</summary>
    SetIntegers = 11,

    /// <summary>A sorted set as a ziplist. Before version 10.</summary>
    SortedSetZiplist = 12,

    /// <summary>A hash as a ziplist. Before version 10.</summary>
    HashZiplist = 13,

    /// <summary>A list of ziplists. Versions 7 to 9.</summary>
    ListOfZiplists = 14,

    /// <summary>A stream as Redis 5 and 6 write it. Version 9.</summary>
    StreamOfFive = 15,

    /// <summary>A hash as a listpack. Since version 10.</summary>
    HashListpack = 16,

    /// <summary>A sorted set as a listpack. Since version 10.</summary>
    SortedSetListpack = 17,

    /// <summary>A list of listpacks and long elements. Since version 10.</summary>
    ListOfListpacks = 18,

    /// <summary>A stream as Redis 7.0 writes it. Version 10.</summary>
    StreamOfSevenZero = 19,

    /// <summary>A set as a listpack. Since version 11.</summary>
    SetListpack = 20,

    /// <summary>A stream. Since version 11.</summary>
    Stream = 21,

    /// <summary>A hash, field by field with deadlines, as release candidates of Redis 7.4 wrote it.</summary>
    HashDeadlinesEarly = 22,

    /// <summary>A hash as a listpack with deadlines, as release candidates of Redis 7.4 wrote it.</summary>
    HashDeadlinesListpackEarly = 23,

    /// <summary>A hash, field by field with deadlines. Since version 12.</summary>
    HashDeadlines = 24,

    /// <summary>A hash as a listpack with deadlines. Since version 12.</summary>
    HashDeadlinesListpack = 25,

    /// <summary>Nothing that can be written down.</summary>
    None = 255,

    /// <summary>A hash, field by field with deadlines, as Valkey 9 writes it: 22 in its own files. No byte says this:
    /// whoever reads such a file does.</summary>
    HashDeadlinesOfValkey = 256 + HashDeadlinesEarly,
}

/// <summary>Which types and encodings of the format are used for what is written.</summary>
/// <param name="Version">The RDB version: 10 uses what Redis 7.0 reads, 11 what Redis 7.2 reads. Values that neither
/// can hold are written in version 12.</param>
/// <param name="Compresses">Whether texts of more than 20 bytes are compressed where that helps.</param>
public readonly record struct RdbFormat(int Version, bool Compresses)
{
    /// <summary>The version of Redis 7.0.</summary>
    public const int OldestVersion = 10;

    /// <summary>The version of Redis 7.2.</summary>
    public const int UsualVersion = 11;

    /// <summary>The latest version that is read and written, that of Redis 7.4: hashes whose fields have
    /// deadlines.</summary>
    public const int LatestVersion = 12;

    /// <summary>What a server writes that was told nothing.</summary>
    public static RdbFormat Usual => new(UsualVersion, Compresses: true);

    /// <summary>The version of a payload with a value of a type.</summary>
    public int VersionOf(RdbType type) =>
        type is RdbType.HashDeadlines or RdbType.HashDeadlinesListpack ? LatestVersion : Version;
}
