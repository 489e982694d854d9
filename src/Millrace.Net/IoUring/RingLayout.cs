// The structures that a program and the kernel share through an io_uring, as bits.
//
//     submission entry (64 bytes)                        completion entry (16 bytes)
//      0 opcode u8 | flags u8 | priority u16              0 user data u64
//      4 descriptor i32                                   8 result i32: what the call would return, or minus the error
//      8 offset u64                                      12 flags u32: [ buffer id 16 | .. | more 1 | buffer 1 ]
//     16 address u64
//     24 length u32                                      buffer entry (16 bytes)
//     28 flags of the operation u32                       0 address u64
//     32 user data u64                                    8 length u32
//     40 buffer group u16 | personality u16              12 buffer id u16
//     44 .. 63 zero                                      14 u16: in entry 0 the ring's tail
//
// Sources: io_uring_setup(2), io_uring_enter(2), io_uring_register(2), linux/io_uring.h. The same on every 64-bit
// little-endian Linux.

using System.Runtime.InteropServices;

namespace Millrace.Net;

/// <summary>One operation for the kernel.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal readonly struct SubmissionEntry
{
    public const int Bytes = 64;

    [field: FieldOffset(0)]
    public RingOperation Operation { get; init; }
    [field: FieldOffset(1)]
    public byte Flags { get; init; }
    [field: FieldOffset(2)]
    public ushort Priority { get; init; }
    [field: FieldOffset(4)]
    public int Descriptor { get; init; }
    [field: FieldOffset(16)]
    public ulong Address { get; init; }
    [field: FieldOffset(24)]
    public uint Length { get; init; }
    [field: FieldOffset(28)]
    public uint OperationFlags { get; init; }
    [field: FieldOffset(32)]
    public ulong UserData { get; init; }
    [field: FieldOffset(40)]
    public ushort BufferGroup { get; init; }
}

/// <summary>What became of one operation, or of one step of an operation that goes on.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal readonly struct CompletionEntry
{
    public const int Bytes = 16;
    private const uint HasBufferBit = 1;
    private const uint MoreBit = 2;
    private const int BufferShift = 16;

    [FieldOffset(0)]
    public readonly ulong UserData;
    [FieldOffset(8)]
    public readonly int Result;
    [FieldOffset(12)]
    private readonly uint _flags;

    /// <summary>A provided buffer was taken for it.</summary>
    public bool HasBuffer => (_flags & HasBufferBit) != 0;

    /// <summary>The operation goes on; without this it has ended, and nothing more comes of it.</summary>
    public bool GoesOn => (_flags & MoreBit) != 0;

    public int BufferId => (int)(_flags >> BufferShift);
}

/// <summary>IORING_OP_*: the opcodes that are used here.</summary>
internal enum RingOperation : byte
{
    PollAdd = 6,
    SendMessage = 9,
    Accept = 13,
    Cancel = 14,
    Send = 26,
    Receive = 27,
}

/// <summary>io_uring_params.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct RingParameters
{
    public const int Bytes = 120;

    [FieldOffset(0)]
    public uint SubmissionEntries;
    [FieldOffset(4)]
    public uint CompletionEntries;
    [FieldOffset(8)]
    public uint Flags;
    [FieldOffset(20)]
    public uint Features;
    [FieldOffset(40)]
    public RingOffsets Submission;
    [FieldOffset(80)]
    public RingOffsets Completion;
}

/// <summary>Where the parts of a ring are within its mapping: io_sqring_offsets, and io_cqring_offsets, whose fields
/// from <see cref="Flags"/> on mean overflow, entries and flags.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct RingOffsets
{
    public const int Bytes = 40;

    [FieldOffset(0)]
    public uint Head;
    [FieldOffset(4)]
    public uint Tail;
    [FieldOffset(8)]
    public uint Mask;
    [FieldOffset(16)]
    public uint Flags;
    [FieldOffset(20)]
    public uint Entries;    // of the completion ring
    [FieldOffset(24)]
    public uint Indices;    // of the submission ring
}

/// <summary>io_uring_getevents_arg.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct WaitArguments
{
    public const int Bytes = 24;

    [FieldOffset(16)]
    public ulong TimeoutAddress;
}

/// <summary>struct timespec of 64-bit systems.</summary>
internal struct TimeSpec
{
    public const int Bytes = 16;

    public long Seconds;
    public long Nanoseconds;
}

/// <summary>io_uring_buf: one buffer that the kernel may fill.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct BufferEntry
{
    public const int Bytes = 16;
    public const int TailOffset = 14;

    [FieldOffset(0)]
    public ulong Address;
    [FieldOffset(8)]
    public uint Length;
    [FieldOffset(12)]
    public ushort Id;
}

/// <summary>io_uring_buf_reg.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct BufferRegistration
{
    public const int Bytes = 40;

    [FieldOffset(0)]
    public ulong RingAddress;
    [FieldOffset(8)]
    public uint Entries;
    [FieldOffset(12)]
    public ushort Group;
}

/// <summary>io_uring_rsrc_update, as the registration of a ring's own descriptor uses it.</summary>
[StructLayout(LayoutKind.Explicit, Size = Bytes)]
internal struct RingRegistration
{
    public const int Bytes = 16;

    [FieldOffset(0)]
    public uint Index;
    [FieldOffset(8)]
    public ulong Descriptor;
}
