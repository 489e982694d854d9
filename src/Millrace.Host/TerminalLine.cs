// The last line of a terminal, which changes while the log grows above it.
//
//     log line
//     log line
//     Loading  [=======>     ]  45 %  about 3 s left        erased before each log line, and drawn again behind it
//
// Threads: any. The lock is a leaf and is held for one write.

using System.Text;
using Millrace.Server.Logging;

namespace Millrace.Host;

/// <summary>Writes log lines to a terminal, above a line that changes.</summary>
/// <param name="terminal">Kept open, not owned.</param>
internal sealed class TerminalLine(Stream terminal) : ILogOutput
{
    private readonly Lock _sync = new();
    private readonly StreamLogOutput _output = new(terminal);
    private byte[] _shown = [];

    private static ReadOnlySpan<byte> Erase => "\r\e[K"u8;

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> lines)
    {
        lock (_sync)
        {
            if (_shown.Length > 0) _output.Write(Erase);
            _output.Write(lines);
            if (_shown.Length > 0) _output.Write(_shown);
        }
    }

    /// <summary>Shows a text in the last line, in the place of the one before; empty: none.</summary>
    /// <param name="text">The text, in one line.</param>
    internal void Show(string text)
    {
        lock (_sync)
        {
            byte[] next = Encoding.UTF8.GetBytes(text);
            if (next.AsSpan().SequenceEqual(_shown)) return;
            _output.Write(Erase);
            _output.Write(next);
            _shown = next;
        }
    }
}
