namespace Millrace.Net;

/// <summary>The kinds of a ring's operations: the step in their tags.</summary>
internal enum RingStep : uint
{
    Receive = 1,
    Poll = 2,
    SendNow = 3,
    SendWhenPossible = 4,
    Accept = 5,
    Wake = 6,
    Cancel = 7,
}
