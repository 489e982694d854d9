using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Millrace.Engine.Values;
using Millrace.Memory;

namespace Millrace.Engine;

/// <summary>
/// A digest of data: equal for equal data, however and in whatever order it came to be, and equal to Redis's.
/// </summary>
/// <remarks>
/// <code>
///   Xor(x)   digest = digest ^ SHA1(x)             the order of what is added says nothing: members of a set, keys
///   Mix(x)   digest = SHA1(digest ^ SHA1(x))       the order counts: elements of a list, a field and its value
///
///   value    Mix(type, 4 bytes big-endian), the value, Xor("!!expire!!") if the key has a deadline
///   key      Mix(name), value                      begun from zeros, then added by Xor
///   data     for each database with keys: Mix(number, 4 bytes big-endian), its keys
/// </code>
/// Source: replies of redis-server 7.0.15 to DEBUG DIGEST and DEBUG DIGEST-VALUE, with which the tests compare.
/// </remarks>
public struct DataDigest
{
    private const int WordBytes = sizeof(int);
    private State _state;

    /// <summary>The 20 bytes of the digest; zeros for nothing.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Bytes => _state;

    /// <summary>Adds a text whose place among the others says nothing.</summary>
    public void Xor(scoped ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[Sha1.DigestBytes];
        Sha1.Hash(text, hash);
        Span<byte> state = _state;
        for (var i = 0; i < hash.Length; i++) state[i] ^= hash[i];
    }

    /// <summary>Adds a text after what was added before.</summary>
    public void Mix(scoped ReadOnlySpan<byte> text)
    {
        Xor(text);
        Sha1.Hash(_state, _state);
    }

    /// <summary>Adds a member: a text, or the integer that it stands for.</summary>
    public void Xor(scoped ListpackElement member)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        Xor(member.Text(digits));
    }

    /// <summary>Adds an element after what was added before: its text, or that of the integer.</summary>
    public void Mix(scoped ListpackElement element)
    {
        Span<byte> digits = stackalloc byte[ListpackElement.MaxIntegerBytes];
        Mix(element.Text(digits));
    }

    /// <summary>Adds a number after what was added before.</summary>
    public void Mix(int number)
    {
        Span<byte> bytes = stackalloc byte[WordBytes];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        Mix(bytes);
    }

    /// <summary>Adds a score after what was added before, as the text that C's %.17g makes of it.</summary>
    public void Mix(double score)
    {
        if (double.IsInfinity(score)) Mix(score > 0 ? "inf"u8 : "-inf"u8);
        else Mix(Encoding.ASCII.GetBytes(WithSeventeenDigits(score)));
    }

    private static string WithSeventeenDigits(double score)
    {
        const int Digits = 17;
        var text = score.ToString("E16", CultureInfo.InvariantCulture); // d.dddddddddddddddddE+ddd
        var exponent = int.Parse(text.AsSpan(text.IndexOf('E') + 1), CultureInfo.InvariantCulture);
        if (exponent is < -4 or >= Digits)
        {
            var mantissa = text[..text.IndexOf('E')].TrimEnd('0').TrimEnd('.');
            return $"{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
        }

        var sign = double.IsNegative(score) ? "-" : ""; // of -0, too
        var digits = text[sign.Length..text.IndexOf('E')].Replace(".", "", StringComparison.Ordinal);
        if (exponent < 0) digits = new string('0', -exponent) + digits;
        var whole = digits[..(Math.Max(exponent, 0) + 1)];
        var rest = digits[whole.Length..].TrimEnd('0');
        return rest.Length == 0 ? sign + whole : $"{sign}{whole}.{rest}";
    }

    /// <summary>Adds the value of an entry and that it has a deadline. O(members).</summary>
    public void AddValue(in Entry entry)
    {
        Mix((int)entry.Type);
        Value.AddTo(ref this, entry);
        if (entry.HasDeadline) Xor("!!expire!!"u8);
    }

    /// <summary>Adds an entry with its key.</summary>
    public void AddEntry(in Entry entry)
    {
        var one = default(DataDigest);
        one.Mix(entry.Key);
        one.AddValue(entry);
        Xor(one.Bytes);
    }

    /// <summary>Adds all databases. Requires: all partitions are held. O(data).</summary>
    public void AddAll(Keyspace keyspace)
    {
        for (var database = 0; database < keyspace.Shape.Databases; database++)
        {
            var hasKeys = false;
            for (var i = 0; i < keyspace.Shape.Partitions && !hasKeys; i++)
                hasKeys = keyspace[i].Table(database) is { Count: > 0 };
            if (!hasKeys) continue;
            Mix(database);
            for (var i = 0; i < keyspace.Shape.Partitions; i++)
            {
                if (keyspace[i].Table(database) is not { } table) continue;
                var walker = new EntryDigests(keyspace[i].Heap, this);
                table.Entries.Walk(ref walker);
                this = walker.Digest;
            }
        }
    }

    [InlineArray(Sha1.DigestBytes)]
    private struct State
    {
        private byte _first;
    }

    private struct EntryDigests(Heap heap, DataDigest digest) : IEntryWalker
    {
        internal DataDigest Digest = digest;

        public readonly bool IsDone => false;

        public void Visit(BlockRef entry) => Digest.AddEntry(new Entry(heap, entry));
    }
}
