using System.Runtime.InteropServices;
using Millrace.Engine.Values;

namespace Millrace.Commands.Families;

/// <summary>
/// What stands between the key of XADD or XTRIM and the fields: how the stream is trimmed, and the new entry's ID.
/// </summary>
/// <remarks>
/// <code>
///   XADD  key [NOMKSTREAM] [references] [producer] [trim] (* | id) field value ...
///   XTRIM key trim [references]
///   trim  (MAXLEN | MINID) [= | ~] threshold [LIMIT count]
///   references  KEEPREF | DELREF | ACKED
///   producer    IDMPAUTO producer | IDMP producer message      with * alone
/// </code>
/// Options may come in any order. Source: Redis 8.6 documentation, "XADD", "XTRIM".
/// </remarks>
[StructLayout(LayoutKind.Auto)]
internal struct StreamAddOptions
{
    // Without LIMIT a trim by whole nodes goes over so many of them.
    private const int NodesPerTrim = 100;
    private const int MaxEntriesPerTrim = 1_000_000;
    private const int DefaultEntriesPerTrim = 10_000;

    private long? _limit;
    private ReferencePolicy? _references;

    /// <summary>Whether a missing key stays missing.</summary>
    internal bool NeedsStream { get; private set; }

    /// <summary>The argument with the producer's name; 0: there is none.</summary>
    internal int ProducerAt { get; private set; }

    /// <summary>The argument with the message's name; 0: it follows from the fields.</summary>
    internal int MessageAt { get; private set; }

    /// <summary>How the stream is trimmed.</summary>
    internal StreamTrim Trim { get; private set; }

    /// <summary>The argument with the threshold; 0: there is none.</summary>
    internal int ThresholdAt { get; private set; }

    /// <summary>The argument with the ID.</summary>
    internal int IdAt { get; private set; }

    /// <summary>Whether the ID's milliseconds are given.</summary>
    internal bool HasId { get; private set; }

    /// <summary>Whether the ID's sequence is given.</summary>
    internal bool HasSequence { get; private set; }

    /// <summary>The ID as far as it is given.</summary>
    internal StreamId Id { get; private set; }

    /// <summary>Reads the options; writes an error when they are wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="adds">Whether an entry is added (XADD).</param>
    /// <param name="options">What they say.</param>
    internal static bool TryRead(in Call call, bool adds, out StreamAddOptions options)
    {
        options = default;
        var at = 2;
        for (; at < call.Args.Count; at++)
        {
            var isLast = at + 1 == call.Args.Count;
            if (adds && call.Args[at].SequenceEqual("*"u8)) break;
            if (!isLast && call.Is(at, "MAXLEN"u8))
            {
                if (!options.TryReadThreshold(call, ref at, TrimStrategy.Length)) return false;
            }
            else if (!isLast && call.Is(at, "MINID"u8))
            {
                if (!options.TryReadThreshold(call, ref at, TrimStrategy.Id)) return false;
            }
            else if (!isLast && call.Is(at, "LIMIT"u8))
            {
                if (!options.TryReadLimit(call, ++at)) return false;
            }
            else if (adds && call.Is(at, "NOMKSTREAM"u8))
            {
                options.NeedsStream = true;
            }
            else if (adds && !isLast && (call.Is(at, "IDMP"u8) || call.Is(at, "IDMPAUTO"u8)))
            {
                if (!options.TryReadProducer(call, ref at)) return false;
            }
            else if (options._references is null && StreamIdBlock.TryReadPolicy(call, at, out var references))
            {
                options._references = references;
            }
            else if (adds)
            {
                if (!StreamText.TryReadNewId(call, at, out var id, out var hasSequence)) return false;
                options.Id = id;
                options.HasId = true;
                options.HasSequence = hasSequence;
                break;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        options.IdAt = at;
        return options.IsComplete(call, adds);
    }

    private bool TryReadThreshold(in Call call, ref int at, TrimStrategy strategy)
    {
        if (Trim.Strategy != TrimStrategy.None)
        {
            call.Reply.Error("ERR syntax error, MAXLEN and MINID options at the same time are not compatible"u8);
            return false;
        }

        at++;
        var isApproximate = call.Args[at].SequenceEqual("~"u8);
        if (at + 1 < call.Args.Count && (isApproximate || call.Args[at].SequenceEqual("="u8))) at++;
        else isApproximate = false;
        ThresholdAt = at;
        if (strategy == TrimStrategy.Id)
        {
            if (!StreamText.TryReadId(call, at, out var id)) return false;
            Trim = new StreamTrim(strategy, 0, id, isApproximate, 0);
            return true;
        }

        if (!call.TryInteger(at, out var length)) return false;
        Trim = new StreamTrim(strategy, length, default, isApproximate, 0);
        if (length >= 0) return true;
        call.Reply.Error("ERR The MAXLEN argument must be >= 0."u8);
        return false;
    }

    private bool TryReadLimit(in Call call, int at)
    {
        if (!call.TryInteger(at, out var limit)) return false;
        _limit = limit;
        if (limit >= 0) return true;
        call.Reply.Error("ERR The LIMIT argument must be >= 0."u8);
        return false;
    }

    private bool TryReadProducer(in Call call, ref int at)
    {
        var isNamed = call.Is(at, "IDMP"u8);
        var last = at + (isNamed ? 2 : 1);
        if (ProducerAt > 0 || last >= call.Args.Count)
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        ProducerAt = at + 1;
        MessageAt = isNamed ? last : 0;
        at = last;
        if (!call.Args[ProducerAt].IsEmpty && !call.Args[last].IsEmpty) return true;
        call.Reply.Error(ErrorTexts.EmptyProducer);
        return false;
    }

    private bool IsComplete(in Call call, bool adds)
    {
        if (ProducerAt > 0 && HasId)
        {
            call.Reply.Error("ERR syntax error, IDMP and IDMPAUTO can be used with an auto-generated ID only"u8);
            return false;
        }

        if (_limit > 0 && Trim.Strategy == TrimStrategy.None)
        {
            call.Reply.Error("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"u8);
            return false;
        }

        if (!adds && Trim.Strategy == TrimStrategy.None)
        {
            call.Reply.Error("ERR syntax error, XTRIM must be called with a trimming strategy"u8);
            return false;
        }

        // Redis records how much it has trimmed in fact, and leaves the LIMIT there.
        if (call.Unit.IsLoading && !Trim.IsApproximate) _limit = null;
        if (_limit is not null && !Trim.IsApproximate)
        {
            call.Reply.Error("ERR syntax error, LIMIT cannot be used without the special ~ option"u8);
            return false;
        }

        Trim = Trim with
        {
            References = _references ?? ReferencePolicy.Keep,
            Limit = Trim.IsApproximate ? _limit ?? LimitOf(call) : 0,
        };
        return true;
    }

    private static long LimitOf(in Call call)
    {
        var entries = call.Unit.Keyspace.Encodings.StreamNodes.MaxEntries;
        if (entries <= 0) return DefaultEntriesPerTrim;
        return entries > MaxEntriesPerTrim / NodesPerTrim ? MaxEntriesPerTrim : NodesPerTrim * entries;
    }
}
