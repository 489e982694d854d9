using System.Text;
using Millrace.Persistence.Aof;

namespace Millrace.Persistence.Tests.Aof;

/// <summary>The manifest as a value: its operations and its text.</summary>
public class AofManifestTests
{
    private static readonly AofNames Names = new("appendonly.aof");

    [Fact]
    public void A_first_start_makes_a_base_and_a_file_of_increments()
    {
        var manifest = AofManifest.Empty.NextBase(Names, isRdb: true).NextIncr(Names);
        Assert.Equal(
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
            Text(manifest));
        Assert.True(AofManifest.Empty.HasNoData);
        Assert.False(manifest.HasNoData);
        Assert.Equal(
            "file appendonly.aof.1.base.aof seq 1 type b\n", Text(AofManifest.Empty.NextBase(Names, isRdb: false)));
    }

    [Fact]
    public void A_name_that_is_in_use_under_another_number_is_not_given_again()
    {
        var text = "file appendonly.aof.2.base.rdb seq 1 type b\nfile appendonly.aof.2.incr.aof seq 1 type i\n"u8;
        Assert.Null(AofManifestParser.Parse(text, out var manifest));
        Assert.Equal("appendonly.aof.3.incr.aof", manifest.NextIncr(Names).Incr[^1].Name);
        Assert.Equal("appendonly.aof.3.base.rdb", manifest.NextBase(Names, isRdb: true).Base!.Value.Name);
    }

    [Fact]
    public void Rewrites_leave_history_in_the_order_of_Redis()
    {
        var manifest = AofManifest.Empty;
        for (var i = 0; i < 5; i++) manifest = manifest.NextBase(Names, isRdb: true).WithoutHistory();
        manifest = manifest.NextIncr(Names);
        for (var i = 0; i < 2; i++)
            manifest = manifest.NextIncr(Names).NextBase(Names, isRdb: true).Rewritten(keepsLast: true);
        Assert.Equal(
            """
            file appendonly.aof.7.base.rdb seq 7 type b
            file appendonly.aof.2.incr.aof seq 2 type h
            file appendonly.aof.6.base.rdb seq 6 type h
            file appendonly.aof.1.incr.aof seq 1 type h
            file appendonly.aof.5.base.rdb seq 5 type h
            file appendonly.aof.3.incr.aof seq 3 type i

            """,
            Text(manifest));
        Assert.Equal(4, manifest.Removable().Count());
        Assert.Equal(
            "file appendonly.aof.7.base.rdb seq 7 type b\nfile appendonly.aof.3.incr.aof seq 3 type i\n",
            Text(manifest.WithoutHistory()));
    }

    [Fact]
    public void Several_increments_become_history_with_the_oldest_first()
    {
        var manifest = AofManifest.Empty.NextIncr(Names).NextIncr(Names).NextIncr(Names);
        var kept = manifest.Rewritten(keepsLast: true);
        Assert.Equal([1, 2], kept.History.Select(file => file.Seq));
        Assert.Equal([3], kept.Incr.Select(file => file.Seq));
        var none = manifest.Rewritten(keepsLast: false);
        Assert.Equal([1, 2, 3], none.History.Select(file => file.Seq));
        Assert.Empty(none.Incr);
        Assert.Equal("appendonly.aof.4.incr.aof", none.NextIncr(Names).Incr[^1].Name);
        Assert.Empty(AofManifest.Empty.Rewritten(keepsLast: true).History);
    }

    [Fact]
    public void The_value_before_an_operation_stays_as_it_was()
    {
        var before = AofManifest.Empty.NextBase(Names, isRdb: true).NextIncr(Names);
        var text = Text(before);
        before.NextIncr(Names).NextBase(Names, isRdb: true).Rewritten(keepsLast: true).WithoutHistory();
        Assert.Equal(text, Text(before));
    }

    [Fact]
    public void A_single_file_of_earlier_versions_becomes_a_base_under_its_name()
    {
        var manifest = AofManifest.OfOldFile("appendonly.aof").NextIncr(Names);
        Assert.Equal(
            "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n", Text(manifest));
        Assert.Equal("appendonly.aof.2.base.rdb", manifest.NextBase(Names, isRdb: true).Base!.Value.Name);
    }

    [Fact]
    public void A_file_of_history_that_is_in_use_as_well_is_not_removable()
    {
        Assert.Null(AofManifestParser.Parse(
            Requests.Raw("""
                file a seq 1 type b
                file b seq 1 type i
                file a seq 1 type h
                file b seq 1 type h
                file c seq 1 type h

                """),
            out var manifest));
        Assert.Equal(["c"], manifest.Removable());
    }

    [Theory]
    [InlineData(" file seq \n\n.aof ", "\" file seq \\n\\n.aof .1.base.rdb\"")]
    [InlineData("q\"uote", "\"q\\\"uote.1.base.rdb\"")]
    [InlineData("q'uote", "\"q'uote.1.base.rdb\"")]
    [InlineData("\t\r\a\b\u0001", "\"\\t\\r\\a\\b\\x01.1.base.rdb\"")]
    [InlineData("ü", "\"\\xc3\\xbc.1.base.rdb\"")]
    public void A_name_of_other_bytes_stands_in_quotes_and_comes_back(string baseName, string written)
    {
        var manifest = AofManifest.Empty.NextBase(new AofNames(baseName), isRdb: true);
        Assert.Equal($"file {written} seq 1 type b\n", Text(manifest));
        Assert.Null(AofManifestParser.Parse(manifest.ToBytes(), out var back));
        Assert.Equal(manifest.Base, back.Base);
    }

    [Fact]
    public void Names_follow_the_base_name()
    {
        var names = new AofNames("x");
        Assert.Equal(
            ["x.manifest", "temp-x.manifest", "temp-x.incr", "x.7.incr.aof"],
            [names.Manifest, names.TemporaryManifest, names.TemporaryIncr, names.Incr(7)]);
        foreach (var name in (string[])["", ".", "..", "a/b", "a\\b", "a\0b"]) Assert.False(AofNames.IsFileName(name));
        foreach (var name in (string[])["a", "...", "a b"]) Assert.True(AofNames.IsFileName(name));
    }

    private static string Text(AofManifest manifest) => Encoding.ASCII.GetString(manifest.ToBytes());
}
