namespace Millrace.Persistence.Rdb;

/// <summary>What is said of a key that cannot be taken, by whoever finds it out.</summary>
internal static class KeyFault
{
    /// <summary>The value, as a message names it.</summary>
    internal static string ValueOf(in RdbKey key) =>
        $"value of type {(byte)key.Type} of the key '{ShownText.Of(key.Name)}'";

    /// <summary>The key is there already.</summary>
    internal static RdbFault Duplicate(in RdbKey key) => new(
        RdbFaultKind.Duplicate,
        $"RDB has duplicated key '{ShownText.Of(key.Name)}' in DB {key.Database}",
        key.Offset);

    /// <summary>Its value is none.</summary>
    internal static RdbFault Unreadable(in RdbKey key, bool isTooLarge) => isTooLarge
        ? new RdbFault(RdbFaultKind.Memory, TooLarge(ValueOf(key)), key.Offset)
        : new RdbFault(RdbFaultKind.Record, Invalid(ValueOf(key)), key.Offset) { Detail = IntegrityText.Of(key.Type) };

    /// <summary>Something would take more memory than it may.</summary>
    internal static string TooLarge(string what) => $"There is not enough memory for this {what}";

    /// <summary>Something is none of the format.</summary>
    internal static string Invalid(string what) => $"Bad RDB file: invalid {what}";
}
