// The types that most directives share.

namespace Millrace.Server.Config.Directives;

/// <summary>Shared directive types.</summary>
internal static class Forms
{
    internal static readonly YesNoType YesNo = new();

    internal static readonly TextType Text = new();

    /// <summary>A text that is not there when it is empty.</summary>
    internal static readonly TextType OptionalText = new() { IsNoneWhenEmpty = true };

    internal static readonly IntegerType Port = new(0, 65535);

    /// <summary>A C int from 0.</summary>
    internal static readonly IntegerType Count = new(0, int.MaxValue);

    /// <summary>A C int from 1.</summary>
    internal static readonly IntegerType Positive = new(1, int.MaxValue);

    /// <summary>A C long from 0.</summary>
    internal static readonly IntegerType LongCount = new(0, long.MaxValue);

    internal static readonly MemorySizeType Size = new(0, long.MaxValue);

    internal static readonly MemorySizeType PositiveSize = new(1, long.MaxValue);

    internal static readonly ChoiceType ProtectedAction = new("no", "yes", "local");
}
