namespace Millrace.Commands.Tests.Notifications;

/// <summary>Lists.</summary>
public sealed class ListEventTests
{
    public static TheoryData<string> Rows => EventRow.Table(
        """
        | LPUSH l a b => new l, lpush l
        | RPUSH l a => new l, rpush l
        RPUSH l a | LPUSH l b => lpush l
        RPUSH l a | RPUSH l b => rpush l
        | LPUSHX l a =>
        RPUSH l a | LPUSHX l b => lpush l
        RPUSH l a | RPUSHX l b => rpush l
        RPUSH l a b | LPOP l => lpop l
        RPUSH l a | LPOP l => lpop l, del l
        RPUSH l a b | RPOP l => rpop l
        RPUSH l a | RPOP l => rpop l, del l
        RPUSH l a b c | LPOP l 2 => lpop l
        RPUSH l a b c | RPOP l 5 => rpop l, del l
        RPUSH l a b c | RPOP l 0 =>
        | LPOP l =>
        | RPOP l 2 =>
        RPUSH l a b | LMPOP 2 k l LEFT => lpop l
        RPUSH l a b | LMPOP 1 l RIGHT COUNT 2 => rpop l, del l
        | LMPOP 2 k l LEFT =>
        RPUSH l a | LSET l 0 b => lset l
        | LSET l 0 b =>
        RPUSH l a | LSET l 5 b =>
        RPUSH l a | LINSERT l BEFORE a b => linsert l
        RPUSH l a | LINSERT l BEFORE x b =>
        | LINSERT l BEFORE x b =>
        RPUSH l a b a | LREM l 0 a => lrem l
        RPUSH l a a | LREM l 0 a => lrem l, del l
        RPUSH l a a | LREM l 0 x =>
        | LREM l 0 x =>
        RPUSH l a b c | LTRIM l 0 1 => ltrim l
        RPUSH l a b c | LTRIM l 0 -1 => ltrim l
        RPUSH l a b c | LTRIM l 5 6 => ltrim l, del l
        | LTRIM l 0 1 =>
        RPUSH l a b | RPOPLPUSH l k => new k, lpush k, rpop l
        RPUSH l a | RPOPLPUSH l k => new k, lpush k, rpop l, del l
        RPUSH l a b | RPOPLPUSH l l => lpush l, rpop l
        RPUSH l a | RPOPLPUSH l l => lpush l, rpop l
        | RPOPLPUSH l k =>
        RPUSH l a b ; RPUSH k x | LMOVE l k LEFT RIGHT => rpush k, lpop l
        RPUSH l a b | LMOVE l k RIGHT LEFT => new k, lpush k, rpop l
        RPUSH l a b | LMOVE l k LEFT LEFT => new k, lpush k, lpop l
        RPUSH l a b | LMOVE l k RIGHT RIGHT => new k, rpush k, rpop l
        RPUSH l a | LMOVE l l RIGHT LEFT => lpush l, rpop l
        RPUSH l a b | LMOVE l l LEFT RIGHT => rpush l, lpop l
        | LMOVE l k LEFT RIGHT =>
        RPUSH l a ; SET k v | LMOVE l k LEFT RIGHT =>
        SET k v | LMOVE l k LEFT RIGHT =>
        SET k v | RPOPLPUSH l k =>
        | LLEN l => keymiss l
        | LINDEX l 0 => keymiss l
        | LRANGE l 0 -1 => keymiss l
        | LPOS l a => keymiss l
        RPUSH l a | LINDEX l 4 =>
        RPUSH l a b | BLPOP k l 0 => lpop l
        RPUSH l a | BLPOP k l 0 => lpop l, del l
        RPUSH l a | BRPOP k l 0 => rpop l, del l
        RPUSH l a | BLMOVE l k LEFT RIGHT 0 => new k, rpush k, lpop l, del l
        RPUSH l a b | BRPOPLPUSH l k 0 => new k, lpush k, rpop l
        RPUSH l a b | BLMPOP 0 2 k l LEFT COUNT 2 => lpop l, del l
        | BLPOP k 0.01 =>
        | BLMPOP 0.01 1 k LEFT =>
        | BLMOVE l k LEFT RIGHT 0.01 =>
        SET l a | LPUSH l a =>
        """);

    // Later than 7.2: named as their kin are.
    public static TheoryData<string> LaterRows => EventRow.Table(
        """
        RPUSH l a b c | LMOVEM l k LEFT RIGHT COUNT 2 OBO => new k, rpush k, lpop l
        RPUSH l a b c | LMOVEM l k RIGHT LEFT COUNT 5 BULK => new k, lpush k, rpop l, del l
        RPUSH l a b c | LMOVEM l l LEFT RIGHT COUNT 2 BULK => rpush l, lpop l
        RPUSH l a b c | LMOVEM l k LEFT RIGHT EXACTLY 4 BULK =>
        RPUSH l a b c | BLMOVEM l k LEFT RIGHT 0 COUNT 3 BULK => new k, rpush k, lpop l, del l
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    [MemberData(nameof(LaterRows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
