using Millrace.Commands.Tests.Driver;

namespace Millrace.Commands.Tests;

public sealed class StringCommandsTests : IDisposable
{
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    private readonly CommandDriver _driver = new();

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void Set_and_get_write_the_bytes_of_the_protocol()
    {
        Assert.Equal("+OK\r\n", _driver.Run("SET k value"));
        Assert.Equal("$5\r\nvalue\r\n", _driver.Run("GET k"));
        Assert.Equal("$-1\r\n", _driver.Run("GET none"));
        _driver.Protocol = 3;
        Assert.Equal("_\r\n", _driver.Run("get none"));
        Assert.Equal("*2\r\n$5\r\nvalue\r\n_\r\n", _driver.Run("MGET k none"));
    }

    [Theory]
    [InlineData("", "embstr")]
    [InlineData("0", "int")]
    [InlineData("-1", "int")]
    [InlineData("9223372036854775807", "int")]
    [InlineData("-9223372036854775808", "int")]
    [InlineData("9223372036854775808", "embstr")]
    [InlineData("01", "embstr")]
    [InlineData("+1", "embstr")]
    [InlineData("-0", "embstr")]
    [InlineData("12345678901234567890123456789012345678901234", "embstr")]
    [InlineData("123456789012345678901234567890123456789012345", "raw")]
    public void Strings_come_back_as_they_were_and_are_encoded_as_Redis_says(string value, string encoding)
    {
        _driver.RunWords("SET", "k", value);
        Assert.Equal($"${value.Length}\r\n{value}\r\n", _driver.Run("GET k"));
        Assert.Equal(value.Length.ToString(), _driver.Say("STRLEN k"));
        Assert.Equal(encoding, _driver.Say("OBJECT ENCODING k"));
    }

    [Theory]
    [InlineData(254)]
    [InlineData(65534)]
    [InlineData(65535)]
    [InlineData(32 * 1024)]
    [InlineData((32 * 1024) + 1)]
    [InlineData(3_000_000)]
    public void Long_keys_and_values_come_back(int length)
    {
        var key = new string('k', length);
        var value = new string('v', length);
        _driver.RunWords("SET", key, value);
        Assert.Equal($"${length}\r\n{value}\r\n", _driver.RunWords("GET", key));
        _driver.RunWords("APPEND", key, "more");
        Assert.Equal($"${length + 4}\r\n{value}more\r\n", _driver.RunWords("GET", key));
        Assert.Equal("1", _driver.Say("DBSIZE"));
        Assert.Equal(":1\r\n", _driver.RunWords("DEL", key));
    }

