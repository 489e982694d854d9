using System.Buffers;
using Millrace.Engine;
using Millrace.Engine.Values;
using Millrace.Resp;

namespace Millrace.Commands.Families;

/// <summary>How several keys are put together.</summary>
internal enum MergeKind
{
    Union,
    Intersection,
    Difference,
}

/// <summary>What becomes of the scores of a member that several keys have.</summary>
internal enum ScoreAggregate
{
    Sum,
    Min,
    Max,
}

/// <summary>
/// Several sorted sets that are put together: the options of a request, and the work.
/// </summary>
/// <remarks>
/// Unions and intersections go through the keys from the smallest to the largest, as Redis does: sums of doubles depend
/// on it. An infinity times 0, and infinities that cancel each other out, are 0. Used on one thread, released after
/// use.
/// </remarks>
internal ref struct SortedSetMerge
{
    private readonly MergeKind _kind;
    private readonly int _count;
    private SortedSetSource[] _rented;
    private ScoreAggregate _aggregate;

    private SortedSetMerge(MergeKind kind, int count)
    {
        _kind = kind;
        _count = count;
        _rented = ArrayPool<SortedSetSource>.Shared.Rent(count);
    }

    /// <summary>Whether the scores are to be sent.</summary>
    public bool WithScores { get; private set; }

    /// <summary>How many members are counted at most; 0: all.</summary>
    public long Limit { get; private set; }

    private readonly Span<SortedSetSource> Sources => _rented.AsSpan(0, _count);

    /// <summary>Reads a request; writes the error and returns false when it is wrong.</summary>
    /// <param name="call">The call.</param>
    /// <param name="kind">How the keys are put together.</param>
    /// <param name="countAt">The argument with the number of keys.</param>
    /// <param name="options">Which options there are.</param>
    /// <param name="merge">What was read; to be released also when the result is false.</param>
    public static bool TryRead(
        in Call call, MergeKind kind, int countAt, MergeOptions options, out SortedSetMerge merge)
    {
        merge = default;
        if (!call.TryInteger(countAt, out var count)) return false;
        if (count < 1)
        {
            ErrorTexts.WriteQuoting(
                call.Reply, "ERR at least 1 input key is needed for '"u8, call.Spec.NameBytes, "' command"u8);
            return false;
        }

        if (count > call.Args.Count - (countAt + 1))
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        merge = new SortedSetMerge(kind, (int)count);
        return merge.TryReadKeys(call, countAt + 1) && merge.TryReadOptions(call, countAt + 1 + (int)count, options);
    }

    /// <summary>Gives the memory back.</summary>
    public void Release()
    {
        if (_rented is null) return;
        Sources.Clear();
        ArrayPool<SortedSetSource>.Shared.Return(_rented);
        _rented = null!;
    }

    /// <summary>Puts the keys together; the result is finished.</summary>
    public readonly void Run(in Call call, ref SortedSetBuilder result)
    {
        switch (_kind)
        {
            case MergeKind.Union:
                SortBySize();
                foreach (var source in Sources)
                {
                    var adding = new AddingVisitor(ref result, source.Weight, _aggregate);
                    source.ForEach(ref adding);
                }

                break;
            case MergeKind.Intersection:
                SortBySize();
                if (Sources[0].Count == 0) break;
                var keeping = new IntersectingVisitor(call.Unit, Sources, _aggregate, ref result);
                Sources[0].ForEach(ref keeping);
                break;
            default:
                var remaining = new DifferenceVisitor(call.Unit, Sources, ref result);
                Sources[0].ForEach(ref remaining);
                break;
        }

        result.Finish();
    }

    /// <summary>Counts the members that all keys have, up to <see cref="Limit"/>.</summary>
    public readonly long CountCommon(in Call call)
    {
        SortBySize();
        if (Sources[0].Count == 0) return 0;
        var counting = new CountingVisitor(call.Unit, Sources, Limit);
        Sources[0].ForEach(ref counting);
        return counting.Count;
    }

    private readonly bool TryReadKeys(in Call call, int at)
    {
        for (var i = 0; i < _count; i++)
        {
            var entry = call.Read(at + i);
            if (!SortedSetSource.IsAllowed(entry))
            {
                call.Reply.Error(ErrorTexts.WrongType);
                return false;
            }

            Sources[i] = new SortedSetSource(entry, 1, i);
        }

        return true;
    }

    private bool TryReadOptions(in Call call, int at, MergeOptions options)
    {
        while (at < call.Args.Count)
        {
            var left = call.Args.Count - at;
            if ((options & MergeOptions.Weights) != 0 && left > _count && call.Is(at, "WEIGHTS"u8))
            {
                if (!TryReadWeights(call, at + 1)) return false;
                at += _count + 1;
            }
            else if ((options & MergeOptions.Weights) != 0 && left > 1 && call.Is(at, "AGGREGATE"u8))
            {
                if (!TryReadAggregate(call, at + 1)) return false;
                at += 2;
            }
            else if ((options & MergeOptions.Scores) != 0 && call.Is(at, "WITHSCORES"u8))
            {
                WithScores = true;
                at++;
            }
            else if ((options & MergeOptions.Limit) != 0 && left > 1 && call.Is(at, "LIMIT"u8))
            {
                if (!TryReadLimit(call, at + 1)) return false;
                at += 2;
            }
            else
            {
                call.Reply.Error(ErrorTexts.Syntax);
                return false;
            }
        }

        return true;
    }

    private readonly bool TryReadWeights(in Call call, int at)
    {
        for (var i = 0; i < _count; i++)
        {
            if (Numbers.TryParseDouble(call.Args[at + i], out var weight))
            {
                Sources[i].Weight = weight;
                continue;
            }

            call.Reply.Error("ERR weight value is not a float"u8);
            return false;
        }

        return true;
    }

    private bool TryReadAggregate(in Call call, int at)
    {
        if (call.Is(at, "SUM"u8)) _aggregate = ScoreAggregate.Sum;
        else if (call.Is(at, "MIN"u8)) _aggregate = ScoreAggregate.Min;
        else if (call.Is(at, "MAX"u8)) _aggregate = ScoreAggregate.Max;
        else
        {
            call.Reply.Error(ErrorTexts.Syntax);
            return false;
        }

        return true;
    }

    private bool TryReadLimit(in Call call, int at)
    {
        if (Numbers.TryParseInt64(call.Args[at], out var limit) && limit >= 0)
        {
            Limit = limit;
            return true;
        }

        call.Reply.Error("ERR LIMIT can't be negative"u8);
        return false;
    }

    private readonly void SortBySize() =>
        Sources.Sort(static (a, b) =>
        {
            var bySize = a.Count.CompareTo(b.Count);
            return bySize != 0 ? bySize : a.Index.CompareTo(b.Index);
        });

    private static double Weighted(double score, double weight)
    {
        var weighted = score * weight;
        return double.IsNaN(weighted) ? 0 : weighted;
    }

    private static double Aggregate(double score, double other, ScoreAggregate aggregate)
    {
        switch (aggregate)
        {
            case ScoreAggregate.Min: return other < score ? other : score;
            case ScoreAggregate.Max: return other > score ? other : score;
            default:
                var sum = score + other;
                return double.IsNaN(sum) ? 0 : sum;
        }
    }

    private readonly ref struct AddingVisitor(ref SortedSetBuilder result, double weight, ScoreAggregate aggregate)
        : IScoredMemberVisitor
    {
        private readonly ref SortedSetBuilder _result = ref result;

        public bool Visit(scoped ReadOnlySpan<byte> member, double score)
        {
            var value = Weighted(score, weight);
            var place = _result.Find(member);
            _result.Put(place, member, place.IsFound ? Aggregate(place.Score, value, aggregate) : value);
            return true;
        }
    }

    private readonly ref struct IntersectingVisitor(
        Unit unit, Span<SortedSetSource> sources, ScoreAggregate aggregate, ref SortedSetBuilder result)
        : IScoredMemberVisitor
    {
        private readonly Span<SortedSetSource> _sources = sources;
        private readonly ref SortedSetBuilder _result = ref result;

        public bool Visit(scoped ReadOnlySpan<byte> member, double score)
        {
            var value = Weighted(score, _sources[0].Weight);
            foreach (var source in _sources[1..])
            {
                double other;
                if (source.IsSameAs(_sources[0])) other = score;
                else if (!source.TryScore(unit, member, out other)) return true;
                value = Aggregate(value, other * source.Weight, aggregate);
            }

            _result.Put(_result.Find(member), member, value);
            return true;
        }
    }

    private readonly ref struct DifferenceVisitor(
        Unit unit, Span<SortedSetSource> sources, ref SortedSetBuilder result) : IScoredMemberVisitor
    {
        private readonly Span<SortedSetSource> _sources = sources;
        private readonly ref SortedSetBuilder _result = ref result;

        public bool Visit(scoped ReadOnlySpan<byte> member, double score)
        {
            foreach (var source in _sources[1..])
            {
                if (source.IsSameAs(_sources[0])) return false;
                if (source.TryScore(unit, member, out _)) return true;
            }

            _result.Put(_result.Find(member), member, score);
            return true;
        }
    }

    private ref struct CountingVisitor(Unit unit, Span<SortedSetSource> sources, long limit) : IScoredMemberVisitor
    {
        private readonly Span<SortedSetSource> _sources = sources;

        public long Count { get; private set; }

        public bool Visit(scoped ReadOnlySpan<byte> member, double score)
        {
            foreach (var source in _sources[1..])
            {
                if (!source.IsSameAs(_sources[0]) && !source.TryScore(unit, member, out _)) return true;
            }

            return ++Count != limit;
        }
    }
}

/// <summary>Which options a command has that puts sorted sets together.</summary>
[Flags]
internal enum MergeOptions
{
    None = 0,
    Weights = 1 << 0,
    Scores = 1 << 1,
    Limit = 1 << 2,
}
