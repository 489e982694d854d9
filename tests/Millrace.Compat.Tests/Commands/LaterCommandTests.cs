using System.Text;
using Millrace.Compat.Tests.Servers;
using Millrace.Compat.Tests.Wire;

namespace Millrace.Compat.Tests.Commands;

/// <summary>
/// Commands and options that redis-server 7.0.15 lacks: each row gives requests (words separated by spaces) with the
/// exact reply of the last one (an asterisk stands for what the cited suite leaves open), and cites where that stands.
/// <c>FUTURE</c> and <c>FUTUREMS</c> stand for a Unix time in
/// 1,000 seconds.
/// </summary>
public sealed class LaterCommandTests(MillraceAlone fixture) : IClassFixture<MillraceAlone>
{
    private const string MSetEx = "redis.io/commands/msetex";
    private const string MSetExSuite = "redis 8.4 unit/type/string, MSETEX tests";
    private const string Set = "redis.io/commands/set";
    private const string SetSuite = "redis 8.4 unit/type/string, Extended SET with IFEQ/IFNE tests";
    private const string SetInfo = "redis.io/commands/client-setinfo";
    private const string SetInfoSuite = "redis 7.2 unit/introspection, CLIENT SETINFO tests";
    private const string NoTouch = "redis.io/commands/client-no-touch";
    private const string StringMatch = "DEBUG HELP: STRINGMATCH-LEN <pattern> <string>";
    private const string ZRank = "redis.io/commands/zrank, history 7.2.0";
    private const string Scores = "redis 7.2 release notes: doubles are written with fewer digits";
    private const string ZScan = "valkey.io/commands/zscan, NOSCORES";
    private const string Hello = "redis 7.2 src/networking.c, helloCommand: all options are read before any is applied";
    private const string Hash = "redis.io/commands/hexpire, hpexpire, hexpireat, hpexpireat: return information";
    private const string HashTime = "redis.io/commands/httl, hpttl, hexpiretime, hpexpiretime: return information";
    private const string HPersist = "redis.io/commands/hpersist: return information";
    private const string HGetDel = "redis.io/commands/hgetdel";
    private const string HGetEx = "redis.io/commands/hgetex";
    private const string HSetEx = "redis.io/commands/hsetex";
    private const string HScan = "redis.io/commands/hscan, NOVALUES";
    private const string BitCount = "valkey.io/commands/bitcount: key [start [end [BYTE | BIT]]]";
    private const string BitSuite = "valkey unit/bitops, BITCOUNT and BITPOS with illegal arguments";
    private const string BitOp = "redis.io/commands/bitop, DIFF DIFF1 ANDOR ONE";
    private const string Digest = "redis.io/commands/digest";
    private const string DelEx = "redis.io/commands/delex";
    private const string DelIfEq = "valkey.io/commands/delifeq";
    private const string SUnionCard = "redis.io/commands/sunioncard";
    private const string SDiffCard = "redis.io/commands/sdiffcard";
    private const string IncrEx = "redis.io/commands/increx";
    private const string LMoveM = "redis.io/commands/lmovem";
    private const string BLMoveM = "redis.io/commands/blmovem";
    private const string XDelEx = "redis.io/commands/xdelex";
    private const string XAckDel = "redis.io/commands/xackdel";
    private const string XTrim = "redis.io/commands/xtrim, KEEPREF DELREF ACKED";
    private const string XReadGroup = "redis.io/commands/xreadgroup, CLAIM";
    private const string Idempotency = "redis.io/docs/latest/develop/data-types/streams/idempotency";
    private const string XNack = "redis.io/commands/xnack";
    private const string ClientList = "redis.io/commands/client-list, history 7.2.0";

    private const string ReadOnce =
        "XADD s 1-0 f v|XADD s 2-0 f v|XGROUP CREATE s g 0|XREADGROUP GROUP g c COUNT 1 STREAMS s >|";

