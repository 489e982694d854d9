// Tests of integer and double texts. The expected doubles come from Redis 7.2.4's own d2string and fpconv; 7.0.15 still
// sends "%.17g" (0.1 -> 0.10000000000000001), so that server cannot be asked.

using System.Globalization;
using System.Numerics;
using System.Text;

namespace Millrace.Resp.Tests;

public sealed class NumbersTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("7", 7)]
    [InlineData("-1", -1)]
    [InlineData("1234567890", 1234567890)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("1000000000000000000", 1000000000000000000)]
    public void An_integer_is_read_and_written_in_its_one_form(string text, long value)
    {
        Assert.True(Numbers.TryParseInt64(Encoding.Latin1.GetBytes(text), out long read));
        Assert.Equal(value, read);
        byte[] to = new byte[Numbers.MaxInt64Bytes];
        Assert.Equal(text, Encoding.Latin1.GetString(to, 0, Numbers.FormatInt64(value, to)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("+1")]
    [InlineData("00")]
    [InlineData("01")]
    [InlineData("-0")]
    [InlineData("-01")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("0x1")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("18446744073709551616")]
    [InlineData("99999999999999999999")]
    [InlineData("100000000000000000000")]
    [InlineData("1\0")]
    public void Other_forms_are_no_integers(string text)
    {
        Assert.False(Numbers.TryParseInt64(Encoding.Latin1.GetBytes(text), out long value));
        Assert.Equal(0, value);
    }

    [Theory]
    [InlineData(0.1, "0.1")]
    [InlineData(3.14, "3.14")]
    [InlineData(1e+17, "100000000000000000")]
    [InlineData(1e+20, "1e+20")]
    [InlineData(1.2345678901234568e+17, "123456789012345680")]
    [InlineData(1e-05, "0.00001")]
    [InlineData(1e-06, "0.000001")]
    [InlineData(1e-07, "1e-7")]
    [InlineData(1.5e+300, "1.5e+300")]
    [InlineData(1.234e-05, "1.234e-5")]
    [InlineData(1.234e-06, "1.234e-6")]
    [InlineData(1.234e-07, "1.234e-7")]
    [InlineData(5e-324, "5e-324")]
    [InlineData(1e+21, "1e+21")]
    [InlineData(1e+22, "1e+22")]
    [InlineData(1e+23, "99999999999999990000000")]
    [InlineData(12345678.9, "12345678.9")]
    [InlineData(9007199254740992.0, "9007199254740992")]
    [InlineData(4.611686018427388e+18, "4611686018427387904")]
    [InlineData(4.611686018427389e+18, "4611686018427389000")]
    [InlineData(9.223372036854776e+18, "9223372036854776000")]
    [InlineData(0.30000000000000004, "0.30000000000000004")]
    [InlineData(2.2250738585072014e-308, "2.2250738585072014e-308")]
    [InlineData(1.7976931348623157e+308, "1.7976931348623157e+308")]
    [InlineData(1.23e+22, "12300000000000001000000")]
    [InlineData(1.2345678e+20, "1.2345678e+20")]
    [InlineData(1.2345678e+21, "1.2345678e+21")]
    [InlineData(-1.5, "-1.5")]
    [InlineData(-1e-10, "-1e-10")]
    [InlineData(-123456789.0, "-123456789")]
    [InlineData(1234567890123456.8, "1234567890123456.7")]
    [InlineData(0.001, "0.001")]
    [InlineData(9.999999999999998e+19, "99999999999999980000")]
    [InlineData(5e-05, "0.00005")]
    [InlineData(2.3e-05, "0.000023")]
    [InlineData(9.5367431640625e-07, "9.5367431640625e-7")]
    [InlineData(3.141, "3.141")]
    [InlineData(100.0, "100")]
    [InlineData(-100.0, "-100")]
    [InlineData(4.35, "4.35")]
    [InlineData(0.5, "0.5")]
    [InlineData(1e+100, "1e+100")]
    [InlineData(1.25e-100, "1.25e-100")]
    [InlineData(2000000000.0, "2000000000")]
    [InlineData(9.109383632e-31, "9.109383632e-31")]
    [InlineData(6.02214076e+23, "6.02214076e+23")]
    [InlineData(1.3876741839890317e+18, "1387674183989031680")]
    [InlineData(3.0135910076946246e+17, "301359100769462464")]
    [InlineData(5.861412585033709e+17, "586141258503370880")]
    [InlineData(2.3733660385428733e+17, "237336603854287328")]
    [InlineData(0.0, "0")]
    [InlineData(-0.0, "-0")]
    [InlineData(double.NaN, "nan")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(double.NegativeInfinity, "-inf")]
    public void A_double_is_written_as_Redis_7_2_sends_it(double value, string expected)
    {
        byte[] to = new byte[Numbers.MaxDoubleBytes];
        Assert.Equal(expected, Encoding.Latin1.GetString(to, 0, Numbers.FormatDouble(value, to)));
    }

    [Fact]
    public void Every_double_fits_its_buffer_and_reads_back_the_same()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        byte[] to = new byte[Numbers.MaxDoubleBytes];
        for (int i = 0; i < 200_000; i++)
        {
            double value = BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue));
            if (double.IsNaN(value)) continue;
            int length = Numbers.FormatDouble(value, to);
            Assert.True(Numbers.TryParseDouble(to.AsSpan(0, length), out double back), $"seed {seed}, {value:R}");
            bool isSame = BitConverter.DoubleToInt64Bits(value) == BitConverter.DoubleToInt64Bits(back);
            Assert.True(isSame, $"seed {seed}, {value:R}");
        }
    }

    [Fact]
    public void The_cached_powers_of_ten_are_rounded_to_nearest()
    {
        for (int i = 0; i < DoubleText.PowerFractions.Length; i++)
        {
            int power = DoubleText.FirstPower + (i * DoubleText.PowerStep);
            int exponent = DoubleText.PowerExponent(power);
            BigInteger numerator = BigInteger.Pow(10, Math.Max(power, 0)) << Math.Max(-exponent, 0);
            BigInteger denominator = BigInteger.Pow(10, Math.Max(-power, 0)) << Math.Max(exponent, 0);
            BigInteger rounded = ((2 * numerator) + denominator) / (2 * denominator);
            Assert.Equal(rounded, DoubleText.PowerFractions[i]);
        }
    }

    [Theory]
    [InlineData("1.5", 1.5)]
    [InlineData("+1.5", 1.5)]
    [InlineData("-.5", -0.5)]
    [InlineData("5.", 5.0)]
    [InlineData("1e3", 1000.0)]
    [InlineData("1E+3", 1000.0)]
    [InlineData("0x1.8p1", 3.0)]
    [InlineData("0XaP-1", 5.0)]
    [InlineData("0x.8", 0.5)]
    [InlineData("0x1.00000000000008p0", 1.0)]
    [InlineData("0x1.000000000000080000000000000000000000000001p0", 1.0000000000000002)]
    [InlineData("0x1p-1074", double.Epsilon)]
    [InlineData("inf", double.PositiveInfinity)]
    [InlineData("+INF", double.PositiveInfinity)]
    [InlineData("-Infinity", double.NegativeInfinity)]
    [InlineData("4.9e-324", double.Epsilon)]
    [InlineData("1.7976931348623157e308", double.MaxValue)]
    [InlineData("0e99999999999999999999", 0.0)]
    public void A_double_is_read_as_strtod_reads_it(string text, double expected)
    {
        Assert.True(Numbers.TryParseDouble(Encoding.Latin1.GetBytes(text), out double value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nan")]
    [InlineData("-nan")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1,5")]
    [InlineData(".")]
    [InlineData("-")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("e5")]
    [InlineData("0x")]
    [InlineData("0x.p1")]
    [InlineData("0x1p")]
    [InlineData("0x1e5p")]
    [InlineData("1e309")]
    [InlineData("-1e309")]
    [InlineData("1e-400")]
    [InlineData("0x1p1024")]
    [InlineData("0x1p-1076")]
    [InlineData("1e99999999999999999999")]
    [InlineData("infinit")]
    [InlineData("1\0")]
    public void Other_texts_are_no_doubles(string text)
    {
        Assert.False(Numbers.TryParseDouble(Encoding.Latin1.GetBytes(text), out double value));
        Assert.Equal(0, value);
    }

    [Theory]
    [InlineData("3.0", "1.1", "4.1")]
    [InlineData("0.1", "0.2", "0.3")]
    [InlineData("10.50", "0.1", "10.6")]
    [InlineData("5.0e3", "2.0e2", "5200")]
    [InlineData("-0", "-0", "0")]
    [InlineData("1e-30", "-2e-30", "0")]
    [InlineData("0.3", "-0.3", "0")]
    [InlineData("1e19", "0.5", "10000000000000000000")]
    [InlineData("18446744073709551615", "0.25", "18446744073709551615")]
    [InlineData("18446744073709551615", "1", "18446744073709551616")]
    [InlineData("9223372036854775807", "0.1", "9223372036854775807")]
    [InlineData("17179869184", "1.5", "17179869185.5")]
    [InlineData("1.23456789012345678901", "0", "1.23456789012345679")]
    [InlineData("1e25", "1e-10", "10000000000000000000000000")]
    [InlineData("3", "0.000000000000000005", "3")]
    [InlineData("3", "0.0000000000000000051", "3.00000000000000001")]
    [InlineData("0x1.8p3", "0x.8", "12.5")]
    [InlineData("0X1P-3", "0", "0.125")]
    [InlineData("-1.5", "1e-17", "-1.49999999999999999")]
    [InlineData("1e4000", "-1e4000", "0")]
    [InlineData("3.6e-4951", "0", "0")]
    [InlineData("999999999999999999.99", "0.01", "1000000000000000000")]
    [InlineData("2.5e-17", "0", "0.00000000000000002")]
    [InlineData("1.5e-17", "0", "0.00000000000000002")]
    [InlineData("0.5e-17", "0", "0")]
    [InlineData("0.50000000000000000001e-17", "0", "0")]
    [InlineData("+7", ".25", "7.25")]
    [InlineData("5.", "5", "10")]
    [InlineData("123456789.123456789", "987654321.987654321", "1111111111.11111110995989293")]
    [InlineData("1e22", "1", "10000000000000000000000")]
    [InlineData("1e27", "3", "1000000000000000000000000000")]
    [InlineData("1e-26", "5", "5")]
    [InlineData("1e-27", "5e-17", "0.00000000000000005")]
    public void An_increment_is_added_and_written_as_80_bit_arithmetic_does(string left, string right, string expected)
    {
        Assert.True(LongDouble.TryParse(Encoding.Latin1.GetBytes(left), out LongDouble a));
        Assert.True(LongDouble.TryParse(Encoding.Latin1.GetBytes(right), out LongDouble b));
        Assert.True(a.TryAdd(b, out LongDouble sum));
        Assert.Equal(expected, sum.ToString());
        Assert.True(b.TryAdd(a, out LongDouble mirrored));
        Assert.Equal(sum, mirrored);
    }

    [Theory]
    [InlineData("1e4932")]
    [InlineData("1.2e4932")]
    [InlineData("1e99999999999")]
    [InlineData("1e-99999999999")]
    [InlineData("1.8e-4951")]
    [InlineData("nan")]
    [InlineData("")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("abc")]
    public void Texts_beyond_the_range_are_no_long_doubles(string text)
    {
        // 1e4932 itself is in range; it stands here to show that the largest ones are told apart.
        Assert.Equal(text == "1e4932", LongDouble.TryParse(Encoding.Latin1.GetBytes(text), out _));
    }

    [Fact]
    public void Infinite_sums_are_refused()
    {
        LongDouble largest = Parse("1.1e4932");
        Assert.False(largest.TryAdd(largest, out _));
        LongDouble infinity = Parse("inf");
        Assert.True(infinity.IsInfinity);
        Assert.False(infinity.TryAdd(LongDouble.FromInt64(1), out _));
        Assert.False(infinity.TryAdd(Parse("-inf"), out _));
        Assert.Equal("-inf", Parse("-inf").ToString());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public void Every_integer_is_exact(long value) =>
        Assert.Equal(value.ToString(CultureInfo.InvariantCulture), LongDouble.FromInt64(value).ToString());

    [Theory]
    [InlineData(0.1, "0.10000000000000001")]
    [InlineData(13.361389338970184, "13.36138933897018433")]
    [InlineData(-0.0, "0")]
    [InlineData(1e300, "100000000000000005250476025520442024870446858110815915491585411551180245798890819578637137")]
    public void A_double_in_human_form_shows_17_digits(double value, string start) =>
        Assert.StartsWith(start, LongDouble.FromDouble(value).ToString(), StringComparison.Ordinal);

    private static LongDouble Parse(string text)
    {
        Assert.True(LongDouble.TryParse(Encoding.Latin1.GetBytes(text), out LongDouble value));
        return value;
    }

    [Theory]
    [InlineData("", 0.0)]
    [InlineData("1.5", 1.5)]
    [InlineData(" \t\n1.5", 1.5)]
    [InlineData("1.5\0garbage", 1.5)]
    [InlineData("\0", 0.0)]
    [InlineData("1e400", double.PositiveInfinity)]
    [InlineData("-1e400", double.NegativeInfinity)]
    [InlineData("1e-400", 0.0)]
    [InlineData("-inf", double.NegativeInfinity)]
    [InlineData("0x10", 16.0)]
    [InlineData("0x1p5000", double.PositiveInfinity)]
    [InlineData("0x1p-5000", 0.0)]
    public void Ends_of_ranges_are_read_as_strtod_reads_a_string(string text, double expected)
    {
        Assert.True(Numbers.TryParseAnyDouble(Encoding.Latin1.GetBytes(text), out double value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData(" ")]
    [InlineData("1 ")]
    [InlineData("nan")]
    [InlineData("abc")]
    [InlineData("1x")]
    [InlineData("--1")]
    public void Ends_of_ranges_that_are_no_numbers_are_refused(string text) =>
        Assert.False(Numbers.TryParseAnyDouble(Encoding.Latin1.GetBytes(text), out _));

    [Theory]
    [InlineData("0", 0L)]
    [InlineData("1", 1000L)]
    [InlineData("0.0001", 1L)]
    [InlineData("0.001", 1L)]
    [InlineData("1.0005", 1001L)]
    [InlineData("-0.0001", 0L)]
    [InlineData("-1", -1000L)]
    [InlineData("-1e30", -1L)]
    [InlineData("-inf", -1L)]
    [InlineData("1e-4000", 1L)]
    [InlineData("0x10", 16000L)]
    [InlineData("9223372036854775.807", 9223372036854775807L)]
    [InlineData("9223372036854775.808", null)]
    [InlineData("0x7FFFFFFFFFFFFF", null)]
    [InlineData("1e30", null)]
    [InlineData("1e4000", null)]
    [InlineData("inf", null)]
    public void Seconds_become_milliseconds_rounded_up(string text, long? milliseconds)
    {
        Assert.True(LongDouble.TryParse(Encoding.Latin1.GetBytes(text), out LongDouble seconds));
        Assert.Equal(milliseconds is not null, seconds.TryToMilliseconds(out long result));
        Assert.Equal(milliseconds ?? 0, result);
    }
}
