// Payloads of DUMP: those of the fuzzer's corpus, one of every type and encoding, and how they are sealed.

using System.Text;
using Millrace.Engine.Codec;

namespace Millrace.Commands.Tests.Driver;

/// <summary>Payloads as texts, one byte per character.</summary>
internal static class Payloads
{
    /// <summary>The version that every type may be read in.</summary>
    public const int Version = RdbFormat.LatestVersion;

    /// <summary>The values of the corpus by name, without what seals them.</summary>
    public static IEnumerable<(string Name, byte[] Value)> All()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "Millrace.slnx"))) root = root.Parent;
        var folder = Path.Combine(root!.FullName, "tests", "corpus", "restore", "valid");
        return Directory.GetFiles(folder).Order(StringComparer.Ordinal)
            .Select(path => (Path.GetFileName(path), File.ReadAllBytes(path)));
    }

    /// <summary>The value of that name.</summary>
    public static byte[] Of(string name) => All().First(one => one.Name == name).Value;

    /// <summary>A payload with a value that ends as it should.</summary>
    public static string Seal(ReadOnlySpan<byte> value, int version = Version)
    {
        var payload = new byte[value.Length + DumpFooter.Bytes];
        value.CopyTo(payload);
        DumpFooter.Write(value, version, payload.AsSpan(value.Length));
        return Encoding.Latin1.GetString(payload);
    }

    /// <summary>The payload of a key.</summary>
    public static string Dump(CommandDriver driver, string key) =>
        Encoding.Latin1.GetString(driver.Value("DUMP", key).Bytes.Span);
}
