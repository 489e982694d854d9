using Millrace.Commands;

namespace Millrace.Server;

/// <summary>The connected client behind a call, for families that work on connections.</summary>
public static class CallingClient
{
    /// <summary>The client that calls. Requires: the call comes from a connection, not from a script or a
    /// file.</summary>
    public static Client Client(this in Call call) => (Client)call.Caller;
}
