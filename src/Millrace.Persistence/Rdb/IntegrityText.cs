using Millrace.Engine.Codec;

namespace Millrace.Persistence.Rdb;

/// <summary>
/// What a log says of a value that is none of the format, in the words of Redis, which tools look for.
/// </summary>
/// <remarks>Which of a value's rules is broken is not told apart: all of them are checked, always.</remarks>
public static class IntegrityText
{
    /// <summary>The sentence for a value of a type.</summary>
    /// <param name="type">The type, any byte.</param>
    public static string Of(RdbType type) => Noun(type) + " integrity check failed.";

    private static string Noun(RdbType type) => type switch
    {
        RdbType.String => "String",
        RdbType.List => "List",
        RdbType.Set => "Set",
        RdbType.SortedSetTexts or RdbType.SortedSet => "Zset",
        RdbType.Hash or RdbType.HashDeadlinesEarly or RdbType.HashDeadlines or RdbType.HashDeadlinesOfValkey => "Hash",
        RdbType.HashZipmap => "Zipmap",
        RdbType.ListZiplist => "List ziplist",
        RdbType.SetIntegers => "Intset",
        RdbType.SortedSetZiplist => "Zset ziplist",
        RdbType.HashZiplist => "Hash ziplist",
        RdbType.ListOfZiplists => "Quicklist ziplist",
        RdbType.HashListpack => "Hash listpack",
        RdbType.HashDeadlinesListpackEarly or RdbType.HashDeadlinesListpack => "Hash listpack with deadlines",
        RdbType.SortedSetListpack => "Zset listpack",
        RdbType.ListOfListpacks => "Quicklist listpack",
        RdbType.SetListpack => "Set listpack",
        RdbType.StreamOfFive or RdbType.StreamOfSevenZero or RdbType.Stream => "Stream listpack",
        _ => "Value type",
    };
}
