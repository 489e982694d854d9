// The bitwise operators on two strings of bits, as types, so that a kernel is compiled once for each of them.

using System.Runtime.Intrinsics;

namespace Millrace.Memory;

/// <summary>An operator on two strings of bits.</summary>
public interface IBitOperator
{
    /// <summary>Whether a left bit beside a zero stays.</summary>
    static abstract bool KeepsLeft { get; }

    /// <summary>Whether a right bit beside a zero stays.</summary>
    static abstract bool KeepsRight { get; }

    /// <summary>The operator.</summary>
    static abstract Vector256<byte> On(Vector256<byte> left, Vector256<byte> right);

    /// <summary>The operator.</summary>
    static abstract byte On(byte left, byte right);
}

/// <summary>Set in both.</summary>
public readonly struct BitAnd : IBitOperator
{
    /// <inheritdoc/>
    public static bool KeepsLeft => false;

    /// <inheritdoc/>
    public static bool KeepsRight => false;

    /// <inheritdoc/>
    public static Vector256<byte> On(Vector256<byte> left, Vector256<byte> right) => left & right;

    /// <inheritdoc/>
    public static byte On(byte left, byte right) => (byte)(left & right);
}

/// <summary>Set in any.</summary>
public readonly struct BitOr : IBitOperator
{
    /// <inheritdoc/>
    public static bool KeepsLeft => true;

    /// <inheritdoc/>
    public static bool KeepsRight => true;

    /// <inheritdoc/>
    public static Vector256<byte> On(Vector256<byte> left, Vector256<byte> right) => left | right;

    /// <inheritdoc/>
    public static byte On(byte left, byte right) => (byte)(left | right);
}

/// <summary>Set in one of them.</summary>
public readonly struct BitXor : IBitOperator
{
    /// <inheritdoc/>
    public static bool KeepsLeft => true;

    /// <inheritdoc/>
    public static bool KeepsRight => true;

    /// <inheritdoc/>
    public static Vector256<byte> On(Vector256<byte> left, Vector256<byte> right) => left ^ right;

    /// <inheritdoc/>
    public static byte On(byte left, byte right) => (byte)(left ^ right);
}

/// <summary>Set on the left and not on the right.</summary>
public readonly struct BitAndNot : IBitOperator
{
    /// <inheritdoc/>
    public static bool KeepsLeft => true;

    /// <inheritdoc/>
    public static bool KeepsRight => false;

    /// <inheritdoc/>
    public static Vector256<byte> On(Vector256<byte> left, Vector256<byte> right) => Vector256.AndNot(left, right);

    /// <inheritdoc/>
    public static byte On(byte left, byte right) => (byte)(left & ~right);
}
