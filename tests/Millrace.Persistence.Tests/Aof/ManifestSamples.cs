namespace Millrace.Persistence.Tests.Aof;

/// <summary>Manifests, right and wrong, with what the parser says; the same are shown to a real server.</summary>
internal static class ManifestSamples
{
    private const string Incr = "file a.1.incr.aof seq 1 type i";
    private const string Bad = "Invalid AOF manifest file format";
    private const string TooLong = "The AOF manifest file contains too long line";
    private const string Path = "File can't be a path, just a filename";
    private const string Monotonic = "Found a non-monotonic sequence number";
    private const string Duplicate = "Found duplicate base file information";
    private const string Unknown = "Unknown AOF file type";

    /// <summary>Manifests, and the reason for which each is refused, or null.</summary>
    internal static (string Text, string? Reason)[] All { get; } =
    [
        (Incr + "\n", null),
        ("file a.1.base.aof seq 1 type b\n" + Incr + "\n", null),
        ("file a.1.base.aof seq 1 type b newkey newvalue\n" + Incr + "\nfile a.3.incr.aof seq 3 type i\n", null),
        ("", "Found an empty AOF manifest"),
        (Incr, TooLong),
        (Incr + "\r\n", null),
        (Incr + "\n\n", Bad),
        (Incr + "\n \t\r\n", Bad),
        ("# comment\n" + Incr + "\n#", null),
        ("# comment\n", null),
        (" # no comment\n", Bad),
        ("#\0\n" + Incr + "\n", null),
        (Incr + "\0\n", TooLong),
        ("\0\n", TooLong),
        ("filx a.1.incr.aof seq 1 type i\n", Bad),
        ("file a.1.incr.aof type i\n", Bad),
        (Incr + " newkey\n", Bad),
        ("file a.1.incr.aof seq 1 type x\n", Unknown),
        ("file a.1.incr.aof seq 1 type I\n", Unknown),
        ("file a.1.incr.aof seq 1 type incr\n", null),
        ("file a.1.incr.aof seq 1 type \"\"\n", Bad),
        ("FILE a.1.incr.aof SEQ 1 tyPe i\n", null),
        ("type i seq 1 file a.1.incr.aof\n", null),
        ("file none seq 7 " + Incr + "\n", null),
        ("file a.1.incr.aof seq 0 type i\n", Bad),
        ("file a.1.incr.aof seq x type i\n", Bad),
        ("file a.1.incr.aof seq 1x type i\n", null),
        ("file a.1.incr.aof seq +1 type i\n", null),
        ("file a.1.incr.aof seq \" \\n1\" type i\n", null),
        ("file a.1.incr.aof seq -1 type i\n", Monotonic),
        ("file a.1.incr.aof seq -99999999999999999999999 type i\n", Monotonic),
        ("file a.1.base.aof seq -7 type b\n", null),
        ("file a.2.incr.aof seq 2 type i\n" + Incr + "\n", Monotonic),
        (Incr + "\n" + Incr + "\n", Monotonic),
        ("file a.1.base.aof seq 1 type b\nfile a.2.base.aof seq 2 type b\n" + Incr + "\n", Duplicate),
        (Incr + "\nfile gone seq 9 type h\nfile gone seq 9 type h\n", null),
        ("file \"a.1.incr.aof\" seq 1 type i\n", null),
        ("file 'a.1.incr.aof' seq 1 type i\n", null),
        ("file \"\\x61.1.incr.aof\" seq 1 type i\n", null),
        ("file \"a.1.incr.aof\\x00zzz\" seq 1 type i\n", null),
        ("\"file\\x00zzz\" a.1.incr.aof seq 1 type i\n", null),
        ("file \"a.1.incr.aof seq 1 type i\n", Bad),
        ("file \"a.1.incr.aof\"seq 1 type i x\n", Bad),
        ("file ../x/a.1.incr.aof seq 1 type i\n", Path),
        ("file a\\b seq 1 type i\n", Path),
        ("file \"\" seq 1 type i\n", Path),
        ("file . seq 1 type i\n", Path),
        ("file .. seq 1 type b\n", Path),
        ("  \t" + Incr + "  \n", null),
        ("\v" + Incr + "\n", null),
        ("file a.1.incr.aof\vseq 1 type i\n", Bad),
        ("file a.1.incr.aof \fseq 1 type i\n", null),
        ((Incr + " k " + new string('v', 2000))[..1023] + "\n", null),
        ((Incr + " k " + new string('v', 2000))[..1024] + "\n", TooLong),
        ("#" + new string('x', 1023) + Incr + "\n", null),
        ("#" + new string('x', 1500) + "\n" + Incr + "\n", Bad),
        (new string('#', 1500) + "\n" + Incr + "\n", null),
    ];

    /// <summary>What is refused here and not by Redis: numbers that leave no room, names that are not UTF-8.</summary>
    internal static (string Text, string? Reason)[] Stricter { get; } =
    [
        ("file a seq 99999999999999999999999 type i\n", "Found a sequence number that leaves no room for others"),
        ("file a seq 4611686018427387904 type b\n", "Found a sequence number that leaves no room for others"),
        (Incr + "\nfile .. seq 1 type h\n", Path),
        ("file \"\\xff\" seq 1 type b\n", "The name of a file is not UTF-8"),
    ];
}
