namespace Millrace.Commands.Tests.Notifications;

/// <summary>Sets.</summary>
public sealed class SetEventTests
{
    public static TheoryData<string> Rows => EventRow.Table(
        """
        | SADD s a b => new s, sadd s
        SADD s a | SADD s a =>
        SADD s a | SADD s a b => sadd s
        SADD s a b | SREM s a => srem s
        SADD s a b | SREM s a b => srem s, del s
        SADD s a b | SREM s x =>
        | SREM s x =>
        SADD s a b | SPOP s => spop s
        SADD s a | SPOP s => spop s, del s
        SADD s a b c | SPOP s 2 => spop s
        SADD s a b c | SPOP s 3 => spop s, del s
        SADD s a b c | SPOP s 5 => spop s, del s
        SADD s a b c | SPOP s 0 =>
        SADD s 1 2 3 4 5 6 7 8 9 10 | SPOP s 9 => spop s
        | SPOP s =>
        | SPOP s 2 =>
        SADD s a b | SMOVE s t a => srem s, new t, sadd t
        SADD s a | SMOVE s t a => srem s, del s, new t, sadd t
        SADD s a ; SADD t a | SMOVE s t a => srem s, del s
        SADD s a b ; SADD t b | SMOVE s t a => srem s, sadd t
        SADD s a | SMOVE s s a =>
        SADD s a | SMOVE s t x =>
        | SMOVE s t x =>
        SADD s a ; SET t x | SMOVE s t a =>
        | SMEMBERS s => keymiss s
        | SISMEMBER s a => keymiss s
        | SMISMEMBER s a b => keymiss s
        | SCARD s => keymiss s
        | SRANDMEMBER s => keymiss s
        | SRANDMEMBER s 3 => keymiss s
        | SSCAN s 0 => keymiss s
        SADD s a b | SRANDMEMBER s =>
        | SINTER a b => keymiss a, keymiss b
        SADD a 1 | SINTER a b => keymiss b
        SADD a 1 | SINTER b a => keymiss b
        SADD a 1 | SINTERCARD 2 b a => keymiss b
        SADD a 1 | SUNION b a => keymiss b
        SADD a 1 | SDIFF b a => keymiss b
        SADD a 1 | SDIFF a b => keymiss b
        SADD a 1 ; SADD b 1 2 | SINTERSTORE d a b => new d, sinterstore d
        SADD a 1 ; SADD b 2 | SINTERSTORE d a b =>
        SADD a 1 ; SET d 2 | SINTERSTORE d a b => keymiss b, del d
        SADD a 1 ; SET d 2 | SINTERSTORE d b a => keymiss b, del d
        SADD a 1 ; SADD b 2 ; SET d v | SINTERSTORE d a b => del d
        SADD a 1 ; SADD b 1 ; SET d v | SINTERSTORE d a b => sinterstore d
        | SINTERSTORE d a b => keymiss a, keymiss b
        SADD a 1 | SUNIONSTORE d a b => keymiss b, new d, sunionstore d
        SADD a 1 ; SADD d 4 | SUNIONSTORE d a b => keymiss b, sunionstore d
        SADD d 4 | SUNIONSTORE d a b => keymiss a, keymiss b, del d
        SADD d 4 | SUNIONSTORE d d => sunionstore d
        | SUNIONSTORE d a b => keymiss a, keymiss b
        SADD a 1 | SDIFFSTORE d a b => keymiss b, new d, sdiffstore d
        SADD a 1 ; SET d v | SDIFFSTORE d a b => keymiss b, sdiffstore d
        SADD a 1 ; SET d v | SDIFFSTORE d b a => keymiss b, del d
        SADD a 1 ; SADD b 1 ; SADD d 9 | SDIFFSTORE d a b => del d
        SET a v | SUNIONSTORE d a b =>
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
