// The arguments that the commands on deadlines of fields have in common:
//
//     FIELDS numfields field ...                    at a fixed place, up to the last argument
//     [FNX | FXX] [expiry] FIELDS numfields ...     options on either side of the fields (HGETEX, HSETEX)
//
// Source: Redis documentation, "HEXPIRE" (7.4), "HGETEX", "HSETEX" (8.0).

using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>Where the fields of a call are.</summary>
/// <param name="First">The argument of the first.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Width">Arguments for one field: 2 with its value.</param>
internal readonly record struct HashFieldList(int First, int Count, int Width = 1)
{
    /// <summary>The argument behind the last.</summary>
    public int End => First + (Count * Width);

    /// <summary>The argument that names the field at an index.</summary>
    public int ArgOf(int index) => First + (index * Width);

    /// <summary>Reads FIELDS and what follows from an argument to the end; writes the error and returns false when that
    /// is wrong.</summary>
    public static bool TryRead(in Call call, int at, out HashFieldList fields)
    {
        fields = default;
        if (at + 1 >= call.Args.Count || !call.Is(at, "FIELDS"u8))
        {
            WriteMissing(call);
            return false;
        }

        if (!TryReadBlock(call, at, 1, out fields)) return false;
        if (fields.End == call.Args.Count) return true;
        WriteMismatch(call);
        return false;
    }

    /// <summary>Reads the number and the fields behind the word FIELDS. Requires: an argument behind it.</summary>
    internal static bool TryReadBlock(in Call call, int at, int width, out HashFieldList fields)
    {
        fields = default;
        if (!Numbers.TryParseInt64(call.Args[at + 1], out var count) || count is < 1 or > int.MaxValue)
        {
            call.Reply.Error("ERR Parameter `numFields` should be greater than 0"u8);
            return false;
        }

        if (count > (call.Args.Count - at - 2) / width)
        {
            WriteMismatch(call);
            return false;
        }

        fields = new HashFieldList(at + 2, (int)count, width);
        return true;
    }

    internal static void WriteMissing(in Call call) =>
        call.Reply.Error("ERR Mandatory argument FIELDS is missing or not at the right position"u8);

    internal static void WriteMismatch(in Call call) =>
        call.Reply.Error("ERR The `numfields` parameter must match the number of arguments"u8);
}

/// <summary>The options of HGETEX and HSETEX.</summary>
internal struct HashFieldOptions
{
    private ExpiryOption _expiry;

    /// <summary>The fields.</summary>
    public HashFieldList Fields { get; private set; }

    /// <summary>When they are to expire.</summary>
    public readonly ExpiryOption Expiry => _expiry;

    /// <summary>FNX: none of the fields may be there.</summary>
    public bool OnlyNew { get; private set; }

    /// <summary>FXX: all of the fields must be there.</summary>
    public bool OnlyExisting { get; private set; }

    /// <summary>Reads them; writes the error and returns false when they are wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="width">1: HGETEX, fields alone; 2: HSETEX, fields with values.</param>
    /// <param name="options">What was read.</param>
    public static bool TryRead(in Call call, int width, out HashFieldOptions options)
    {
        options = default;
        for (var at = 2; at < call.Args.Count; at++)
        {
            if (call.Is(at, "FIELDS"u8))
            {
                if (options.Fields.Count > 0 || at + 1 >= call.Args.Count) return Refuse(call);
                if (!HashFieldList.TryReadBlock(call, at, width, out var fields)) return false;
                options.Fields = fields;
                at = fields.End - 1;
            }
            else if (!options.TryTake(call, width, ref at))
            {
                return false;
            }
        }

        if (options.Fields.Count > 0) return true;
        HashFieldList.WriteMissing(call);
        return false;
    }

    private bool TryTake(in Call call, int width, ref int at)
    {
        if (width == 2 && call.Is(at, "FNX"u8)) OnlyNew = true;
        else if (width == 2 && call.Is(at, "FXX"u8)) OnlyExisting = true;
        else return TryTakeExpiry(call, width, ref at);
        if (!OnlyNew || !OnlyExisting) return true;
        call.Reply.Error("ERR Only one of FXX or FNX arguments can be specified"u8);
        return false;
    }

    private bool TryTakeExpiry(in Call call, int width, ref int at)
    {
        var kind = ExpiryOption.KindOf(call.Args[at]);
        if (kind == ExpiryKind.None || kind == (width == 2 ? ExpiryKind.Persist : ExpiryKind.Keep))
        {
            // Behind the fields: more of them than their number says.
            if (Fields.Count > 0) HashFieldList.WriteMismatch(call);
            else ErrorTexts.WriteQuoting(call.Reply, "ERR unknown argument: "u8, call.Args[at], default);
            return false;
        }

        if (_expiry.Kind != ExpiryKind.None)
        {
            call.Reply.Error(width == 2
                ? "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified"u8
                : "ERR Only one of EX, PX, EXAT, PXAT or PERSIST arguments can be specified"u8);
            return false;
        }

        return _expiry.TryTake(call, kind, ref at) || Refuse(call);
    }

    private static bool Refuse(in Call call)
    {
        call.Reply.Error(ErrorTexts.Syntax);
        return false;
    }
}