    [Theory]
    [InlineData("SET k v NX XX", "ERR syntax error")]
    [InlineData("SET k v EX", "ERR syntax error")]
    [InlineData("SET k v EX 0", "ERR invalid expire time in 'set' command")]
    [InlineData("SET k v EX abc", "ERR value is not an integer or out of range")]
    [InlineData("SET k v PX -1", "ERR invalid expire time in 'set' command")]
    [InlineData("SET k v EX 9223372036854775807", "ERR invalid expire time in 'set' command")]
    [InlineData("SET k v PX 9223372036854775807", "ERR invalid expire time in 'set' command")]
    [InlineData("SET k v EXAT 9223372036854775807", "ERR invalid expire time in 'set' command")]
    [InlineData("SET k v EX 10 PX 10", "ERR syntax error")]
    [InlineData("SET k v EX 10 KEEPTTL", "ERR syntax error")]
    [InlineData("SET k v PERSIST", "ERR syntax error")]
    [InlineData("SET k v IFEQ", "ERR syntax error")]
    [InlineData("SET k v NX IFEQ a", "ERR syntax error")]
    [InlineData("SETEX k 0 v", "ERR invalid expire time in 'setex' command")]
    [InlineData("SETEX k abc v", "ERR value is not an integer or out of range")]
    [InlineData("PSETEX k 9223372036854775807 v", "ERR invalid expire time in 'psetex' command")]
    [InlineData("MSET a", "ERR no such command or wrong number of arguments")]
    [InlineData("MSET a b c", "ERR wrong number of arguments for 'mset' command")]
    [InlineData("MSETNX a b c", "ERR wrong number of arguments for 'msetnx' command")]
    [InlineData("MSETEX 0 a b", "ERR invalid numkeys value or out of range")]
    [InlineData("MSETEX x a b", "ERR invalid numkeys value or out of range")]
    [InlineData("MSETEX 2 a b c", "ERR wrong number of key-value pairs")]
    [InlineData("MSETEX 1 a b GET", "ERR syntax error")]
    [InlineData("MSETEX 1 a b NX XX", "ERR syntax error")]
    [InlineData("MSETEX 1 a b IFEQ x", "ERR syntax error")]
    [InlineData("MSETEX 1 a b EX 0", "ERR invalid expire time in 'msetex' command")]
    [InlineData("GETEX k KEEPTTL", "ERR syntax error")]
    [InlineData("GETEX k PERSIST EX 10", "ERR syntax error")]
    [InlineData("SETRANGE k -1 abc", "ERR offset is out of range")]
    [InlineData("SETRANGE k abc abc", "ERR value is not an integer or out of range")]
    [InlineData("SETRANGE k 536870908 world", "ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    [InlineData("SETRANGE k 9223372036854775807 A", "ERR string exceeds maximum allowed size (proto-max-bulk-len)")]
    [InlineData("GETRANGE k a 1", "ERR value is not an integer or out of range")]
    [InlineData("LCS a b c", "ERR syntax error")]
    [InlineData("LCS a b MINMATCHLEN x", "ERR value is not an integer or out of range")]
    [InlineData("LCS a b IDX LEN", "ERR If you want both the length and indexes, please just use IDX.")]
    public void Wrong_arguments_are_told_and_change_nothing(string request, string error)
    {
        Assert.Equal("-" + error + "\r\n", _driver.Run(request));
        Assert.Equal(0, _driver.Dirty);
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Fact]
    public void Conditions_of_set()
    {
        Assert.Equal("(nil)", _driver.Say("SET k 1 XX"));
        Assert.Equal("OK", _driver.Say("SET k 1 NX"));
        Assert.Equal("(nil)", _driver.Say("SET k 2 NX"));
        Assert.Equal("1", _driver.Say("SET k 3 NX GET"));
        Assert.Equal("1", _driver.Say("SET k 3 XX GET"));
        Assert.Equal("3", _driver.Say("GET k"));
        Assert.Equal("(nil)", _driver.Say("SET other v XX GET"));
        Assert.Equal("0", _driver.Say("EXISTS other"));
    }

    // Redis 8.4 documentation, "SET": IFEQ sets only an existing key of this value; IFNE also makes a missing one.
    [Fact]
    public void Set_IfEq_and_IfNe_compare_with_the_current_value()
    {
        Assert.Equal("(nil)", _driver.Say("SET k v IFEQ a"));
        Assert.Equal("0", _driver.Say("EXISTS k"));
        Assert.Equal("OK", _driver.Say("SET k 10 IFNE a"));
        Assert.Equal("(nil)", _driver.Say("SET k v IFNE 10"));
        Assert.Equal("(nil)", _driver.Say("SET k v IFEQ 11"));
        Assert.Equal("OK", _driver.Say("SET k v IFEQ 10"));
        Assert.Equal("v", _driver.Say("SET k w IFEQ v GET"));
        Assert.Equal("w", _driver.Say("SET k x IFEQ v GET"));
        Assert.Equal("w", _driver.Say("GET k"));
    }

    [Fact]
    public void Effects_of_set_carry_points_in_time()
    {
        var in10s = _driver.NowMs + 10_000;
        _driver.Run("SET k v EX 10 NX");
        Assert.Equal([$"SET k v PXAT {in10s}"], _driver.Effects);
        _driver.Run($"SET k v PXAT {in10s}");
        Assert.Equal([$"SET k v PXAT {in10s}"], _driver.Effects);
        _driver.Run("SETEX k 10 v");
        Assert.Equal([$"SET k v PXAT {in10s}"], _driver.Effects);
        _driver.Run("PSETEX k 10000 v");
        Assert.Equal([$"SET k v PXAT {in10s}"], _driver.Effects);
        _driver.Run("SET k w KEEPTTL");
        Assert.Equal(["SET k w KEEPTTL"], _driver.Effects);
        Assert.Equal("10", _driver.Say("TTL k"));
        _driver.Run("GETSET k x");
        Assert.Equal(["SET k x"], _driver.Effects);
        Assert.Equal("-1", _driver.Say("TTL k"));
        _driver.Run("SET k y NX");
        Assert.Empty(_driver.Effects);
    }

    [Fact]
    public void A_deadline_that_has_passed_deletes_the_key()
    {
        _driver.Run("SET k v");
        Assert.Equal("OK", _driver.Say("SET k w EXAT 1"));
        Assert.Equal(["UNLINK k"], _driver.Effects);
        Assert.Equal(1, _driver.Dirty);
        Assert.Equal("0", _driver.Say("DBSIZE"));
        Assert.Equal("OK", _driver.Say("SET k w EXAT 1"));
        Assert.Empty(_driver.Effects);
        _driver.Run("MSET a 1 b 2");
        Assert.Equal("1", _driver.Say("MSETEX 3 a 1 b 2 c 3 PXAT 5"));
        Assert.Equal(["UNLINK a", "UNLINK b"], _driver.Effects);
        Assert.Equal("0", _driver.Say("DBSIZE"));
    }

    [Fact]
    public void GetEx_sets_and_clears_the_deadline()
    {
        _driver.Run("SET k v");
        Assert.Equal("v", _driver.Say("GETEX k"));
        Assert.Empty(_driver.Effects);
        Assert.Equal("v", _driver.Say("GETEX k EX 10"));
        Assert.Equal([$"PEXPIREAT k {_driver.NowMs + 10_000}"], _driver.Effects);
        Assert.Equal("10000", _driver.Say("PTTL k"));
        Assert.Equal("v", _driver.Say("GETEX k PERSIST"));
        Assert.Equal(["PERSIST k"], _driver.Effects);
        Assert.Equal("v", _driver.Say("GETEX k PERSIST"));
        Assert.Empty(_driver.Effects);
        Assert.Equal("ERR invalid expire time in 'getex' command", _driver.Say("GETEX k EX 0"));
        Assert.Equal("(nil)", _driver.Say("GETEX none EX 0"));
        Assert.Equal("v", _driver.Say("GETEX k EXAT 1"));
        Assert.Equal(["UNLINK k"], _driver.Effects);
        Assert.Equal("0", _driver.Say("EXISTS k"));
    }

    [Fact]
    public void GetDel_returns_and_deletes()
    {
        _driver.Run("SET k v");
        Assert.Equal("v", _driver.Say("GETDEL k"));
        Assert.Equal(["DEL k"], _driver.Effects);
        Assert.Equal("(nil)", _driver.Say("GETDEL k"));
        Assert.Empty(_driver.Effects);
    }

    // Redis 8.4 documentation, "MSETEX".
    [Fact]
    public void MSetEx_sets_all_or_none()
    {
        Assert.Equal("1", _driver.Say("MSETEX 2 a 1 b 2 EX 10 NX"));
        Assert.Equal([$"MSETEX 2 a 1 b 2 PXAT {_driver.NowMs + 10_000}"], _driver.Effects);
        Assert.Equal(2, _driver.Dirty);
        Assert.Equal("10", _driver.Say("TTL b"));
        Assert.Equal("0", _driver.Say("MSETEX 2 c 1 b 2 NX"));
        Assert.Equal("0", _driver.Say("MSETEX 2 a 1 c 2 XX"));
        Assert.Equal("0", _driver.Say("EXISTS c"));
        Assert.Equal("1", _driver.Say("MSETEX 2 a 3 b 4 XX KEEPTTL"));
        Assert.Equal("10", _driver.Say("TTL a"));
        Assert.Equal("1", _driver.Say("MSETEX 1 a 5"));
        Assert.Equal("-1", _driver.Say("TTL a"));
        Assert.Equal("[5 4]", _driver.Say("MGET a b"));
    }

    [Fact]
    public void Several_keys_at_once()
    {
        Assert.Equal("OK", _driver.Say("MSET a 1 b 2 a 3"));
        Assert.Equal(3, _driver.Dirty);
        Assert.Equal("[3 2 (nil)]", _driver.Say("MGET a b c"));
        Assert.Equal("0", _driver.Say("MSETNX c 1 a 2"));
        Assert.Equal("0", _driver.Say("EXISTS c"));
        Assert.Equal("1", _driver.Say("MSETNX c 1 c 2"));
        Assert.Equal("2", _driver.Say("GET c"));
    }

    [Theory]
    [InlineData("abc", 0, -100, "a")]
    [InlineData("abc", -100, -100, "a")]
    [InlineData("abc", -1, -100, "")]
    [InlineData("abc", 0, -1, "abc")]
    [InlineData("abc", 1, 4294967297, "bc")]
    [InlineData("abc", 3, 3, "")]
    [InlineData("1234", -3, -1, "234")]
    [InlineData("", 0, -1, "")]
    public void Parts_of_strings(string value, long start, long end, string expected)
    {
        _driver.RunWords("SET", "k", value);
        Assert.Equal(expected, _driver.Say($"GETRANGE k {start} {end}"));
        Assert.Equal(expected, _driver.Say($"SUBSTR k {start} {end}"));
    }

    [Fact]
    public void SetRange_fills_with_zero_bytes_and_makes_raw_strings()
    {
        Assert.Equal("0", _driver.Say("SETRANGE k 5 "));
        Assert.Equal("0", _driver.Say("EXISTS k"));
        Assert.Equal("4", _driver.Say("SETRANGE k 1 foo"));
        Assert.Equal("\0foo", _driver.Say("GET k"));
        _driver.Run("SET k 1234");
        Assert.Equal("4", _driver.Say("SETRANGE k 0 "));
        Assert.Equal("int", _driver.Say("OBJECT ENCODING k"));
        Assert.Equal("6", _driver.Say("SETRANGE k 5 2"));
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING k"));
        Assert.Equal("1234\0" + "2", _driver.Say("GET k"));
    }

    [Fact]
    public void Append_keeps_the_deadline_and_the_limit()
    {
        _driver.Run("SET k 1 EX 10");
        Assert.Equal("2", _driver.Say("APPEND k 2"));
        Assert.Equal("raw", _driver.Say("OBJECT ENCODING k"));
        Assert.Equal("10", _driver.Say("TTL k"));
        Assert.Equal("2", _driver.Say("APPEND fresh 12"));
        Assert.Equal("int", _driver.Say("OBJECT ENCODING fresh"));
        _driver.Client.MaxBulkLength = 4;
        Assert.Equal("4", _driver.Say("APPEND k 34"));
        Assert.Equal("ERR string exceeds maximum allowed size (proto-max-bulk-len)", _driver.Say("APPEND k 5"));
        Assert.Equal("1234", _driver.Say("GET k"));
    }

    [Theory]
    [InlineData("INCR k", "1")]
    [InlineData("DECR k", "-1")]
    [InlineData("INCRBY k 9223372036854775807", "9223372036854775807")]
    [InlineData("DECRBY k 9223372036854775807", "-9223372036854775807")]
    [InlineData("DECRBY k -9223372036854775808", "ERR decrement would overflow")]
    [InlineData("INCRBY k 1.5", "ERR value is not an integer or out of range")]
    [InlineData("INCRBYFLOAT k 0.25", "0.25")]
    [InlineData("INCRBYFLOAT k v", "ERR value is not a valid float")]
    [InlineData("INCRBYFLOAT k nan", "ERR value is not a valid float")]
    [InlineData("INCRBYFLOAT k inf", "ERR increment would produce NaN or Infinity")]
    [InlineData("INCRBYFLOAT k 0x10", "16")]
    [InlineData("INCRBYFLOAT k 1e-18", "0")]
    public void Numbers_start_from_nothing(string request, string expected) =>
        Assert.Equal(expected, _driver.Say(request));

    [Fact]
    public void Numbers_in_strings()
    {
        _driver.Run("SET k 9223372036854775806 EX 10");
        Assert.Equal("9223372036854775807", _driver.Say("INCR k"));
        Assert.Equal(["INCR k"], _driver.Effects);
        Assert.Equal("10", _driver.Say("TTL k"));
        Assert.Equal("ERR increment or decrement would overflow", _driver.Say("INCR k"));
        _driver.RunWords("SET", "k", " 11");
        Assert.Equal("ERR value is not an integer or out of range", _driver.Say("INCR k"));
        Assert.Equal("ERR value is not a valid float", _driver.Say("INCRBYFLOAT k 1"));
        _driver.Run("SET k 1");
        _driver.Run("APPEND k 2");
        Assert.Equal("13", _driver.Say("INCR k"));
        Assert.Equal("int", _driver.Say("OBJECT ENCODING k"));
        _driver.Run("EXPIRE k 10");
        Assert.Equal("13.5", _driver.Say("INCRBYFLOAT k 0.5"));
        Assert.Equal(["SET k 13.5 KEEPTTL"], _driver.Effects);
        Assert.Equal("14", _driver.Say("INCRBYFLOAT k 0.5"));
        Assert.Equal("embstr", _driver.Say("OBJECT ENCODING k"));
        Assert.Equal("10", _driver.Say("TTL k"));
    }

    [Fact]
    public void Lcs_in_its_forms()
    {
        _driver.Run("MSET a ohmytext b mynewtext n 12");
        Assert.Equal("mytext", _driver.Say("LCS a b"));
        Assert.Equal("6", _driver.Say("LCS a b LEN"));
        Assert.Equal("[matches [[[4 7] [5 8]] [[2 3] [0 1]]] len 6]", _driver.Say("LCS a b IDX"));
        Assert.Equal("[matches [[[4 7] [5 8] 4]] len 6]", _driver.Say("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"));
        Assert.Equal("[matches [] len 0]", _driver.Say("LCS none b IDX MINMATCHLEN -5"));
        Assert.Equal("", _driver.Say("LCS none b"));
        Assert.Equal("12", _driver.Say("LCS n n"));
        _driver.Protocol = 3;
        Assert.StartsWith("%2\r\n$7\r\nmatches\r\n*2\r\n", _driver.Run("LCS a b IDX"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" LEN")]
    [InlineData(" IDX")]
    public void Lcs_is_bounded_by_the_longest_string_that_a_caller_may_make(string form)
    {
        const string error = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        _driver.Run($"MSET a {new string('x', 15)} b {new string('x', 31)}");
        _driver.Client.MaxBulkLength = 16 * 32 * 4;
        Assert.NotEqual(error, _driver.Say("LCS a b" + form));
        _driver.Client.MaxBulkLength--;
        Assert.Equal(error, _driver.Say("LCS a b" + form));
        Assert.Equal(error, _driver.Say("LCS b a" + form));
        Assert.Equal("ERR syntax error", _driver.Say("LCS a b nothing"));
    }

    [Fact]
    public void Lcs_of_strings_whose_table_could_never_be_is_refused_at_once()
    {
        _driver.Run("SETRANGE a 99999999 x");
        foreach (var form in (string[])["", " LEN", " IDX"])
            Assert.StartsWith("ERR Insufficient memory, transient", _driver.Say("LCS a a" + form));
    }

    [Fact]
    public void Keys_of_other_types_are_refused_or_overwritten()
    {
        _driver.PlantList("list");
        string[] refused =
        [
            "GET list", "GETDEL list", "GETEX list EX abc", "GETRANGE list 0 1", "GETSET list v", "SET list v GET",
            "SET list v IFEQ a", "APPEND list v", "SETRANGE list 0 v", "STRLEN list", "INCR list", "INCRBYFLOAT list 1",
        ];
        foreach (var request in refused) Assert.Equal(WrongType, _driver.Say(request));
        Assert.Equal("list", _driver.Say("TYPE list"));
        Assert.Equal("ERR The specified keys must contain string values", _driver.Say("LCS list k"));
        Assert.Equal("[(nil)]", _driver.Say("MGET list"));
        Assert.Equal("0", _driver.Say("SETNX list v"));
        Assert.Equal("OK", _driver.Say("SET list v"));
        Assert.Equal("string", _driver.Say("TYPE list"));
    }
}
