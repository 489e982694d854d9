namespace Millrace.Compat.Tests.Wire;

/// <summary>What ends the payload of DUMP, made here anew from its description, bit by bit.</summary>
public static class Payload
{
    private const ulong ReflectedPolynomial = 0x95AC9329AC4BC9B5;

    /// <summary>A value with its version and checksum.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> value, int version)
    {
        byte[] summed = [.. value, (byte)version, 0];
        ulong crc = 0;
        foreach (byte one in summed)
        {
            crc ^= one;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) != 0 ? ReflectedPolynomial : 0);
        }
        return [.. summed, .. BitConverter.GetBytes(crc)];
    }
}
