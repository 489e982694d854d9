namespace Millrace.Commands.Tests.Notifications;

/// <summary>Hashes.</summary>
public sealed class HashEventTests
{
    public static TheoryData<string> Rows => EventRow.Table(
        """
        | HSET h f v => new h, hset h
        HSET h f v | HSET h f w g x => hset h
        HSET h f v | HSET h f v => hset h
        | HMSET h f v => new h, hset h
        | HSETNX h f v => new h, hset h
        HSET h f v | HSETNX h f w =>
        HSET h f v | HSETNX h g w => hset h
        | HINCRBY h f 3 => new h, hincrby h
        HSET h f 1 | HINCRBY h f 3 => hincrby h
        HSET h f x | HINCRBY h f 3 =>
        | HINCRBYFLOAT h f 1.5 => new h, hincrbyfloat h
        HSET h f 1 | HINCRBYFLOAT h f 1.5 => hincrbyfloat h
        HSET h f v | HDEL h f => hdel h, del h
        HSET h f v g w | HDEL h f x => hdel h
        HSET h f v g w | HDEL h f g f => hdel h, del h
        HSET h f v | HDEL h x =>
        | HDEL h f =>
        | HGET h f => keymiss h
        HSET h f v | HGET h x =>
        | HMGET h f g => keymiss h
        | HGETALL h => keymiss h
        | HKEYS h => keymiss h
        | HVALS h => keymiss h
        | HLEN h => keymiss h
        | HEXISTS h f => keymiss h
        | HSTRLEN h f => keymiss h
        | HRANDFIELD h => keymiss h
        | HRANDFIELD h 3 => keymiss h
        | HSCAN h 0 => keymiss h
        HSET h f v | HRANDFIELD h =>
        RPUSH h a | HSET h f v =>
        RPUSH h a | HINCRBY h f 1 =>
        """);

    // Later than 7.2: the names that the documentation of Redis 8 has, where it has them; a deadline that has passed
    // is told as in Valkey 9.
    public static TheoryData<string> LaterRows => EventRow.Table(
        """
        HSET h f v | HEXPIRE h 100 FIELDS 1 f => hexpire h
        HSET h f v g w | HPEXPIRE h 100 FIELDS 3 f g x => hexpire h
        HSET h f v | HEXPIREAT h 9999999999 FIELDS 1 f => hexpire h
        HSET h f v | HPEXPIREAT h 9999999999999 FIELDS 1 f => hexpire h
        HSET h f v | HEXPIRE h 100 XX FIELDS 1 f =>
        HSET h f v | HEXPIRE h 100 FIELDS 1 x =>
        HSET h f v g w | HPEXPIREAT h 1 FIELDS 1 f => hexpired h
        HSET h f v | HPEXPIREAT h 1 FIELDS 1 f => hexpired h, del h
        | HEXPIRE h 100 FIELDS 1 f =>
        HSET h f v ; HEXPIRE h 100 FIELDS 1 f | HPERSIST h FIELDS 1 f => hpersist h
        HSET h f v | HPERSIST h FIELDS 1 f =>
        | HPERSIST h FIELDS 1 f =>
        | HTTL h FIELDS 1 f => keymiss h
        HSET h f v g w | HGETDEL h FIELDS 1 f => hdel h
        HSET h f v g w | HGETDEL h FIELDS 2 f g => hdel h, del h
        HSET h f v | HGETDEL h FIELDS 1 x =>
        HSET h f v | HGETEX h FIELDS 1 f =>
        HSET h f v | HGETEX h EX 100 FIELDS 1 f => hexpire h
        HSET h f v ; HEXPIRE h 100 FIELDS 1 f | HGETEX h PERSIST FIELDS 1 f => hpersist h
        HSET h f v | HGETEX h PERSIST FIELDS 1 f =>
        HSET h f v | HGETEX h PXAT 1 FIELDS 1 f => hexpired h, del h
        | HSETEX h FIELDS 1 f v => new h, hset h
        | HSETEX h EX 100 FIELDS 1 f v => new h, hset h, hexpire h
        HSET h f v g w | HSETEX h PXAT 1 FIELDS 1 f v => hexpired h
        HSET h f v | HSETEX h PXAT 1 FIELDS 1 f v => hexpired h, del h
        | HSETEX h PXAT 1 FIELDS 1 f v =>
        HSETEX h EX 100 FIELDS 1 f v | HSETEX h KEEPTTL FIELDS 1 f w => hset h
        HSET h f v | HSETEX h FNX FIELDS 1 f w =>
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    [MemberData(nameof(LaterRows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
