namespace Millrace.Server.Tests.Blocking;

/// <summary>Scenes of clients that wait for entries of streams, as <see cref="BlockingTests"/> writes them.</summary>
internal static class StreamScenes
{
    private const string Gone = "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
    private const string Waits =
        "d: XGROUP CREATE s g $ MKSTREAM = OK|a> XREADGROUP GROUP g a BLOCK 0 STREAMS s >";
    private const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";

    internal static string[] Texts { get; } =
    [
        // Everybody who waits gets a new entry; it stays.
        "a> XREAD BLOCK 0 STREAMS s $|b> XREAD BLOCK 0 STREAMS s 0|d: XADD s 1-1 f v = 1-1|a< [[s [[1-1 [f v]]]]]"
            + "|b< [[s [[1-1 [f v]]]]]|d: XLEN s = 1",
        // $ is what it meant in the beginning, for each stream.
        "d: XADD s 1-1 f v = 1-1|d: XADD t 5-1 f v = 5-1|a> XREAD BLOCK 0 STREAMS s t $ $|d: XDEL s 1-1 = 1|a? "
            + "|d: XADD t 5-2 f w = 5-2|a< [[t [[5-2 [f w]]]]]",
        "d: XADD s 3-3 f v = 3-3|a> XREAD BLOCK 0 STREAMS s 5-0|d: XADD s 4-0 f v = 4-0|a? |d: XADD s 5-1 f w = 5-1"
            + "|a< [[s [[5-1 [f w]]]]]",
        "a> XREAD BLOCK 0 STREAMS s +|d: XADD s 4-0 f v = 4-0|a< [[s [[4-0 [f v]]]]]",
        // What is there when the transaction ends counts.
        "a> XREAD BLOCK 0 STREAMS s 0|d: MULTI = OK|d: XADD s 1-1 f v = QUEUED|d: DEL s = QUEUED|d: EXEC = [1-1 1]|a? "
            + "|d: XADD s 2-1 f v = 2-1|a< [[s [[2-1 [f v]]]]]",
        "a> XREAD BLOCK 0 COUNT 5 STREAMS s 0|d: MULTI = OK|d: XADD s 1-1 f v = QUEUED|d: XADD s 1-2 f w = QUEUED"
            + "|d: EXEC = [1-1 1-2]|a< [[s [[1-1 [f v]] [1-2 [f w]]]]]",
        "a: MULTI = OK|a: XREAD BLOCK 0 STREAMS s $ = QUEUED|a: EXEC = [(nil)]",
        // Other types, deletion and renaming.
        "a> XREAD BLOCK 0 STREAMS s 0|d: RPUSH s 1 = 1|a? |d: DEL s = 1|a? |d: XADD s 1-1 f v = 1-1"
            + "|a< [[s [[1-1 [f v]]]]]",
        "d: XADD t 1-1 f v = 1-1|a> XREAD BLOCK 0 STREAMS s 0|d: RENAME t s = OK|a< [[s [[1-1 [f v]]]]]",
        // Time-outs and errors.
        "a: XREAD BLOCK 10 STREAMS s $ = (nil)|a: XREAD BLOCK -1 STREAMS s $ = ERR timeout is negative"
            + "|a: XREAD BLOCK 1.5 STREAMS s $ = ERR timeout is not an integer or out of range"
            + "|a: XREAD BLOCK 9223372036854775807 STREAMS s $ = ERR timeout is out of range",
        // A group hands an entry to one consumer only: the first that came.
        Waits + "|b> XREADGROUP GROUP g b BLOCK 0 STREAMS s >|d: XADD s 1-1 f v = 1-1|a< [[s [[1-1 [f v]]]]]|b? "
            + "|d: XADD s 1-2 f w = 1-2|b< [[s [[1-2 [f w]]]]]|d: XPENDING s g = [2 1-1 1-2 [[a 1] [b 1]]]",
        "d: XGROUP CREATE s g $ MKSTREAM = OK|a> XREADGROUP GROUP g a BLOCK 0 NOACK STREAMS s >|d: XADD s 1-1 f v = 1-1"
            + "|a< [[s [[1-1 [f v]]]]]|d: XPENDING s g = [0 (nil) (nil) (nil)]",
        // Who waits for a group hears when it is gone.
        Waits + "|d: DEL s = 1|a< " + Gone,
        Waits + "|d: XGROUP DESTROY s g = 1|a< "
            + Gone,
        Waits + "|d: SET s x = OK|a< "
            + WrongType,
        Waits + "|d: FLUSHALL = OK|a< " + Gone,
        Waits + "|d: SWAPDB 0 5 = OK|a< " + Gone,
        "d: XGROUP CREATE s g $ MKSTREAM = OK|d: PEXPIRE s 400 = 1|a> XREADGROUP GROUP g a BLOCK 0 STREAMS s >|a< "
            + Gone,
        "d: XGROUP CREATE s g $ MKSTREAM = OK|d: DEBUG SET-ACTIVE-EXPIRE 0 = OK|d: PEXPIRE s 400 = 1"
            + "|a> XREADGROUP GROUP g a BLOCK 0 STREAMS s >|d: DEBUG SLEEP 0.5 = OK|d: EXISTS s = 0|a< " + Gone,
        Waits + "|d: RENAME s t = OK|a< " + Gone,
        Waits + "|d: XGROUP SETID s g 0 = OK|a? "
            + "|d: XDEL s 1-1 = 0|a? |d: XADD s 1-1 f v = 1-1|a< [[s [[1-1 [f v]]]]]",
    ];
}
