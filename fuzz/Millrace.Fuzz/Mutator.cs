using System.Text;

namespace Millrace.Fuzz;

/// <summary>Makes new inputs from old ones: some stacked changes of bits, bytes, numbers, blocks and known
/// tokens.</summary>
public sealed class Mutator
{
    private const int MostStackedChanges = 8;

    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "2", "16", "31", "32", "33", "63", "64", "65", "255", "511", "512", "513", "1023", "1024",
        "1025", "16384", "16385", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807",
        "9223372036854775808", "00", "+1", "-0", " 1", "1.5", "1e3",
    ];

    private readonly Random _random;
    private readonly IReadOnlyList<byte[]> _tokens;
    private readonly int _maxBytes;
    private readonly byte[] _scratch;
    private int _length;

    /// <summary>A mutator for inputs of at most that many bytes.</summary>
    public Mutator(Random random, IReadOnlyList<byte[]> tokens, int maxBytes)
    {
        _random = random;
        _tokens = tokens;
        _maxBytes = maxBytes;
        _scratch = new byte[maxBytes];
    }

    /// <summary>A changed copy of <paramref name="parent"/>; valid until the next call.</summary>
    public ReadOnlySpan<byte> Mutate(byte[] parent, byte[] other)
    {
        _length = Math.Min(parent.Length, _maxBytes);
        parent.AsSpan(0, _length).CopyTo(_scratch);
        int changes = 1 + _random.Next(_random.Next(1, MostStackedChanges + 1));
        for (int i = 0; i < changes; i++)
            Change(other);
        return _scratch.AsSpan(0, _length);
    }

    private void Change(byte[] other)
    {
        switch (_random.Next(10))
        {
            case 0: FlipBit(); break;
            case 1: SetByte((byte)_random.Next(256)); break;
            case 2: SetByte((byte)_random.Next(32, 127)); break;
            case 3: Insert([(byte)_random.Next(256)]); break;
            case 4: Remove(); break;
            case 5: Insert(Piece(_scratch.AsSpan(0, _length).ToArray())); break;
            case 6: Insert(Piece(other)); break;
            case 7: Insert(_tokens[_random.Next(_tokens.Count)]); break;
            case 8: Overwrite(_tokens[_random.Next(_tokens.Count)]); break;
            default: ReplaceNumber(); break;
        }
    }

    private void FlipBit()
    {
        if (_length > 0)
            _scratch[_random.Next(_length)] ^= (byte)(1 << _random.Next(8));
    }

    private void SetByte(byte value)
    {
        if (_length > 0)
            _scratch[_random.Next(_length)] = value;
    }

    private void Remove()
    {
        if (_length == 0)
            return;
        int at = _random.Next(_length);
        Cut(at, Math.Min(_length - at, 1 + _random.Next(_random.Next(1, 32))));
    }

    private void Cut(int at, int count)
    {
        _scratch.AsSpan(at + count, _length - at - count).CopyTo(_scratch.AsSpan(at));
        _length -= count;
    }

    private void Insert(ReadOnlySpan<byte> bytes) => InsertAt(_random.Next(_length + 1), bytes);

    private void InsertAt(int at, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _maxBytes - _length)
            return;
        _scratch.AsSpan(at, _length - at).CopyTo(_scratch.AsSpan(at + bytes.Length));
        bytes.CopyTo(_scratch.AsSpan(at));
        _length += bytes.Length;
    }

    private void Overwrite(ReadOnlySpan<byte> bytes)
    {
        int at = _random.Next(_length + 1);
        int count = Math.Min(bytes.Length, _maxBytes - at);
        bytes[..count].CopyTo(_scratch.AsSpan(at));
        _length = Math.Max(_length, at + count);
    }

    private ReadOnlySpan<byte> Piece(byte[] source)
    {
        if (source.Length == 0)
            return source;
        int at = _random.Next(source.Length);
        return source.AsSpan(at, 1 + _random.Next(Math.Min(source.Length - at, 64)));
    }

    private void ReplaceNumber()
    {
        int start = _random.Next(_length + 1);
        while (start < _length && !char.IsAsciiDigit((char)_scratch[start]))
            start++;
        int end = start;
        while (end < _length && char.IsAsciiDigit((char)_scratch[end]))
            end++;
        Cut(start, end - start);
        InsertAt(start, Encoding.ASCII.GetBytes(Numbers[_random.Next(Numbers.Length)]));
    }
}
