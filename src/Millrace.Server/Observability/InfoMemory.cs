namespace Millrace.Server.Observability;

/// <summary>The section of INFO on memory.</summary>
/// <remarks>
/// All loops stand still. <c>used_memory</c> is exact, the native memory that holds data; the buffers of connections
/// and the managed heap have lines of their own, and <c>used_memory_rss</c> is what the system says of the whole
/// process. What Redis keeps in memory for scripts, replicas and the append-only file takes nothing here.
/// </remarks>
internal sealed class InfoMemory(ServerParts parts, ServerStatistics statistics)
{
    /// <summary>Memory.</summary>
    public void Memory(InfoText text)
    {
        var memory = statistics.Memory.Take();
        text.Section("Memory");
        text.Bytes("used_memory", memory.Used);
        text.Bytes("used_memory_rss", memory.Resident);
        text.Bytes("used_memory_peak", memory.Peak);
        text.Line("used_memory_peak_perc", MemoryFigures.PercentText(memory.Used, memory.Peak));
        text.Line("used_memory_overhead", memory.Overhead);
        text.Line("used_memory_startup", memory.AtStart);
        text.Line("used_memory_dataset", memory.Dataset);
        text.Line("used_memory_dataset_perc", MemoryFigures.PercentText(memory.Dataset, memory.Net));
        text.Line("allocator_allocated", memory.Used);
        text.Line("allocator_active", memory.Active);
        text.Line("allocator_resident", memory.Committed);
        if (statistics.Memory.MachineBytes > 0) text.Bytes("total_system_memory", statistics.Memory.MachineBytes);
        Scripts(text);
        text.Bytes("maxmemory", parts.Keyspace.Budget.Limits.Bytes);
        text.Line("maxmemory_policy", parts.Configuration.Values["maxmemory-policy"].Text);
        Ratios(text, memory);
        text.Line("mem_not_counted_for_evict", 0);
        text.Line("mem_overhead_db_hashtable_rehashing", 0);
        text.Line("mem_replication_backlog", 0);
        text.Line("mem_total_replication_buffers", 0);
        text.Line("mem_clients_slaves", 0);
        text.Line("mem_clients_normal", memory.ClientBytes);
        text.Line("mem_cluster_links", 0);
        text.Line("mem_aof_buffer", parts.AppendOnly.Journal?.BufferedBytes ?? 0);
        text.Line("mem_allocator", "millrace");
        text.Line("lazyfree_pending_objects", parts.Keyspace.SumOver(static partition => partition.Discards.Count));
        text.Line("lazyfreed_objects", parts.Keyspace.SumOver(static partition => partition.Discards.Freed));
        text.Line("millrace_managed_heap_bytes", GC.GetTotalMemory(forceFullCollection: false));
        text.Line("millrace_mail_bytes", parts.Channels.UnderWay.Bytes);
        text.Line("millrace_mail_limit_hits", parts.Channels.UnderWay.Closings);
        text.Line("millrace_managed_heap_collections", GC.CollectionCount(0));
    }

    // There is no machine that runs scripts, and no script or function.
    private static void Scripts(InfoText text)
    {
        text.Line("used_memory_lua", 0);
        text.Line("used_memory_vm_eval", 0);
        text.Line("used_memory_lua_human", InfoText.Human(0));
        text.Line("used_memory_scripts_eval", 0);
        text.Line("number_of_cached_scripts", 0);
        text.Line("number_of_functions", 0);
        text.Line("number_of_libraries", 0);
        text.Line("used_memory_vm_functions", 0);
        text.Bytes("used_memory_vm_total", 0);
        text.Line("used_memory_functions", 0);
        text.Bytes("used_memory_scripts", 0);
    }

    private static void Ratios(InfoText text, MemoryFigures memory)
    {
        text.Line("allocator_frag_ratio", MemoryFigures.Ratio(memory.Active, memory.Used), 2);
        text.Line("allocator_frag_bytes", memory.Active - memory.Used);
        text.Line("allocator_rss_ratio", MemoryFigures.Ratio(memory.Committed, memory.Active), 2);
        text.Line("allocator_rss_bytes", memory.Committed - memory.Active);
        text.Line("rss_overhead_ratio", MemoryFigures.Ratio(memory.Resident, memory.Committed), 2);
        text.Line("rss_overhead_bytes", memory.Resident - memory.Committed);
        text.Line("mem_fragmentation_ratio", MemoryFigures.Ratio(memory.Resident, memory.Used), 2);
        text.Line("mem_fragmentation_bytes", memory.Resident - memory.Used);
    }
}
