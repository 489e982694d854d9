using Millrace.Server.Persistence;

namespace Millrace.Server.Observability;

/// <summary>What INFO persistence tells of the append-only file.</summary>
internal static class InfoAppendOnly
{
    /// <summary>Writes it, and what follows it there.</summary>
    public static void Write(InfoText text, AppendOnly file)
    {
        var (status, journal) = (file.Status, file.Journal);
        var (isBegun, isScheduled) = file.Rewrite.Phase; // first: when none is under way the status is that of the last
        var seconds = status.BeganUnixSeconds == 0
            ? -1
            : TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - status.BeganUnixSeconds;
        text.Line("aof_enabled", file.IsOn ? 1 : 0);
        text.Line("aof_rewrite_in_progress", isBegun ? 1 : 0);
        text.Line("aof_rewrite_scheduled", isScheduled ? 1 : 0);
        text.Line("aof_last_rewrite_time_sec", status.LastSeconds);
        text.Line("aof_current_rewrite_time_sec", seconds);
        text.Line("aof_last_bgrewrite_status", status.IsLastGood ? "ok" : "err");
        text.Line("aof_rewrites", status.Rewrites);
        text.Line("aof_rewrites_consecutive_failures", status.Failures);
        text.Line("aof_last_write_status", journal?.Fault is null ? "ok" : "err");
        text.Line("aof_last_cow_size", 0);
        text.Line("module_fork_in_progress", 0);
        text.Line("module_fork_last_cow_size", 0);
        if (!file.IsOn) return;
        text.Line("aof_current_size", file.CurrentBytes);
        text.Line("aof_base_size", status.BaseBytes);
        text.Line("aof_pending_rewrite", isScheduled ? 1 : 0);
        text.Line("aof_buffer_length", journal?.BufferedBytes ?? 0);
        text.Line("aof_pending_bio_fsync", journal is { IsSyncing: true } ? 1 : 0);
        text.Line("aof_delayed_fsync", journal?.DelayedSyncs ?? 0);
    }
}
