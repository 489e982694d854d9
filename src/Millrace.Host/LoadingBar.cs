// A bar on the terminal while data is loaded, drawn a few times a second, and gone afterwards. It comes late, so that
// nobody sees it who has little data.

using System.Globalization;
using Millrace.Server.Persistence;

namespace Millrace.Host;

/// <summary>Draws the bar while it lives.</summary>
internal sealed class LoadingBar : IDisposable
{
    private const int FirstMs = 500;
    private const int BetweenMs = 200;
    private const int Cells = 30;

    private readonly TerminalLine _line;
    private readonly LoadingState _loading;
    private readonly Timer _timer;
    private readonly Lock _sync = new(); // no drawing after the end
    private bool _isOver;

    /// <summary>Begins.</summary>
    /// <param name="line">Where it is drawn.</param>
    /// <param name="loading">What it shows.</param>
    internal LoadingBar(TerminalLine line, LoadingState loading)
    {
        _line = line;
        _loading = loading;
        _timer = new Timer(_ => Draw(), null, FirstMs, BetweenMs);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_sync)
        {
            _isOver = true;
            _line.Show("");
        }
    }

    /// <summary>What is drawn.</summary>
    /// <param name="percent">How much is loaded, from 0 to 100.</param>
    /// <param name="secondsLeft">About how long it still takes.</param>
    internal static string Text(double percent, long secondsLeft)
    {
        int full = (int)Math.Clamp(percent / 100 * Cells, 0, Cells);
        string bar = full < Cells ? (new string('=', full) + ">").PadRight(Cells) : new string('=', Cells);
        return string.Create(
            CultureInfo.InvariantCulture, $"Loading  [{bar}]  {percent:F0} %  about {secondsLeft} s left");
    }

    private void Draw()
    {
        lock (_sync)
        {
            if (!_isOver && _loading.IsLoading) _line.Show(Text(_loading.LoadedPercent, _loading.SecondsLeft));
        }
    }
}