    /// <summary>Requests, expected reply of the last, source.</summary>
    public static TheoryData<string, string, string> Rows { get; } = new()
    {
        { "MSETEX 2 a 1 b 2", ":1\r\n", MSetEx },
        { "MSETEX 2 a 1 b 2|MGET a b", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", MSetEx },
        { "MSETEX 1 a 1 NX", ":1\r\n", MSetEx },
        { "SET b 1|MSETEX 2 a 1 b 2 NX", ":0\r\n", MSetEx },
        { "SET b 1|MSETEX 2 a 1 b 2 NX|EXISTS a", ":0\r\n", MSetEx },
        { "SET b 1|MSETEX 2 a 1 b 2 XX", ":0\r\n", MSetEx },
        { "SET b 1|MSETEX 2 a 1 b 2 XX|EXISTS a", ":0\r\n", MSetEx },
        { "MSET a 1 b 1|MSETEX 2 a 3 b 4 XX|MGET a b", "*2\r\n$1\r\n3\r\n$1\r\n4\r\n", MSetEx },
        { "MSETEX 2 a 1 b 2 EX 1000|TTL b", ":1000\r\n", MSetEx },
        { "MSETEX 2 a 1 b 2 PX 1000400|TTL a", ":1000\r\n", MSetEx },
        { "MSETEX 1 a 1 EXAT FUTURE|EXPIRETIME a", ":FUTURE\r\n", MSetEx },
        { "MSETEX 1 a 1 PXAT FUTUREMS|PEXPIRETIME a", ":FUTUREMS\r\n", MSetEx },
        { "SET a 1 EX 1000|MSETEX 1 a 2|TTL a", ":-1\r\n", MSetEx },
        { "SET a 1 EX 1000|MSETEX 1 a 2 KEEPTTL|TTL a", ":1000\r\n", MSetEx },
        { "SET a 1 EX 1000|MSETEX 1 a 2 KEEPTTL|GET a", "$1\r\n2\r\n", MSetEx },
        { "MSETEX 1 a 1 ex 1000 nx|TTL a", ":1000\r\n", MSetExSuite },
        { "MSETEX 2 a 1 a 2|GET a", "$1\r\n2\r\n", MSetEx },
        { "MSETEX", "-ERR wrong number of arguments for 'msetex' command\r\n", MSetExSuite },
        { "MSETEX 1 a", "-ERR wrong number of arguments for 'msetex' command\r\n", MSetEx + ", arity -4" },
        { "MSETEX key1 val1 ex 10", "-ERR invalid numkeys value*\r\n", MSetExSuite },
        { "MSETEX 0 a 1", "-ERR invalid numkeys value*\r\n", MSetExSuite },
        { "MSETEX -1 a 1", "-ERR invalid numkeys value*\r\n", MSetExSuite },
        { "MSETEX 2147483648 key1 val1 ex 10", "-ERR invalid numkeys value*\r\n", MSetExSuite },
        { "MSETEX 2147483647 key1 val1 ex 10", "-ERR wrong number of key-value pairs\r\n", MSetExSuite },
        { "MSETEX 2 key1 val1 key2", "-ERR wrong number of key-value pairs\r\n", MSetExSuite },
        { "MSETEX 1 key1 val1 invalid_flag", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 NX XX EX 10", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 EX 10 PX 5000", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 EXAT 1735689600 PXAT 1735689600000", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 KEEPTTL EX 10", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 EX", "-ERR syntax error\r\n", MSetExSuite },
        { "MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command\r\n", MSetEx + " (a positive integer)" },
        { "MSETEX 1 a 1 EX -1", "-ERR invalid expire time in 'msetex' command\r\n", MSetEx + " (a positive integer)" },
        { "MSETEX 1 a 1 EX abc", "-ERR value is not an integer or out of range\r\n", MSetEx },
        { "COMMAND GETKEYS MSETEX 2 a 1 b 2 NX", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", MSetEx + ", key specifications" },

        { "SET a hello|SET a world IFEQ hello", "+OK\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ hello|GET a", "$5\r\nworld\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ other", "$-1\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ other|GET a", "$5\r\nhello\r\n", SetSuite },
        { "SET a world IFEQ hello", "$-1\r\n", SetSuite },
        { "SET a world IFEQ hello|EXISTS a", ":0\r\n", Set },
        { "SET a hello|SET a world IFNE other", "+OK\r\n", SetSuite },
        { "SET a hello|SET a world IFNE hello", "$-1\r\n", SetSuite },
        { "SET a hello|SET a world IFNE hello|GET a", "$5\r\nhello\r\n", SetSuite },
        { "SET a world IFNE hello", "+OK\r\n", Set },
        { "SET a world IFNE hello|GET a", "$5\r\nworld\r\n", Set },
        { "SET a 123|SET a 124 IFEQ 123|GET a", "$3\r\n124\r\n", Set },
        { "SET a 123|SET a 124 IFEQ 0123", "$-1\r\n", Set },
        { "SET a hello|SET a world IFEQ hello GET", "$5\r\nhello\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ other GET", "$5\r\nhello\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ other GET|GET a", "$5\r\nhello\r\n", SetSuite },
        { "SET a world IFEQ other GET", "$-1\r\n", SetSuite },
        { "SET a world IFNE other GET", "$-1\r\n", SetSuite },
        { "SET a hello|SET a world IFEQ hello EX 1000|TTL a", ":1000\r\n", Set },
        { "SET a hello EX 1000|SET a world IFEQ hello KEEPTTL|TTL a", ":1000\r\n", Set },
        { "SET a hello EX 1000|SET a world IFEQ hello|TTL a", ":-1\r\n", Set },
        { "SET a hello|SET a world ifeq hello|GET a", "$5\r\nworld\r\n", Set },
        { "SET a 1 IFEQ", "-ERR syntax error\r\n", SetSuite },
        { "SET a 1 NX IFEQ 1", "-ERR syntax error\r\n", SetSuite },
        { "SET a 1 IFEQ 1 XX", "-ERR syntax error\r\n", SetSuite },
        { "SET a 1 IFEQ 1 IFNE 2", "-ERR syntax error\r\n", SetSuite },

        { "INCREX a|INCREX a", "*2\r\n:2\r\n:1\r\n", IncrEx },
        { "SET a 100|INCREX a BYINT 5", "*2\r\n:105\r\n:5\r\n", IncrEx },
        { "SET a 105|INCREX a BYINT -10", "*2\r\n:95\r\n:-10\r\n", IncrEx },
        { "SET a 1.5|INCREX a BYFLOAT 0.25", "*2\r\n$4\r\n1.75\r\n$4\r\n0.25\r\n", IncrEx },
        { "HELLO 3|SET a 1.5|INCREX a BYFLOAT 0.25", "*2\r\n,1.75\r\n,0.25\r\n", IncrEx },
        { "INCREX a BYINT 1 EX 1000|TTL a", ":1000\r\n", IncrEx },
        { "SET a 10|INCREX a BYINT 1 EX 1000 ENX|TTL a", ":1000\r\n", IncrEx },
        { "SET a 10 EX 500|INCREX a BYINT 1 EX 10 ENX|TTL a", ":500\r\n", IncrEx },
        { "SET a 10 EX 500|INCREX a|TTL a", ":500\r\n", IncrEx },
        { "SET a 5 EX 1000|INCREX a BYINT 1 PERSIST|TTL a", ":-1\r\n", IncrEx },
        { "INCREX a EXAT FUTURE|EXPIRETIME a", ":FUTURE\r\n", IncrEx },
        { "INCREX a PXAT FUTUREMS|PEXPIRETIME a", ":FUTUREMS\r\n", IncrEx },
        { "SET a 99|INCREX a BYINT 5 UBOUND 100", "*2\r\n:99\r\n:0\r\n", IncrEx },
        { "SET a 99|INCREX a BYINT 5 UBOUND 100|GET a", "$2\r\n99\r\n", IncrEx },
        { "SET a 99|INCREX a BYINT 5 UBOUND 100 SATURATE", "*2\r\n:100\r\n:1\r\n", IncrEx },
        { "SET a 1.5|INCREX a", "-ERR value is not an integer or out of range\r\n", IncrEx },
        { "RPUSH a x|INCREX a", "-WRONGTYPE*", IncrEx },
        { "INCREX a BYINT 1 BYFLOAT 1", "-ERR*", IncrEx + ": mutually exclusive" },
        { "INCREX a LBOUND 2 UBOUND 1", "-ERR*", IncrEx },
        { "INCREX a ENX", "-ERR*", IncrEx },
        { "INCREX a PERSIST ENX", "-ERR*", IncrEx },
        { "INCREX a EX 0", "-ERR invalid expire time in 'increx' command\r\n", IncrEx + " (a positive integer)" },

        { "RPUSH a 1 2 3 4|LMOVEM a b LEFT LEFT COUNT 2 OBO", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n", LMoveM },
        { "RPUSH a 1 2 3|LMOVEM a b LEFT LEFT COUNT 2 OBO|LRANGE a 0 -1", "*1\r\n$1\r\n3\r\n", LMoveM },
        { "RPUSH a 1 2 3|LMOVEM a b LEFT LEFT COUNT 2 BULK", "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", LMoveM },
        { "RPUSH a 1 2|LMOVEM a b LEFT LEFT EXACTLY 5 BULK", "*-1\r\n", LMoveM },
        { "RPUSH a 1 2 3|LMOVEM a a LEFT LEFT EXACTLY 2 OBO|LINDEX a 0", "$1\r\n2\r\n", LMoveM },
        { "RPUSH a 1 2 3|LMOVEM a a LEFT LEFT EXACTLY 2 BULK|LINDEX a 0", "$1\r\n1\r\n", LMoveM },
        { "RPUSH a 1|LMOVEM a b RIGHT LEFT", "*1\r\n$1\r\n1\r\n", LMoveM },
        { "LMOVEM a b LEFT LEFT", "*0\r\n", LMoveM },
        { "LMOVEM a b LEFT LEFT COUNT 2 OBO", "*0\r\n", LMoveM },
        { "LMOVEM a b LEFT LEFT EXACTLY 2 OBO", "*-1\r\n", LMoveM },
        { "LMOVEM a b LEFT LEFT COUNT 2", "-ERR*", LMoveM + ": selector and ordering" },
        { "COMMAND GETKEYS LMOVEM a b LEFT LEFT", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", LMoveM },
        { "RPUSH a 1|BLMOVEM a b LEFT LEFT 0", "*1\r\n$1\r\n1\r\n", BLMoveM },
        { "RPUSH a 1 2 3|BLMOVEM a b LEFT LEFT 0 COUNT 2 OBO", "*2\r\n$1\r\n2\r\n$1\r\n1\r\n", BLMoveM },
        { "BLMOVEM a b LEFT LEFT 0.01", "*-1\r\n", BLMoveM },
        { "RPUSH a 1|BLMOVEM a b LEFT LEFT 0.01 EXACTLY 2 BULK", "*-1\r\n", BLMoveM },

        { "SET a Hello\\sworld|DIGEST a", "$16\r\nb6acb9d84a38ff74\r\n", Digest },
        { "DIGEST a", "$-1\r\n", Digest },
        { "RPUSH a x|DIGEST a", "-WRONGTYPE*", Digest },
        { "SET a Hello\\sworld|SET a x IFDEQ b6acb9d84a38ff74|GET a", "$1\r\nx\r\n", Set },
        { "SET a other|SET a x IFDEQ b6acb9d84a38ff74", "$-1\r\n", Set },
        { "SET a x IFDEQ b6acb9d84a38ff74", "$-1\r\n", Set },
        { "SET a Hello\\sworld|SET a x IFDNE b6acb9d84a38ff74", "$-1\r\n", Set },
        { "SET a other|SET a x IFDNE b6acb9d84a38ff74", "+OK\r\n", Set },
        { "SET a x IFDNE b6acb9d84a38ff74|GET a", "$1\r\nx\r\n", Set },
        { "SET a 1 IFDEQ 1 IFEQ 1", "-ERR syntax error\r\n", Set },
        { "DELEX a", ":0\r\n", DelEx },
        { "RPUSH a x|DELEX a", ":1\r\n", DelEx },
        { "RPUSH a x|DELEX a IFEQ x", "-WRONGTYPE*", DelEx },
        { "DELEX a IFNE x", ":0\r\n", DelEx },
        { "SET a x|DELEX a IFEQ x|EXISTS a", ":0\r\n", DelEx },
        { "SET a x|DELEX a IFEQ y", ":0\r\n", DelEx },
        { "SET a x|DELEX a ifne y", ":1\r\n", DelEx },
        { "SET a Hello\\sworld|DELEX a IFDEQ b6acb9d84a38ff74", ":1\r\n", DelEx },
        { "SET a Hello\\sworld|DELEX a IFDNE b6acb9d84a38ff74", ":0\r\n", DelEx },
        { "SET a x|DELIFEQ a x|EXISTS a", ":0\r\n", DelIfEq },
        { "SET a x|DELIFEQ a y", ":0\r\n", DelIfEq },
        { "SADD a x|DELIFEQ a x", "-WRONGTYPE*", DelIfEq },
        { "SADD a a b c|SADD b c d e|SUNIONCARD 2 a b", ":5\r\n", SUnionCard },
        { "SADD a a b c|SADD b c d e|SUNIONCARD 2 a b LIMIT 3", ":3\r\n", SUnionCard },
        { "SADD a a b c|SADD b c d e|SUNIONCARD 2 a b APPROX", ":5\r\n", SUnionCard },
        { "SADD a a b c|SADD b c d e|SUNIONCARD 3 a b none LIMIT 4 APPROX", ":4\r\n", SUnionCard },
        { "SUNIONCARD 1 none LIMIT 0", ":0\r\n", SUnionCard },
        { "SADD a a b c|SADD b c d e|SDIFFCARD 2 a b", ":2\r\n", SDiffCard },
        { "SADD a a b c|SADD b c d e|SDIFFCARD 2 a b LIMIT 1", ":1\r\n", SDiffCard },
        { "SADD a a b c|SDIFFCARD 2 a a", ":0\r\n", SDiffCard },
        { "SADD b c|SDIFFCARD 2 none b", ":0\r\n", SDiffCard },
        { "SDIFFCARD 1 none APPROX", "-ERR syntax error\r\n", SDiffCard },
        { "COMMAND GETKEYS SUNIONCARD 2 a b APPROX", "*2\r\n$1\r\na\r\n$1\r\nb\r\n", SUnionCard },

        { "HSET h a 1 b 2|HEXPIRE h 100 FIELDS 2 a none", "*2\r\n:1\r\n:-2\r\n", Hash },
        { "HEXPIRE none 100 FIELDS 2 a b", "*2\r\n:-2\r\n:-2\r\n", Hash },
        { "HSET h a 1 b 2|HPEXPIRE h 100000 XX FIELDS 1 a", "*1\r\n:0\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIREAT h FUTURE NX FIELDS 1 a", "*1\r\n:1\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIREAT h FUTURE FIELDS 1 a|HEXPIREAT h FUTURE GT FIELDS 1 a", "*1\r\n:0\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIRE h 9 FIELDS 1 a|HPEXPIREAT h FUTUREMS GT FIELDS 1 a", "*1\r\n:1\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIRE h 9 FIELDS 1 a|HPEXPIREAT h FUTUREMS LT FIELDS 1 a", "*1\r\n:0\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIRE h 0 FIELDS 1 a", "*1\r\n:2\r\n", Hash },
        { "HSET h a 1 b 2|HPEXPIREAT h 1 FIELDS 2 a b|EXISTS h", ":0\r\n", Hash },
        { "HSET h a 1 b 2|HEXPIREAT h FUTURE FIELDS 1 a|HEXPIRETIME h FIELDS 3 a b c",
            "*3\r\n:FUTURE\r\n:-1\r\n:-2\r\n", HashTime },
        { "HSET h a 1|HPEXPIREAT h FUTUREMS FIELDS 1 a|HPEXPIRETIME h FIELDS 1 a", "*1\r\n:FUTUREMS\r\n", HashTime },
        { "HTTL none FIELDS 1 a", "*1\r\n:-2\r\n", HashTime },
        { "HSET h a 1|HPTTL h FIELDS 2 a b", "*2\r\n:-1\r\n:-2\r\n", HashTime },
        { "HSET h a 1 b 2|HEXPIRE h 100 FIELDS 1 a|HPERSIST h FIELDS 3 a b c",
            "*3\r\n:1\r\n:-1\r\n:-2\r\n", HPersist },
        { "HSET h a 1 b 2|HGETDEL h FIELDS 2 a c", "*2\r\n$1\r\n1\r\n$-1\r\n", HGetDel },
        { "HSET h a 1|HGETDEL h FIELDS 1 a|EXISTS h", ":0\r\n", HGetDel },
        { "HSET h a 1|HGETEX h EXAT FUTURE FIELDS 1 a|HEXPIRETIME h FIELDS 1 a", "*1\r\n:FUTURE\r\n", HGetEx },
        { "HSET h a 1|HGETEX h EX 50 FIELDS 2 a c", "*2\r\n$1\r\n1\r\n$-1\r\n", HGetEx },
        { "HSETEX h EXAT FUTURE FIELDS 2 a 1 b 2", ":1\r\n", HSetEx },
        { "HSETEX h EXAT FUTURE FIELDS 1 a 1|HSETEX h FNX EX 60 FIELDS 2 a 1 b 2", ":0\r\n", HSetEx },
        { "HSETEX h FXX EX 60 KEEPTTL FIELDS 1 a 1",
            "-ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified\r\n", HSetEx },
        { "HSETEX h EXAT FUTURE FIELDS 1 a 1|HSETEX h FXX KEEPTTL FIELDS 1 a 2|HEXPIRETIME h FIELDS 1 a",
            "*1\r\n:FUTURE\r\n", HSetEx },
        { "HSET h a 1 b 2|HSCAN h 0 NOVALUES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", HScan },

        { ReadOnce + "XDELEX s ACKED IDS 3 1-0 2-0 3-0", "*3\r\n:2\r\n:2\r\n:-1\r\n", XDelEx },
        { ReadOnce + "XDELEX s DELREF IDS 1 1-0|XPENDING s g", "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n", XDelEx },
        { "XDELEX s IDS 2 1-0 2-0", "*2\r\n:-1\r\n:-1\r\n", XDelEx },
        { ReadOnce + "XACKDEL s g ACKED IDS 2 1-0 2-0", "*2\r\n:1\r\n:-1\r\n", XAckDel },
        { ReadOnce + "XTRIM s MAXLEN 0 ACKED", ":0\r\n", XTrim },
        { ReadOnce + "XACK s g 1-0|XTRIM s MAXLEN 0 ACKED", ":1\r\n", XTrim },
        { ReadOnce + "XREADGROUP GROUP g d COUNT 1 CLAIM 1000000 STREAMS s >",
            "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*4\r\n$3\r\n2-0\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n:0\r\n:0\r\n", XReadGroup },
        { "XADD s 1-0 f v|XIDMPRECORD s p m 1-0|XADD s IDMP p m * f w", "$3\r\n1-0\r\n", Idempotency },
        { "XADD s IDMPAUTO p * f v|XADD s IDMPAUTO p * f v|XLEN s", ":1\r\n", Idempotency },
        { "XADD s 1-0 f v|XCFGSET s IDMP-DURATION 300 IDMP-MAXSIZE 1000", "+OK\r\n", Idempotency },
        { ReadOnce + "XNACK s g FAIL IDS 2 1-0 2-0|XPENDING s g - + 9",
            "*1\r\n*4\r\n$3\r\n1-0\r\n$0\r\n\r\n:-1\r\n:1\r\n", XNack },

        { "SET a foobar|BITCOUNT a 1", ":22\r\n", BitCount },
        { "SET a foobar|BITCOUNT a -2", ":7\r\n", BitCount },
        { "BITCOUNT a 0 1 hello", "-ERR syntax error\r\n", BitSuite },
        { "BITCOUNT a x 1", "-ERR value is not an integer or out of range\r\n", BitSuite },
        { "RPUSH a 1|BITCOUNT a x 1", "-ERR value is not an integer or out of range\r\n", BitSuite },
        { "BITPOS a 0 0 1 hello", "-ERR syntax error\r\n", BitSuite },
        { "BITPOS a 0 x", "-ERR value is not an integer or out of range\r\n", BitSuite },
        { "MSET a c b a c b|BITOP DIFF d a b|GET d", "$1\r\n\u0002\r\n", BitOp },
        { "MSET a c b a c b|BITOP DIFF1 d a b c|GET d", "$1\r\n\0\r\n", BitOp },
        { "MSET a a b b|BITOP ANDOR d a b|GET d", "$1\r\n`\r\n", BitOp },
        { "MSET a a b b c d|BITOP ONE d a b c|GET d", "$1\r\n\u0007\r\n", BitOp },
        { "SET a aaa|BITOP diff d none a", ":3\r\n", BitOp },
        { "BITOP DIFF d a", "-ERR *\r\n", BitOp + ": at least two sources" },
        { "BITOP DIFF1 d a", "-ERR *\r\n", BitOp + ": at least two sources" },
        { "BITOP ANDOR d a", "-ERR *\r\n", BitOp + ": at least two sources" },

        { "CLIENT SETINFO LIB-NAME mylib", "+OK\r\n", SetInfo },
        { "CLIENT SETINFO lib-ver 1.2.3", "+OK\r\n", SetInfo },
        { "CLIENT SETINFO LIB-NAME redis.py(x_v1)", "+OK\r\n", SetInfo },
        { "CLIENT SETINFO lib-name a\\sb",
            "-ERR lib-name cannot contain spaces, newlines or special characters.\r\n", SetInfoSuite },
        { "CLIENT SETINFO lib-ver a\\nb", "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n",
            SetInfoSuite },
        { "CLIENT SETINFO other x", "-ERR Unrecognized option 'other'\r\n", SetInfoSuite },
        { "CLIENT SETINFO LIB-NAME", "-ERR wrong number of arguments for 'client|setinfo' command\r\n", SetInfo
            + ", arity 4" },

        { "DEBUG STRINGMATCH-LEN h*llo hello", ":1\r\n", StringMatch },
        { "DEBUG STRINGMATCH-LEN h[^e]llo hello", ":0\r\n", StringMatch },
        { "DEBUG STRINGMATCH-LEN h?llo",
            "-ERR unknown subcommand or wrong number of arguments for 'STRINGMATCH-LEN'. Try DEBUG HELP.\r\n",
            StringMatch },
        { "SCAN 0 TYPE nothing", "-ERR unknown type name 'nothing'\r\n", "valkey unit/scan, SCAN unknown type" },

        { "HELLO 3 SETNAME x nothing", "-ERR Syntax error in HELLO option 'nothing'\r\n", Hello },
        { "HELLO 3 SETNAME x nothing|CLIENT GETNAME", "$-1\r\n", Hello },
        { "HELLO 3 SETNAME x AUTH nobody wrong|CLIENT GETNAME", "$-1\r\n", Hello },
        { "HELLO 3 AUTH nobody wrong nothing", "-ERR Syntax error in HELLO option 'nothing'\r\n", Hello },

        { "CONFIG SET loglevel nothing", "+OK\r\n", "redis 7.2 redis.conf, loglevel" },
        { "CONFIG SET loglevel notice|CONFIG GET loglevel", "*2\r\n$8\r\nloglevel\r\n$6\r\nnotice\r\n",
            "redis 7.2 redis.conf, loglevel" },

        { "ZADD z 1 a 2.5 b|ZRANK z b WITHSCORE", "*2\r\n:1\r\n$3\r\n2.5\r\n", ZRank },
        { "ZADD z 1 a 2.5 b|ZREVRANK z b withscore", "*2\r\n:0\r\n$3\r\n2.5\r\n", ZRank },
        { "ZADD z 1 a|ZRANK z nobody WITHSCORE", "*-1\r\n", ZRank },
        { "ZRANK nothing a WITHSCORE", "*-1\r\n", ZRank },
        { "ZRANK nothing a", "$-1\r\n", ZRank },
        { "ZADD z 1 a|ZRANK z a WITHSCORES", "-ERR syntax error\r\n", ZRank },
        { "ZADD z 1 a|ZRANK z a WITHSCORE x", "-ERR syntax error\r\n", ZRank },
        { "ZADD z 0.1 a|ZSCORE z a", "$3\r\n0.1\r\n", Scores },
        { "ZADD z 1e17 a|ZSCORE z a", "$18\r\n100000000000000000\r\n", Scores },
        { "ZADD z 3.3 a|ZINCRBY z 1.1 a", "$3\r\n4.4\r\n", Scores },
        { "ZADD z 1 a 2.5 b|ZSCAN z 0 NOSCORES", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", ZScan },
        { "ZADD z 1 a 2.5 b|ZSCAN z 0 noscores MATCH b", "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n", ZScan },

        { "CLIENT NO-TOUCH ON", "+OK\r\n", NoTouch },
        { "CLIENT NO-TOUCH off", "+OK\r\n", NoTouch },
        { "CLIENT NO-TOUCH maybe", "-ERR syntax error\r\n", NoTouch },
        { "CLIENT NO-TOUCH", "-ERR wrong number of arguments for 'client|no-touch' command\r\n", NoTouch
            + ", arity 3" },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void The_last_reply_is_the_documented_one(string requests, string expected, string source)
    {
        Assert.NotEmpty(source);
        long future = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1000;
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("FLUSHALL");
        string reply = "";
        foreach (string request in requests.Split('|'))
            reply = connection.Ask(Words(request, future));
        string[] wanted = Dated(expected, future).Split('*', expected.StartsWith('*') ? 1 : 2);
        Assert.StartsWith(wanted[0], reply, StringComparison.Ordinal);
        Assert.EndsWith(wanted[^1], reply, StringComparison.Ordinal);
        Assert.True(wanted.Length > 1 || wanted[0].Length == reply.Length, reply);
    }

    [Fact]
    public void Conditional_set_without_a_value_is_the_null_of_RESP3()
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("FLUSHALL");
        connection.Call("HELLO", "3");
        Assert.Equal("_\r\n", connection.Ask("SET", "a", "1", "IFEQ", "2"));
    }

    [Fact]
    public void Set_info_stands_in_client_info_and_survives_reset()
    {
        using RawConnection connection = fixture.Server.Connect();
        Assert.Contains(" lib-name= lib-ver=", connection.Ask("CLIENT", "INFO"),
            StringComparison.Ordinal); // ClientList
        connection.Call("CLIENT", "SETINFO", "LIB-NAME", "mylib");
        connection.Call("CLIENT", "SETINFO", "LIB-VER", "1.2");
        Assert.Contains(" lib-name=mylib lib-ver=1.2", connection.Ask("CLIENT", "INFO"), StringComparison.Ordinal);
        Assert.Contains(" lib-name=mylib lib-ver=1.2", connection.Ask("CLIENT", "LIST"), StringComparison.Ordinal);
        // "Note that these attributes are not cleared by the RESET command."
        Assert.Equal("+RESET\r\n", connection.Ask("RESET"));
        Assert.Contains(" lib-name=mylib lib-ver=1.2", connection.Ask("CLIENT", "INFO"), StringComparison.Ordinal);
        Assert.NotEmpty(ClientList);
    }

    // redis.io/commands/reset: "Turns off NO-EVICT mode. Turns off NO-TOUCH mode."
    [Theory]
    [InlineData("NO-EVICT", "e")]
    [InlineData("NO-TOUCH", "T")]
    public void Reset_turns_off(string mode, string flag)
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("CLIENT", mode, "ON");
        Assert.Contains($"flags={flag} ", connection.Ask("CLIENT", "INFO"), StringComparison.Ordinal);
        connection.Call("RESET");
        Assert.Contains("flags=N ", connection.Ask("CLIENT", "INFO"), StringComparison.Ordinal);
    }

    [Fact]
    public void No_touch_shows_as_a_flag_and_leaves_the_idle_time_alone()
    {
        using RawConnection connection = fixture.Server.Connect();
        connection.Call("SET", "idle", "1");
        Thread.Sleep(2100);
        connection.Call("CLIENT", "NO-TOUCH", "ON");
        Assert.Contains("flags=T ", connection.Ask("CLIENT", "INFO"),
            StringComparison.Ordinal); // redis.io/commands/client-list, flags
        connection.Call("GET", "idle");
        Assert.True(ReplyValue.Parse(connection.Call("OBJECT", "IDLETIME", "idle")).Number >= 1);
        connection.Call("TOUCH", "idle");
        Assert.Equal(":0\r\n", connection.Ask("OBJECT", "IDLETIME", "idle"));
    }

    private static string[] Words(string request, long future) =>
    [
        .. Dated(request, future).Split(' ').Select(word =>
            word.Replace("\\s", " ", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal)),
    ];

    private static string Dated(string text, long future) => new StringBuilder(text)
        .Replace("FUTUREMS", $"{future}123")
        .Replace("FUTURE", $"{future}")
        .ToString();
}
