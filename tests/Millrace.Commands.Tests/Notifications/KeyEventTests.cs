namespace Millrace.Commands.Tests.Notifications;

/// <summary>Keys of any type, and SORT.</summary>
public sealed class KeyEventTests
{
    public static TheoryData<string> Rows => EventRow.Table(
        """
        | DEL k =>
        SET a 1 ; RPUSH b x | DEL a k b a => del a, del b
        SET a 1 ; RPUSH b x | UNLINK a k b a => del a, del b
        SET a 1 | EXISTS a b a c => keymiss b, keymiss c
        | TOUCH a b => keymiss a, keymiss b
        SET a 1 | TOUCH a b => keymiss b
        | TYPE k => keymiss k
        SET k v | TYPE k =>
        SET k v | EXPIRE k 100 => expire k
        SET k v | PEXPIRE k 100000 => expire k
        SET k v | EXPIREAT k 9999999999 => expire k
        SET k v | PEXPIREAT k 9999999999999 => expire k
        SET k v | EXPIRE k -1 => del k
        SET k v | PEXPIREAT k 1 => del k
        SET k v EX 100 | EXPIRE k 50 GT =>
        SET k v EX 100 | EXPIRE k 50 LT => expire k
        SET k v | EXPIRE k 50 XX =>
        SET k v EX 100 | EXPIRE k 0 NX =>
        | EXPIRE k 100 =>
        | PERSIST k =>
        SET k v | PERSIST k =>
        SET k v EX 100 | PERSIST k => persist k
        | TTL k => keymiss k
        | PTTL k => keymiss k
        | EXPIRETIME k => keymiss k
        | PEXPIRETIME k => keymiss k
        SET a 1 | RENAME a b => new b, rename_from a, rename_to b
        SET a 1 EX 100 | RENAME a b => new b, rename_from a, rename_to b
        SET a 1 ; SET b 2 | RENAME a b => new b, rename_from a, rename_to b
        SET a 1 | RENAME a a =>
        | RENAME a b =>
        SET a 1 | RENAMENX a b => new b, rename_from a, rename_to b
        SET a 1 ; SET b 2 | RENAMENX a b =>
        SET a 1 | RENAMENX a a =>
        RPUSH a 1 2 3 ; HSET b f v | RENAME a b => new b, rename_from a, rename_to b
        SET a 1 | MOVE a 3 => new a@3, move_from a, move_to a@3
        | MOVE a 3 =>
        SET a 1 ; COPY a a DB 3 | MOVE a 3 =>
        SET a 1 | COPY a b => new b, copy_to b
        SET a 1 ; SET b 2 | COPY a b =>
        SET a 1 ; SET b 2 | COPY a b REPLACE => new b, copy_to b
        SET a 1 | COPY a b DB 3 => new b@3, copy_to b@3
        SET a 1 ; COPY a b DB 3 | COPY a b DB 3 REPLACE => new b@3, copy_to b@3
        | COPY a b => keymiss a
        | COPY a b REPLACE => keymiss a
        SET a 1 EX 100 | COPY a b => new b, copy_to b
        | DUMP k => keymiss k
        SET k v | DUMP k =>
        SET k v | OBJECT ENCODING k =>
        | OBJECT ENCODING k =>
        | OBJECT FREQ k =>
        | OBJECT IDLETIME k =>
        | OBJECT REFCOUNT k =>
        SET k v | OBJECT REFCOUNT k =>
        SET a 1 ; SET b 2 | KEYS * =>
        SET a 1 | SCAN 0 =>
        SET a 1 | RANDOMKEY =>
        | RANDOMKEY =>
        SET a 1 ; SET b 2 | FLUSHDB =>
        SET a 1 ; SET b 2 | FLUSHALL =>
        SET a 1 | SWAPDB 0 3 =>
        SET a 1 | DBSIZE =>
        RPUSH k 3 1 2 | SORT k =>
        | SORT k => keymiss k
        RPUSH k 3 1 2 | SORT k STORE d => new d, sortstore d
        SET d v ; RPUSH k 3 1 2 | SORT k STORE d => sortstore d
        SET d v | SORT k STORE d => keymiss k, del d
        | SORT k STORE d => keymiss k
        RPUSH d 1 ; RPUSH k 3 1 2 | SORT k STORE d => sortstore d
        RPUSH k 3 1 2 | SORT k STORE k => sortstore k
        RPUSH k 3 1 2 | SORT k BY w_* GET # GET v_* "" =>
        RPUSH k 3 1 ; MSET w_3 1 w_1 2 v_3 x | SORT k BY w_* GET # GET v_* STORE d => keymiss v_1, new d, sortstore d
        RPUSH k 3 1 ; HSET h_3 f 1 | SORT k BY h_*->f GET h_*->f => keymiss h_1, keymiss h_1
        | SORT_RO k => keymiss k
        SET a x | SORT a =>
        SET a x ; SET d v | SORT a STORE d =>
        RPUSH k 3 1 2 ; SET d 1 | SORT k LIMIT 5 5 STORE d => del d
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
