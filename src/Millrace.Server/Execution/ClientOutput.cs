using Millrace.Server.PubSub;

namespace Millrace.Server.Execution;

/// <summary>What one loop sends to its clients besides replies, and what bounds it.</summary>
/// <param name="Guard">Closes clients that leave too much unread.</param>
/// <param name="Pushes">Writes what they have not asked for.</param>
/// <param name="FanOut">Brings them messages.</param>
internal sealed record ClientOutput(OutputGuard Guard, PushWriter Pushes, FanOut FanOut);
