// The kernel's out-of-memory score of the process follows oom-score-adj and oom-score-adj-values (Linux, proc(5)). What
// it was before the server first changed it is put back when the directive is set to no.

using System.Globalization;
using Millrace.Persistence.Files;
using Millrace.Server.Logging;

namespace Millrace.Server.Config;

/// <summary>Sets the process's out-of-memory score. Used by one thread at a time.</summary>
/// <param name="log">Where a failure is said.</param>
/// <param name="path">The file of the score.</param>
public sealed class OomScore(Log log, string path = OomScore.OfProcess) : ISettingsListener
{
    /// <summary>The file of this process's score.</summary>
    public const string OfProcess = "/proc/self/oom_score_adj";

    private const int Least = -1000;
    private const int Greatest = 1000;

    private int? _before;

    /// <summary>Brings the settings of the start into force. A failure is logged, and the server starts.</summary>
    /// <param name="settings">The settings.</param>
    public void Begin(Settings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _ = TrySet(settings);
    }

    /// <inheritdoc/>
    public SettingsFault? Apply(Settings before, Settings after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        if (before.OomScoreMode == after.OomScoreMode && before.OomScore == after.OomScore) return null;
        if (TrySet(after)) return null;
        return new SettingsFault(
            before.OomScoreMode == after.OomScoreMode ? "oom-score-adj-values" : "oom-score-adj",
            "Failed to set current oom_score_adj. Check server logs.");
    }

    private bool TrySet(Settings settings)
    {
        if (settings.OomScoreMode == OomScoreMode.Untouched && _before is null) return true;
        try
        {
            int own = _before ?? int.Parse(File.ReadAllText(path), NumberStyles.Integer, CultureInfo.InvariantCulture);
            int score = settings.OomScoreMode switch
            {
                OomScoreMode.Relative => own + settings.OomScore,
                OomScoreMode.Absolute => settings.OomScore,
                _ => own,
            };
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
            {
                string text = Math.Clamp(score, Least, Greatest).ToString(CultureInfo.InvariantCulture);
                file.Write(ConfigText.ToBytes(text + "\n"));
            }

            _before = settings.OomScoreMode == OomScoreMode.Untouched ? null : own;
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or FormatException
            or OverflowException)
        {
            log.Warning($"Unable to write oom_score_adj: {DiskReason.Of(fault)}");
            return false;
        }
    }
}
