namespace Millrace.Persistence.Rdb;

/// <summary>
/// What a record of an RDB file is, when it is no key: the byte in front of it. Every other byte is the type of a key's
/// value.
/// </summary>
/// <remarks>Drawn in docs/formats/rdb.md, with sources.</remarks>
public enum RdbOpcode
{
    /// <summary>The import of a slot, which only Valkey writes. Not read.</summary>
    SlotImport = 243,

    /// <summary>How many keys a slot of a cluster has: three numbers. A hint.</summary>
    SlotInfo = 244,

    /// <summary>A library of functions: its text.</summary>
    Function = 245,

    /// <summary>A library as release candidates of Redis 7.0 wrote it. Not read.</summary>
    FunctionEarly = 246,

    /// <summary>What a module keeps outside of keys. Not read.</summary>
    ModuleAux = 247,

    /// <summary>For how many seconds the next key was not used: a number.</summary>
    Idle = 248,

    /// <summary>How often the next key was used: a byte.</summary>
    Frequency = 249,

    /// <summary>Something about the file: two texts, name and value.</summary>
    Aux = 250,

    /// <summary>How many keys the database has, and how many of them a deadline: two numbers. A hint.</summary>
    Resize = 251,

    /// <summary>The next key's deadline: Unix milliseconds, 8 bytes, little-endian.</summary>
    DeadlineMs = 252,

    /// <summary>The next key's deadline: Unix seconds, 4 bytes, little-endian. Before version 3.</summary>
    DeadlineSeconds = 253,

    /// <summary>The database of the keys that follow: a number.</summary>
    Database = 254,

    /// <summary>The last record.</summary>
    End = 255,
}
