using System.Runtime.InteropServices;

namespace Millrace.Engine.Tests;

public sealed class PartitionLineTests
{
    [Fact]
    public void What_every_unit_touches_fits_the_first_half_of_the_line()
    {
        Assert.Equal(64, (int)Marshal.OffsetOf<PartitionLine>(nameof(PartitionLine.Expired)));
        Assert.InRange(Marshal.SizeOf<PartitionLine>(), 65, 128);
    }
}
