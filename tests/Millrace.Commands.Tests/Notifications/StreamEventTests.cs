namespace Millrace.Commands.Tests.Notifications;

/// <summary>Streams and their groups.</summary>
public sealed class StreamEventTests
{
    private const string Group = "XADD s 1-1 f v ; XGROUP CREATE s g 0";
    private const string Pending = Group + " ; XREADGROUP GROUP g c STREAMS s >";

    public static TheoryData<string> Rows => EventRow.Table(
        $"""
        | XADD s 1-1 f v => new s, xadd s
        XADD s 1-1 f v | XADD s 2-1 f v => xadd s
        XADD s 1-1 f v | XADD s MAXLEN 1 2-1 f v => xadd s, xtrim s
        XADD s 1-1 f v | XADD s MAXLEN 5 2-1 f v => xadd s
        XADD s 1-1 f v | XADD s MINID 2 2-1 f v => xadd s, xtrim s
        | XADD s NOMKSTREAM 1-1 f v =>
        | XADD s MAXLEN 0 1-1 f v => new s, xadd s, xtrim s
        XADD s 2-1 f v | XADD s 1-1 f v =>
        XADD s 1-1 f v ; XADD s 2-1 f v | XTRIM s MAXLEN 1 => xtrim s
        XADD s 1-1 f v ; XADD s 2-1 f v | XTRIM s MAXLEN 2 =>
        XADD s 1-1 f v | XTRIM s MAXLEN 0 => xtrim s
        | XTRIM s MAXLEN 0 =>
        XADD s 1-1 f v | XDEL s 1-1 => xdel s
        XADD s 1-1 f v | XDEL s 2-1 =>
        | XDEL s 2-1 =>
        XADD s 1-1 f v | XSETID s 5-1 => xsetid s
        | XSETID s 5-1 =>
        | XLEN s => keymiss s
        | XRANGE s - + => keymiss s
        | XREVRANGE s + - => keymiss s
        | XREAD STREAMS s 0 => keymiss s, keymiss s
        | XREAD STREAMS s $ => keymiss s, keymiss s
        XADD s 1-1 f v | XREAD STREAMS s t 0 0 => keymiss t, keymiss t
        XADD s 1-1 f v | XREAD STREAMS s t $ $ => keymiss t, keymiss t
        | XREAD BLOCK 10 STREAMS s 0 => keymiss s, keymiss s
        | XINFO STREAM s => keymiss s
        | XINFO GROUPS s => keymiss s
        | XINFO CONSUMERS s g => keymiss s
        | XPENDING s g => keymiss s
        | XPENDING s g - + 10 => keymiss s
        | XACK s g 1-1 => keymiss s
        XADD s 1-1 f v | XACK s g 1-1 =>
        | XGROUP CREATE s g $ =>
        | XGROUP CREATE s g $ MKSTREAM => new s, xgroup-create s
        XADD s 1-1 f v | XGROUP CREATE s g $ MKSTREAM => xgroup-create s
        XADD s 1-1 f v | XGROUP CREATE s g 0 => xgroup-create s
        {Group} | XGROUP CREATE s g 0 =>
        {Group} | XGROUP SETID s g $ => xgroup-setid s
        XADD s 1-1 f v | XGROUP SETID s g $ =>
        | XGROUP SETID s g $ =>
        {Group} | XGROUP DESTROY s g => xgroup-destroy s
        XADD s 1-1 f v | XGROUP DESTROY s g =>
        {Group} | XGROUP CREATECONSUMER s g c => xgroup-createconsumer s
        {Group} ; XGROUP CREATECONSUMER s g c | XGROUP CREATECONSUMER s g c =>
        {Group} ; XGROUP CREATECONSUMER s g c | XGROUP DELCONSUMER s g c => xgroup-delconsumer s
        {Group} | XGROUP DELCONSUMER s g c =>
        {Group} | XREADGROUP GROUP g c STREAMS s > => xgroup-createconsumer s
        {Group} | XREADGROUP GROUP g c STREAMS s 0 => xgroup-createconsumer s
        {Group} | XREADGROUP GROUP g c NOACK STREAMS s > => xgroup-createconsumer s
        {Pending} | XREADGROUP GROUP g c STREAMS s > =>
        {Pending} | XACK s g 1-1 =>
        {Pending} | XPENDING s g =>
        {Pending} | XCLAIM s g d 0 1-1 => xgroup-createconsumer s
        {Pending} | XCLAIM s g c 0 1-1 =>
        {Group} | XCLAIM s g d 0 1-1 FORCE => xgroup-createconsumer s
        {Pending} | XAUTOCLAIM s g d 0 0 => xgroup-createconsumer s
        | XCLAIM s g d 0 1-1 => keymiss s
        | XAUTOCLAIM s g d 0 0 => keymiss s
        | XREADGROUP GROUP g c STREAMS s > => keymiss s
        {Group} | XREADGROUP GROUP g c BLOCK 10 STREAMS s > => xgroup-createconsumer s
        """);

    // From 7.2 on a consumer comes into being whatever there is for him. What came later is named as its kin is.
    public static TheoryData<string> LaterRows => EventRow.Table(
        $"""
        XADD s 1-1 f v ; XGROUP CREATE s g $ | XREADGROUP GROUP g c STREAMS s > => xgroup-createconsumer s
        {Pending} | XCLAIM s g d 0 2-1 => xgroup-createconsumer s
        {Pending} | XCLAIM s g d 100000 1-1 => xgroup-createconsumer s
        {Pending} ; XDEL s 1-1 | XCLAIM s g d 0 1-1 => xgroup-createconsumer s
        {Group} | XAUTOCLAIM s g d 0 0 => xgroup-createconsumer s
        {Pending} | XAUTOCLAIM s g d 100000 0 => xgroup-createconsumer s
        XADD s 1-1 f v ; XGROUP CREATE s g $ | XREADGROUP GROUP g c BLOCK 10 STREAMS s > => xgroup-createconsumer s
        XADD s 1-1 f v | XDELEX s IDS 1 1-1 => xdel s
        XADD s 1-1 f v | XDELEX s IDS 1 2-1 =>
        {Pending} | XACKDEL s g DELREF IDS 1 1-1 => xdel s
        {Pending} | XNACK s g FAIL IDS 1 1-1 =>
        XADD s 1-1 f v | XCFGSET s IDMP-DURATION 100 =>
        | XADD s IDMP p m * f v => new s, xadd s
        XADD s IDMP p m * f v | XADD s IDMP p m * f v =>
        """);

    [Theory]
    [MemberData(nameof(Rows))]
    [MemberData(nameof(LaterRows))]
    public void A_command_tells_the_events_of_Redis_in_their_order(string row) => EventRow.Check(row);
}
