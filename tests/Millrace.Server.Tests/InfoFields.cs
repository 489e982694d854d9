using System.Globalization;

namespace Millrace.Server.Tests;

/// <summary>Reads what INFO says.</summary>
internal static class InfoFields
{
    /// <summary>The number of a field, which must be there.</summary>
    public static long Number(string info, string name) =>
        long.Parse(Field(info, name), CultureInfo.InvariantCulture);

    /// <summary>The text of a field, which must be there.</summary>
    public static string Field(string info, string name)
    {
        var at = info.IndexOf("\n" + name + ":", StringComparison.Ordinal);
        Assert.True(at >= 0, name);
        at += name.Length + 2;
        return info[at..info.IndexOf('\r', at)];
    }
}
