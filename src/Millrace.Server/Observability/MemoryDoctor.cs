using System.Text;

namespace Millrace.Server.Observability;

/// <summary>
/// MEMORY DOCTOR: what is remarkable about where memory is, and what can be done.
/// </summary>
/// <remarks>
/// The first sentences, the names of the findings and their limits are Redis's, since people and tools know them. What
/// Redis says of copies of the process, of defragmentation, replicas and scripts has nothing to be said about here. The
/// runtime that the server runs on takes <see cref="RuntimeBytes"/> whatever the data: that is no finding.
/// Source: Redis 7.2 documentation, "MEMORY DOCTOR".
/// </remarks>
internal static class MemoryDoctor
{
    /// <summary>So much the process may take beside its data.</summary>
    public const long RuntimeBytes = 128 << 20;

    private const long EmptyBytes = 5 << 20;
    private const long RemarkableBytes = 10 << 20;
    private const long ClientBytes = 200 << 10;
    private const double PeakRatio = 1.5;
    private const double ProcessRatio = 1.4;
    private const double AllocatorRatio = 1.1;

    /// <summary>The report on some figures.</summary>
    public static string Report(MemoryFigures memory)
    {
        if (memory.Used < EmptyBytes)
        {
            return "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in "
                + "these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam "
                + "and I will be back to our programming as soon as I finished rebooting.\n";
        }

        var findings = new StringBuilder();
        if (MemoryFigures.Ratio(memory.Peak, memory.Used) > PeakRatio) findings.Append(Peak);
        if (IsMuch(memory.Resident, memory.Used + RuntimeBytes, ProcessRatio)) findings.Append(Total);
        if (IsMuch(memory.Active, memory.Used, AllocatorRatio)) findings.Append(Fragments);
        if (IsMuch(memory.Committed, memory.Active, AllocatorRatio)) findings.Append(FreeChunks);
        if (IsMuch(memory.Resident, memory.Committed + RuntimeBytes, AllocatorRatio)) findings.Append(Process);
        if (memory.Clients > 0 && memory.ClientBytes / memory.Clients > ClientBytes) findings.Append(Clients);
        return findings.Length == 0
            ? "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this "
                + "base.\n"
            : "Sam, I detected a few issues in this instance's memory implants:\n\n" + findings
                + "I'm here to keep you safe, Sam. I want to help you.\n";
    }

    private static bool IsMuch(long bytes, long than, double ratio) =>
        MemoryFigures.Ratio(bytes, than) > ratio && bytes - than > RemarkableBytes;

    private const string Peak =
        " * Peak memory: In the past this instance used more than 150% of the memory that it uses now. What is free "
        + "goes back to the system by itself after some seconds, as far as whole chunks of 2 MB are free; what is "
        + "left of a peak in spans will be used as soon as there is more data. MEMORY PURGE gives back at once what "
        + "can be given back.\n\n";

    private const string Total =
        " * High total RSS: The process takes more than 1.4 times the memory of its data and of the runtime together. "
        + "The other findings of this report tell which part it is: free blocks within spans, free chunks, or memory "
        + "that holds no data at all. After a large peak (see whether there is a peak memory entry above) it is "
        + "harmless.\n\n";

    private const string Fragments =
        " * High allocator fragmentation: The spans of the allocator take more than 1.1 times what is used of them. "
        + "That is usually so after many keys were deleted, whose neighbours in memory are still there, or after "
        + "values have changed their sizes. Values of the same sizes will use it again; MEMORY MALLOC-STATS tells "
        + "which sizes have the free blocks. Otherwise only a restart makes it free for others.\n\n";

    private const string FreeChunks =
        " * High allocator RSS overhead: The allocator keeps more than 1.1 times the memory of its spans. It is made "
        + "ready ahead of use while data grows, and kept for some seconds when data goes: you can give it back to the "
        + "system at once with MEMORY PURGE. What stays after that are free parts of chunks that hold data, too; they "
        + "will be used as soon as there is more of it.\n\n";

    private const string Process =
        " * High process RSS overhead: The process takes much more memory than its allocator and the runtime. Buffers "
        + "of clients are the usual reason (see whether there is a client buffers entry below, and mem_clients_normal "
        + "and millrace_managed_heap_bytes of INFO memory); the runtime gives them back as time goes by.\n\n";

    private const string Clients =
        " * Big client buffers: The buffers of clients take more than 200 kB per client on average. Clients that read "
        + "more slowly than they are written to, large replies, or very long pipelines are usual reasons. CLIENT LIST "
        + "tells which clients they are (tot-mem, omem, qbuf), and client-output-buffer-limit bounds what one may "
        + "take.\n\n";
}
