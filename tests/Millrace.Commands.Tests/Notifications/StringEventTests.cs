namespace Millrace.Commands.Tests.Notifications;

/// <summary>Strings, bitmaps, bitfields, HyperLogLogs.</summary>
public sealed class StringEventTests
{
    public static TheoryData<string> Rows => EventRow.Table(
        """
        | SET k v => new k, set k
        SET k 1 | SET k v => set k
        | SET k v EX 100 => new k, set k, expire k
        | SET k v PXAT 9999999999999 => new k, set k, expire k
        SET k v EX 100 | SET k w => set k
        SET k v EX 100 | SET k w KEEPTTL => set k
        SET k v | SET k w NX =>
        | SET k w NX => new k, set k
        | SET k w XX =>
        SET k v | SET k w XX GET => set k
        | SET k w GET => keymiss k, new k, set k
        SET k v | SET k w NX GET =>
        SET k v | SET k w EX 100 GET => set k, expire k
        SET k v | SET k w NX PXAT 1 =>
        RPUSH k a | SET k v => set k
        RPUSH k a | SET k v GET =>
        | SETEX k 100 v => new k, set k, expire k
        SET k v | PSETEX k 100000 v => set k, expire k
        | SETNX k v => new k, set k
        SET k v | SETNX k w =>
        | MSET a 1 b 2 a 3 => new a, set a, new b, set b, set a
        SET b 1 | MSET a 1 b 2 => new a, set a, set b
        | MSETNX a 1 b 2 => new a, set a, new b, set b
        SET b 1 | MSETNX a 1 b 2 =>
        SET b 1 | MSETNX b 1 a 2 =>
        | GET k => keymiss k
        SET k v | GET k =>
        RPUSH k a | GET k =>
        | MGET a b c => keymiss a, keymiss b, keymiss c
        SET b 1 | MGET a b c => keymiss a, keymiss c
        SET k v | GETDEL k => del k
        | GETDEL k => keymiss k
        RPUSH k a | GETDEL k =>
        SET k v | GETEX k =>
        SET k v | GETEX k EX 100 => expire k
        SET k v | GETEX k PXAT 9999999999999 => expire k
        SET k v | GETEX k PXAT 1 => del k
        SET k v | GETEX k PERSIST =>
        SET k v EX 100 | GETEX k PERSIST => persist k
        | GETEX k EX 100 => keymiss k
        SET k v | GETSET k w => set k
        | GETSET k w => keymiss k, new k, set k
        RPUSH k a | GETSET k w =>
        | APPEND k v => new k, append k
        SET k v | APPEND k w => append k
        SET k v | APPEND k "" => append k
        | APPEND k "" => new k, append k
        | GETRANGE k 0 1 => keymiss k
        | STRLEN k => keymiss k
        | SUBSTR k 0 1 => keymiss k
        | SETRANGE k 3 abc => new k, setrange k
        SET k v | SETRANGE k 3 abc => setrange k
        | SETRANGE k 3 "" =>
        SET k v | SETRANGE k 3 "" =>
        | INCR k => new k, incrby k
        SET k 1 | INCR k => incrby k
        SET k x | INCR k =>
        SET k 1 | INCRBY k 5 => incrby k
        SET k 1 | DECR k => incrby k
        SET k 1 | DECRBY k 3 => incrby k
        SET k 9223372036854775807 | INCR k =>
        | INCRBYFLOAT k 1.5 => new k, incrbyfloat k
        SET k 1 EX 100 | INCRBYFLOAT k 1.5 => incrbyfloat k
        SET k x | INCRBYFLOAT k 1.5 =>
        | LCS a b => keymiss a, keymiss b
        SET a x | LCS a b => keymiss b
        | SETBIT k 3 1 => new k, setbit k
        SET k v | SETBIT k 3 1 =>
        SET k v ; SETBIT k 3 1 | SETBIT k 3 1 =>
        | GETBIT k 3 => keymiss k
        | BITCOUNT k => keymiss k
        | BITCOUNT k 0 1 => keymiss k
        | BITPOS k 1 => keymiss k
        SET a v | BITOP NOT d a => new d, set d
        SET a v | BITOP AND d a b => keymiss b, new d, set d
        SET d v | BITOP AND d a b => keymiss a, keymiss b, del d
        | BITOP AND d a b => keymiss a, keymiss b
        SET a v ; SET d w | BITOP OR d a b => keymiss b, set d
        SET a v ; RPUSH d w | BITOP OR d a b => keymiss b, set d
        RPUSH a v | BITOP OR d a b =>
        | BITFIELD k GET u8 0 => keymiss k
        | BITFIELD k SET u8 0 5 => new k, setbit k
        | BITFIELD k SET u8 0 0 => new k, setbit k
        SET k v | BITFIELD k SET u8 0 5 => setbit k
        SET k v | BITFIELD k SET u8 0 118 =>
        SET k v | BITFIELD k INCRBY u8 0 5 GET u8 8 SET u8 16 4 => setbit k
        SET k v | BITFIELD k OVERFLOW FAIL INCRBY u8 0 255 =>
        | BITFIELD k OVERFLOW FAIL INCRBY u8 0 256 => new k
        | BITFIELD k OVERFLOW FAIL INCRBY u8 0 300 => new k
        | BITFIELD_RO k GET u8 0 => keymiss k
        SET k v | BITFIELD_RO k GET u8 0 =>
        | PFADD k a b c => new k, pfadd k
        PFADD k a b c | PFADD k a =>
        | PFADD k => new k, pfadd k
        PFADD k a | PFADD k b c d => pfadd k
        PFADD k | PFADD k =>
        | PFCOUNT k => keymiss k
        PFADD k a | PFCOUNT k =>
        PFADD k a | PFCOUNT k j => keymiss j
        | PFMERGE d a b => keymiss d, keymiss a, keymiss b, new d, pfadd d
        PFADD a x | PFMERGE d a b => keymiss d, keymiss b, new d, pfadd d
        PFADD a x ; PFADD d y | PFMERGE d a => pfadd d
        PFADD a x | PFMERGE a => pfadd a
        PFADD a x | PFDEBUG TODENSE a =>
        PFADD a x | PFDEBUG GETREG a =>
        """);

