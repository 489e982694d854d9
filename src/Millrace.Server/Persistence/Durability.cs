using Millrace.Commands;

namespace Millrace.Server.Persistence;

/// <summary>
/// Why changes cannot be made to last, if that is so: then writes are refused, where the user has asked for it.
/// </summary>
/// <remarks>Thread-safe.</remarks>
/// <param name="gates">Has the gate that refuses writes.</param>
public sealed class Durability(Gates gates)
{
    private readonly object _sync = new();
    private byte[]? _snapshotError;
    private volatile byte[] _text = [];

    /// <summary>The error that a write gets while the gate is closed.</summary>
    public ReadOnlySpan<byte> ErrorText => _text;

    /// <summary>Snapshots cannot be written, or can be again.</summary>
    /// <param name="error">The error that writes get; null: none.</param>
    public void SetSnapshotError(byte[]? error)
    {
        lock (_sync)
        {
            _snapshotError = error;
            if (_snapshotError is { } text)
            {
                _text = text;
                gates.Close(Gate.NotDurable);
            }
            else
            {
                gates.Open(Gate.NotDurable);
            }
        }
    }
}
