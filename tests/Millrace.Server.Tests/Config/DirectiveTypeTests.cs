using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

public sealed class DirectiveTypeTests
{
    [Theory]
    [InlineData("", 0UL)]
    [InlineData("kb", 0UL)]
    [InlineData("1", 1UL)]
    [InlineData("1b", 1UL)]
    [InlineData("1k", 1000UL)]
    [InlineData("1kb", 1024UL)]
    [InlineData("1K", 1000UL)]
    [InlineData("2M", 2_000_000UL)]
    [InlineData("2Mb", 2_097_152UL)]
    [InlineData("1g", 1_000_000_000UL)]
    [InlineData("1Gb", 1_073_741_824UL)]
    [InlineData("018446744073709551615", ulong.MaxValue)]
    public void A_memory_size_has_the_units_of_Redis(string text, ulong bytes)
    {
        Assert.True(MemorySize.TryParse(text, out ulong parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("1tb")]
    [InlineData("1 kb")]
    [InlineData(" 1")]
    [InlineData("1kbb")]
    [InlineData("1bk")]
    [InlineData("1bb")]
    [InlineData("0x10")]
    [InlineData("1.5gb")]
    [InlineData("18446744073709551616")]
    [InlineData("17179869184gb")]
    public void What_is_no_memory_size_is_refused_and_never_wraps(string text) =>
        Assert.False(MemorySize.TryParse(text, out _));

    [Theory]
    [InlineData("protected-mode", "YES", "yes")]
    [InlineData("protected-mode", "No", "no")]
    [InlineData("timeout", "0", "0")]
    [InlineData("timeout", "2147483647", "2147483647")]
    [InlineData("list-max-listpack-size", "-5", "-5")]
    [InlineData("hz", "0", "1")]
    [InlineData("hz", "100000", "500")]
    [InlineData("maxclients", "4294967295", "4294967295")]
    [InlineData("proto-max-bulk-len", "1mb", "1048576")]
    [InlineData("proto-max-bulk-len", "9223372036854775807", "9223372036854775807")]
    [InlineData("unixsocketperm", "0770", "770")]
    [InlineData("loglevel", "VERBOSE", "verbose")]
    [InlineData("logfile", "\"\"", "")]
    [InlineData("dbfilename", "x.rdb", "x.rdb")]
    [InlineData("maxmemory-clients", "0%", "0")]
    [InlineData("save", "\"\"", "")]
    [InlineData("save", "", "")]
    [InlineData("bind", "", "")]
    [InlineData("bind", "\"\"", "")]
    [InlineData("bind", "10.0.0.1   ::1", "10.0.0.1 ::1")]
    [InlineData("bind", "\"10.0.0.1 ::1\"", "10.0.0.1 ::1")]
    [InlineData("replicaof", "NO ONE", "")]
    [InlineData("slaveof", "no one", "")]
    [InlineData("oom-score-adj-values", "-2000 0 2000", "-2000 0 2000")]
    [InlineData("notify-keyspace-events", "KEA", "AKE")]
    [InlineData("notify-keyspace-events", "g$lshzxetdn", "A")]
    [InlineData("notify-keyspace-events", "mEx$", "$xEm")]
    [InlineData("latency-tracking-info-percentiles", "50 99.95 100.0", "50 99.95 100")]
    [InlineData("latency-tracking-info-percentiles", "\"\"", "")]
    [InlineData("shutdown-on-sigterm", "force NOW", "now force")]
    [InlineData("shutdown-on-sigterm", "Save FORCE", "save force")]
    [InlineData("shutdown-on-sigint", "default", "default")]
    [InlineData("proc-title-template", "\"{title} {port}\"", "{title} {port}")]
    [InlineData("dir", "sub", "/start/sub")]
    [InlineData("dir", "./", "/start")]
    [InlineData("dir", "/var/lib/", "/var/lib")]
    [InlineData(
        "client-output-buffer-limit",
        "replica 1mb 2k 3 normal 5 6 7",
        "normal 5 6 7 slave 1048576 2000 3 pubsub 33554432 8388608 60")]
    public void A_good_value_is_answered_in_its_canonical_form(string name, string words, string value) =>
        Assert.Equal(value, TestTable.ValueOf(name, $"{name} {words}"));

    [Theory]
    [InlineData("protected-mode", "maybe", "argument must be 'yes' or 'no'")]
    [InlineData("timeout", "-1", "argument must be between 0 and 2147483647 inclusive")]
    [InlineData("timeout", "07", "argument couldn't be parsed into an integer")]
    [InlineData("timeout", "+7", "argument couldn't be parsed into an integer")]
    [InlineData("timeout", "-0", "argument couldn't be parsed into an integer")]
    [InlineData("timeout", "\" 7\"", "argument couldn't be parsed into an integer")]
    [InlineData("timeout", "\"\"", "argument couldn't be parsed into an integer")]
    [InlineData("timeout", "99999999999999999999", "argument couldn't be parsed into an integer")]
    [InlineData("maxclients", "0", "argument must be between 1 and 4294967295 inclusive")]
    [InlineData(
        "proto-max-bulk-len", "1", "argument must be between 1048576 and 9223372036854775807 inclusive")]
    [InlineData("client-query-buffer-limit", "-1", "argument must be a memory value")]
    [InlineData("maxmemory-clients", "101%", "percentage argument must be less or equal to 100")]
    [InlineData("maxmemory-clients", "x%", "argument must be a memory or percent value")]
    [InlineData("unixsocketperm", "8", "argument couldn't be parsed as an octal number")]
    [InlineData("unixsocketperm", "1000", "argument must be between 0 and 777 inclusive")]
    [InlineData(
        "loglevel", "loud", "argument(s) must be one of the following: debug, verbose, notice, warning, nothing")]
    [InlineData("dbfilename", "a/b", "dbfilename can't be a path, just a filename")]
    [InlineData("appenddirname", "\"\"", "appenddirname can't be empty")]
    [InlineData("save", "1", "Invalid save parameters")]
    [InlineData("save", "0 1", "Invalid save parameters")]
    [InlineData("save", "a b", "Invalid save parameters")]
    [InlineData("replicaof", "host", "wrong number of arguments")]
    [InlineData("replicaof", "host 70000", "Invalid master port")]
    [InlineData("oom-score-adj-values", "1 2", "wrong number of arguments")]
    [InlineData(
        "oom-score-adj-values", "1 2 3000", "Invalid oom-score-adj-values, elements must be between -2000 and 2000.")]
    [InlineData("notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")]
    [InlineData("latency-tracking-info-percentiles", "x", "Invalid latency-tracking-info-percentiles parameters")]
    [InlineData(
        "latency-tracking-info-percentiles",
        "100.1",
        "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")]
    [InlineData(
        "shutdown-on-sigint", "save nosave", "shutdown options SAVE and NOSAVE can't be used simultaneously")]
    [InlineData(
        "shutdown-on-sigint", "x", "argument(s) must be one of the following: default, save, nosave, now, force")]
    [InlineData("proc-title-template", "{x}", "template format is invalid or contains unknown variables")]
    [InlineData("proc-title-template", "{title", "template format is invalid or contains unknown variables")]
    [InlineData("client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration.")]
    [InlineData(
        "client-output-buffer-limit", "master 1 2 3", "Invalid client class specified in buffer limit configuration.")]
    [InlineData(
        "client-output-buffer-limit",
        "normal 1 2 3x",
        "Error in hard, soft or soft_seconds setting in buffer limit configuration.")]
    [InlineData("bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many bind addresses specified.")]
    [InlineData("dir", "missing", "No such directory: '/start/missing'")]
    [InlineData("port", "65536", "argument must be between 0 and 65535 inclusive")]
    [InlineData("io-threads", "129", "argument must be between 1 and 128 inclusive")]
    [InlineData("io", "uring", "argument(s) must be one of the following: auto, io_uring, epoll, sockets")]
    [InlineData("pidfile", "\"a\\x00b\"", "argument must not contain a NUL byte")]
    public void A_bad_value_is_refused_in_the_words_of_Redis(string name, string words, string reason) =>
        Assert.Equal(reason, TestTable.ErrorOf($"{name} {words}").Reason);

    [Fact]
    public void A_password_may_hold_any_byte()
    {
        Configuration configuration = TestTable.Configuration("requirepass \"a\\x00\\xff b\"");
        Assert.Equal([(byte)'a', 0, 255, (byte)' ', (byte)'b'], configuration.Settings.RequirePass.ToArray());
    }
}
