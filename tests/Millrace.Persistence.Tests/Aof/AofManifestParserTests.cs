using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The reading of manifests; the same samples are shown to a real server by
/// <see cref="RedisExchangeTests"/>.</summary>
public class AofManifestParserTests
{
    [Fact]
    public void A_manifest_is_accepted_or_refused_with_its_reason()
    {
        foreach (var (text, reason) in ManifestSamples.All.Concat(ManifestSamples.Stricter))
        {
            var error = AofManifestParser.Parse(Requests.Raw(text), out var manifest);
            Assert.True(reason == error?.Reason, $"{text}: {error?.Reason}");
            Assert.True(reason is null || ReferenceEquals(AofManifest.Empty, manifest), text);
        }
    }

    [Fact]
    public void Files_are_sorted_by_what_they_are()
    {
        Assert.Null(AofManifestParser.Parse(
            "file c seq 4 type i\nfile a seq 2 type b\nfile h seq 1 type h\nfile d seq 9 type i\n"u8,
            out var manifest));
        Assert.Equal(new AofFile("a", 2, AofFileType.Base), manifest.Base);
        Assert.Equal(new AofFile("h", 1, AofFileType.History), Assert.Single(manifest.History));
        Assert.Equal(2, manifest.Incr.Length);
        Assert.Equal(new AofFile("c", 4, AofFileType.Incr), manifest.Incr[0]);
        Assert.Equal(new AofFile("d", 9, AofFileType.Incr), manifest.Incr[1]);
        Assert.Equal((2, 9), (manifest.LastBaseSeq, manifest.LastIncrSeq));
    }

    [Fact]
    public void A_number_below_zero_is_followed_by_one_above()
    {
        Assert.Null(AofManifestParser.Parse("file a seq -1 type b\n"u8, out var manifest));
        Assert.Equal(1, manifest.NextBase(new AofNames("x"), isRdb: true).LastBaseSeq);
    }

    [Fact]
    public void An_error_says_the_line_and_what_stands_there()
    {
        var error = AofManifestParser.Parse("# x\n  file a seq 1 type q \r\n"u8, out _);
        Assert.Equal(new AofManifestError(2, "file a seq 1 type q", "Unknown AOF file type"), error);
        Assert.Equal(
            [
                "*** FATAL AOF MANIFEST FILE ERROR ***", "Reading the manifest file, at line 2",
                ">>> 'file a seq 1 type q'", "Unknown AOF file type",
            ],
            error!.LogLines);
        error = AofManifestParser.Parse(""u8, out _);
        Assert.Equal(["*** FATAL AOF MANIFEST FILE ERROR ***", "Found an empty AOF manifest"], error!.LogLines);
    }

    [Fact]
    public void A_manifest_without_end_is_refused_before_it_is_read()
    {
        var text = new byte[AofManifestParser.MaxBytes + 1];
        text.AsSpan().Fill((byte)'#');
        Assert.Equal("The AOF manifest file is too large", AofManifestParser.Parse(text, out _)!.Reason);
        Assert.Null(AofManifestParser.Parse(text.AsSpan(1), out _));
    }
}
