using Millrace.Resp;

namespace Millrace.Persistence.Aof;

/// <summary>
/// Receives the commands of an append-only file, in their order. Arguments are views of the reader's buffer and live as
/// long as the call. A method returns false to end the reading: the command is unknown, or could not be run.
/// </summary>
public interface IAofSink
{
    /// <summary>The disk may be waited for now. Never between the commands of a transaction.</summary>
    void BeforeRead()
    {
    }

    /// <summary>A transaction follows, which is complete: so many commands, then its end.</summary>
    /// <param name="commands">How many commands are within.</param>
    bool BeginTransaction(int commands);

    /// <summary>A command, within a transaction or alone. MULTI and EXEC themselves are none.</summary>
    /// <param name="args">The command and its arguments, one or more.</param>
    bool Command(Args args);

    /// <summary>The end of the transaction.</summary>
    bool EndTransaction();
}