    // Not in 7.0: a deadline that has passed deletes at once (7.2); what came later is named as its kin is.
    public static TheoryData<string> LaterRows => EventRow.Table(
        """
        SET k v | SET k w PXAT 1 => del k
        | SET k w PXAT 1 =>
        SET k v | SETEX k 100 w => set k, expire k
        | MSETEX 2 a 1 b 2 => new a, set a, new b, set b
        SET a v | MSETEX 2 a 1 b 2 EX 100 => set a, expire a, new b, set b, expire b
        SET a v ; SET b v | MSETEX 2 a 1 b 2 PXAT 1 => del a, del b
        SET a v EX 100 | MSETEX 1 a 1 KEEPTTL => set a
        SET a v | MSETEX 2 a 1 b 2 NX =>
        SET k v | SET k w IFEQ v => set k
        SET k v | SET k w IFEQ x =>
        SET k v | DELEX k => del k
        SET k v | DELEX k IFEQ v => del k
        SET k v | DELEX k IFEQ x =>
        SET k v | DELIFEQ k v => del k
        | DELEX k =>
        | DIGEST k => keymiss k
        | INCREX k BYINT 3 => new k, incrby k
        SET k 1 | INCREX k BYFLOAT 1.5 EX 100 => incrbyfloat k, expire k
        SET k 1 EX 100 | INCREX k BYINT 3 PERSIST => incrby k, persist k
        SET k 1 EX 100 | INCREX k BYINT 3 EX 50 ENX => incrby k
        SET k 1 | INCREX k BYINT 3 PXAT 1 => del k
        SET a v | BITOP DIFF d a b => keymiss b, new d, set d
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    [MemberData(nameof(LaterRows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
