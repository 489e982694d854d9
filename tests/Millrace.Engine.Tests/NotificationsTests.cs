using System.Text;

namespace Millrace.Engine.Tests;

public sealed class NotificationsTests
{
    private const NotifyClasses Strings = NotifyClasses.String | NotifyClasses.KeyEvent;

    [Fact]
    public void Events_are_handed_over_while_the_unit_still_holds_its_partitions()
    {
        using var engine = new EngineFixture();
        var outlet = new Outlet(engine.Unit);
        engine.Unit.Notifications.Outlet = outlet;
        engine.Keyspace.Notifies = Strings;
        engine.Unit.TryBegin(1, 1000, patient: true, out _);
        engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(3, 0, "a"u8));
        engine.Unit.Notify(NotifyClasses.List, "lpush"u8, new Key(0, 0, "a"u8));
        Assert.Empty(outlet.Events);
        engine.Unit.End();
        Assert.Equal(["set a@3, KeyEvent, held 1"], outlet.Events);
        Assert.True(engine.Unit.Notifications.IsEmpty);
    }

    [Fact]
    public void An_event_keeps_the_channels_of_its_moment()
    {
        using var engine = new EngineFixture();
        var outlet = new Outlet(engine.Unit);
        engine.Unit.Notifications.Outlet = outlet;
        engine.Unit.TryBegin(1, 1000, patient: true, out _);
        engine.Keyspace.Notifies = Strings;
        engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(0, 0, "a"u8));
        engine.Keyspace.Notifies = NotifyClasses.All | NotifyClasses.Keyspace | NotifyClasses.KeyEvent;
        engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(0, 0, "b"u8));
        engine.Keyspace.Notifies = NotifyClasses.None;
        engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(0, 0, "c"u8));
        engine.Unit.End();
        Assert.Equal(["set a@0, KeyEvent, held 1", "set b@0, Keyspace, KeyEvent, held 1"], outlet.Events);
    }

    [Fact]
    public void What_is_kept_is_bounded_and_goes_in_order_before_the_unit_ends()
    {
        const int events = 10_000;
        using var engine = new EngineFixture();
        var outlet = new Outlet(engine.Unit);
        engine.Unit.Notifications.Outlet = outlet;
        engine.Keyspace.Notifies = Strings;
        engine.Unit.TryBegin(1, 1000, patient: true, out _);
        for (var i = 0; i < events; i++)
            engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(0, 0, Encoding.ASCII.GetBytes($"key:{i}")));
        // At least 14 bytes each.
        Assert.InRange(outlet.Events.Count, events - (Notifications.MaxBytes / 14), events - 1);
        engine.Unit.End();
        Assert.Equal(Enumerable.Range(0, events).Select(i => $"set key:{i}@0, KeyEvent, held 1"), outlet.Events);
    }

    [Fact]
    public void Without_an_outlet_events_are_dropped()
    {
        using var engine = new EngineFixture();
        engine.Keyspace.Notifies = Strings;
        engine.Unit.TryBegin(1, 1000, patient: true, out _);
        engine.Unit.Notify(NotifyClasses.String, "set"u8, new Key(0, 0, "a"u8));
        Assert.True(engine.Unit.Notifications.IsEmpty);
        engine.Unit.End();
    }

    [Theory]
    [InlineData(NotifyClasses.List, "lpop")]
    [InlineData(NotifyClasses.Generic, "del")]
    [InlineData(NotifyClasses.All, "lpop del")]
    public void A_key_that_goes_with_what_is_taken_is_an_event_of_its_own_class(NotifyClasses classes, string expected)
    {
        using var engine = new EngineFixture();
        var outlet = new Outlet(engine.Unit);
        engine.Unit.Notifications.Outlet = outlet;
        engine.Keyspace.Notifies = classes | NotifyClasses.KeyEvent;
        engine.Unit.TryBegin(1, 1000, patient: true, out _);
        engine.Unit.Notify(NotifyClasses.List, "lpop"u8, new Key(0, 0, "a"u8), isGone: true);
        engine.Unit.End();
        Assert.Equal(expected, string.Join(' ', outlet.Events.Select(text => text.Split(' ')[0])));
    }

    private sealed class Outlet(Unit unit) : INotificationOutlet
    {
        public List<string> Events { get; } = [];

        public void Take(in Notification notification) => Events.Add(
            $"{Encoding.ASCII.GetString(notification.Name)} {Encoding.ASCII.GetString(notification.Key)}"
            + $"@{notification.Database}, {notification.Channels}, held {unit.Held}");
    }
}
