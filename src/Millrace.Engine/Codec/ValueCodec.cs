namespace Millrace.Engine.Codec;

/// <summary>
/// The codec of one value: what RDB files and the payloads of DUMP hold of each key.
/// </summary>
/// <remarks>
/// <code>
///   TypeOf -> writer.Type -> Write            type and value, wherever the format puts the type
///   type byte -> TryRead -> an entry in no table -> Unit.Install, or ValuePlace.Drop
/// </code>
/// The one place that switches over types; each case is a line that names the codec of the type. What is read is
/// checked in full before it is handed out: afterwards it is a value like any other.
/// </remarks>
public static class ValueCodec
{
    /// <summary>The type that a value is written as; <see cref="RdbType.None"/> when the format has none for it.
    /// </summary>
    /// <param name="entry">The entry.</param>
    /// <param name="format">What may be used.</param>
    /// <param name="nowMs">The time: members that are due are not written.</param>
    public static RdbType TypeOf(in Entry entry, RdbFormat format, long nowMs) => entry.Type switch
    {
        ValueType.String => RdbType.String,
        ValueType.List => RdbType.ListOfListpacks,
        ValueType.Set => SetCodec.TypeOf(entry, format),
        ValueType.SortedSet => SortedSetCodec.TypeOf(entry),
        ValueType.Hash => HashCodec.TypeOf(entry, format, nowMs),
        ValueType.Stream => StreamCodec.TypeOf(format),
        _ => RdbType.None,
    };

    /// <summary>Writes a value without its type.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="entry">The entry.</param>
    /// <param name="type">What <see cref="TypeOf"/> said.</param>
    /// <param name="nowMs">The time that it was told.</param>
    public static void Write(ref ValueWriter writer, in Entry entry, RdbType type, long nowMs)
    {
        if (entry.Type == ValueType.String) StringCodec.Write(ref writer, entry);
        else if (entry.Type == ValueType.List) ListCodec.Write(ref writer, entry);
        else if (entry.Type == ValueType.Set) SetCodec.Write(ref writer, entry, type);
        else if (entry.Type == ValueType.SortedSet) SortedSetCodec.Write(ref writer, entry);
        else if (entry.Type == ValueType.Hash) HashCodec.Write(ref writer, entry, type, nowMs);
        else if (entry.Type == ValueType.Stream) StreamCodec.Write(ref writer, entry, type);
    }

    /// <summary>Reads a value and checks all of it; false, with nothing made, when it is none.</summary>
    /// <param name="reader">Behind the type.</param>
    /// <param name="type">The type, any byte.</param>
    /// <param name="place">Where the value is made.</param>
    /// <param name="made">An entry in no table.</param>
    public static bool TryRead(scoped ref ValueReader reader, RdbType type, in ValuePlace place, out Entry made)
    {
        made = default;
        return type switch
        {
            RdbType.String => StringCodec.TryRead(ref reader, place, out made),
            RdbType.List or RdbType.ListZiplist or RdbType.ListOfZiplists or RdbType.ListOfListpacks =>
                ListCodec.TryRead(ref reader, type, place, out made),
            RdbType.Set or RdbType.SetIntegers or RdbType.SetListpack =>
                SetCodec.TryRead(ref reader, type, place, out made),
            RdbType.SortedSetTexts or RdbType.SortedSet or RdbType.SortedSetZiplist or RdbType.SortedSetListpack =>
                SortedSetCodec.TryRead(ref reader, type, place, out made),
            RdbType.Hash or RdbType.HashZipmap or RdbType.HashZiplist or RdbType.HashListpack
                or RdbType.HashDeadlinesEarly or RdbType.HashDeadlinesListpackEarly
                or RdbType.HashDeadlines or RdbType.HashDeadlinesListpack or RdbType.HashDeadlinesOfValkey =>
                HashCodec.TryRead(ref reader, type, place, out made),
            RdbType.StreamOfFive or RdbType.StreamOfSevenZero or RdbType.Stream =>
                StreamCodec.TryRead(ref reader, type, place, out made),
            _ => false,
        };
    }

    /// <summary>About how many bytes a value takes, for whoever makes room for it.</summary>
    public static long ExpectedBytes(in Entry entry)
    {
        const int Around = 64;
        return entry.Type == ValueType.String
            ? Values.StringValue.Length(entry) + Around
            : entry.ValueLength + Around;
    }
}
