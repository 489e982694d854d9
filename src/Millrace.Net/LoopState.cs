// What a loop is doing, as far as other threads need to know.

namespace Millrace.Net;

/// <summary>State of a loop. Anything but <see cref="Running"/> means that it touches nothing shared.</summary>
internal static class LoopState
{
    /// <summary>At work.</summary>
    public const int Running = 0;

    /// <summary>Asleep in its poller, or about to be: needs a wake-up to notice anything.</summary>
    public const int Asleep = 1;

    /// <summary>As Asleep, and somebody is waking it.</summary>
    public const int Woken = 2;

    /// <summary>Not started, ended, or standing for a quiesced action.</summary>
    public const int Still = 3;
}
