using System.Text;
using Millrace.Commands.Tests.Driver;
using Millrace.Engine;

namespace Millrace.Commands.Tests.Notifications;

/// <summary>Events that follow from time and memory, which classes are told, and what telling costs.</summary>
public sealed class NotificationTests : IDisposable
{
    private const NotifyClasses Both = NotifyClasses.Keyspace | NotifyClasses.KeyEvent;
    private const NotifyClasses Everything = NotifyClasses.All | NotifyClasses.New | NotifyClasses.KeyMiss | Both;

    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Nothing_is_told_unless_the_keyspace_is_asked_to()
    {
        _driver.Run("SET k v");
        _driver.Run("DEL k");
        Assert.Empty(_driver.TakeEvents());
    }

    [Theory]
    [InlineData(NotifyClasses.String, "set k")]
    [InlineData(NotifyClasses.Generic, "expire k")]
    [InlineData(NotifyClasses.New, "new k")]
    [InlineData(NotifyClasses.All, "set k, expire k")]
    [InlineData(NotifyClasses.List, "")]
    public void Only_the_classes_asked_for_are_told(NotifyClasses classes, string expected)
    {
        _driver.Keyspace.Notifies = classes | NotifyClasses.KeyEvent;
        _driver.Run("SET k v EX 10");
        Assert.Equal(expected, string.Join(", ", _driver.TakeEvents()));
    }

    [Fact]
    public void Classes_without_a_channel_are_as_good_as_none()
    {
        _driver.Keyspace.Notifies = NotifyClasses.All;
        Assert.Equal(NotifyClasses.None, _driver.Keyspace.Notifies);
    }

    [Theory]
    [InlineData("GET k", "expired k, keymiss k")]
    [InlineData("SET k w", "expired k, new k, set k")]
    [InlineData("DEL k", "expired k")]
    [InlineData("RENAME a k", "expired k, new k, rename_from a, rename_to k")]
    [InlineData("TTL k", "expired k, keymiss k")]
    [InlineData("OBJECT ENCODING k", "expired k")]
    [InlineData("EXISTS k", "expired k, keymiss k")]
    [InlineData("SCAN 0", "expired k")]
    [InlineData("KEYS *", "")]
    public void A_key_whose_time_has_come_is_told_before_the_command_that_meets_it(string request, string expected)
    {
        _driver.Run("SET a x");
        _driver.Run("SET k v PX 10");
        _driver.NowMs += 11;
        _driver.Keyspace.Notifies = Everything;
        _driver.Run(request);
        Assert.Equal(expected, string.Join(", ", _driver.TakeEvents()));
    }

    [Fact]
    public void Active_expiry_tells_of_keys_and_of_members()
    {
        _driver.Run("SET k v PX 10");
        _driver.Run("HSETEX one PX 20 FIELDS 1 f v");
        _driver.Run("HSET some f v g w");
        _driver.Run("HPEXPIRE some 30 FIELDS 1 f");
        _driver.Keyspace.Notifies = Everything;
        _driver.NowMs += 100;
        Assert.True(_driver.Unit.TryBegin(1, _driver.NowMs, patient: true, out _));
        _driver.Unit.RemoveDue(0, 100, new LatenessHistogram());
        _driver.Unit.End();
        Assert.Equal(["expired k", "hexpired one", "del one", "hexpired some"], _driver.TakeEvents());
    }

    [Theory]
    [InlineData("HGET one f", "hexpired one, del one, keymiss one")]
    [InlineData("HSET one f v", "hexpired one, del one, new one, hset one")]
    [InlineData("HGETALL some", "hexpired some")]
    [InlineData("HDEL some g", "hexpired some, hdel some, del some")]
    public void Fields_whose_time_has_come_are_told_before_the_command_that_meets_them(string request, string expected)
    {
        _driver.Run("HSETEX one PX 10 FIELDS 1 f v");
        _driver.Run("HSET some f v g w");
        _driver.Run("HPEXPIRE some 10 FIELDS 1 f");
        _driver.NowMs += 11;
        _driver.Keyspace.Notifies = Everything;
        _driver.Run(request);
        Assert.Equal(expected, string.Join(", ", _driver.TakeEvents()));
    }

    [Fact]
    public void Restore_tells_of_the_key_and_that_it_is_new_although_it_replaces_one()
    {
        _driver.Run("SET k v");
        var payload = Encoding.Latin1.GetString(_driver.Value("DUMP", "k").Bytes.Span);
        _driver.Keyspace.Notifies = Everything;
        _driver.RunWords("RESTORE", "k", "0", payload);
        Assert.Empty(_driver.TakeEvents());
        _driver.RunWords("RESTORE", "k", "0", payload, "REPLACE");
        Assert.Equal(["new k", "restore k"], _driver.TakeEvents());
        _driver.RunWords("RESTORE", "k", "1", payload, "REPLACE", "ABSTTL");
        Assert.Equal(["del k"], _driver.TakeEvents());
        _driver.RunWords("RESTORE", "k", "0", payload);
        Assert.Equal(["new k", "restore k"], _driver.TakeEvents());
    }

    [Fact]
    public void The_key_of_an_event_is_told_byte_for_byte()
    {
        _driver.Keyspace.Notifies = Everything & ~NotifyClasses.New;
        _driver.RunWords("SET", "", "v");
        _driver.RunWords("SET", "a\0\r\n\xff", "v");
        Assert.Equal(["set ", "set a\0\r\n\xff"], _driver.TakeEvents());
    }

    [Fact]
    public void Many_events_of_one_command_are_handed_over_before_it_ends_and_stay_in_order()
    {
        const int keys = 20_000;
        string[] words = ["MSET", .. Enumerable.Range(0, keys).SelectMany(i => new[] { $"key:{i}", "v" })];
        _driver.Keyspace.Notifies = NotifyClasses.String | NotifyClasses.KeyEvent;
        _driver.RunWords(words);
        Assert.Equal(Enumerable.Range(0, keys).Select(i => $"set key:{i}"), _driver.TakeEvents());
    }

    [Fact]
    public void A_key_that_is_longer_than_all_that_is_kept_comes_in_its_turn()
    {
        var large = new string('k', Engine.Notifications.MaxBytes);
        _driver.Keyspace.Notifies = NotifyClasses.String | NotifyClasses.KeyEvent;
        _driver.RunWords("MSET", "a", "1", large, "2", "b", "3");
        Assert.Equal(["set a", "set " + large, "set b"], _driver.TakeEvents());
    }
}
