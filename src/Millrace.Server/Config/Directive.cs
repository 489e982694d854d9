// One configuration directive, declared once.
//
// A directive has a name, a type that parses and validates its words, and a default, which is the value in force when
// nobody sets it. It is in exactly one of three states, and the state says what the server does with other values:
//
//   Implemented              the value has its documented effect; Summary says which.
//   AcceptedWithoutMeaning   the value is checked, kept and answered by CONFIG GET, but there is nothing here that it
//                            could change; WithoutMeaning says why. It promises no durability, access or limit.
//   Refused                  it would promise something that does not work yet; only its default is accepted, and any
//                            other value is refused with the sentence in NotYet.

using System.Diagnostics.CodeAnalysis;

namespace Millrace.Server.Config;

/// <summary>How a directive may be set and shown.</summary>
[Flags]
public enum DirectiveFlags
{
    /// <summary>Settable at run time, shown by patterns.</summary>
    None = 0,

    /// <summary>CONFIG SET refuses it: the value is fixed at start-up.</summary>
    Immutable = 1,

    /// <summary>CONFIG GET answers it by its exact name only, never through a pattern.</summary>
    Hidden = 2,

    /// <summary>Its value is a secret: it is never logged, and error reports leave it out.</summary>
    Sensitive = 4,

    /// <summary>CONFIG SET needs <c>enable-protected-configs</c>.</summary>
    Protected = 8,

    /// <summary>CONFIG SET refuses it while data is loaded.</summary>
    NotWhileLoading = 16,
}

/// <summary>What the server does with a directive.</summary>
public enum DirectiveStatus
{
    /// <summary>The value has its documented effect.</summary>
    Implemented,

    /// <summary>The value is kept and answered, and changes nothing here.</summary>
    AcceptedWithoutMeaning,

    /// <summary>Only the default is accepted, until it works.</summary>
    Refused,
}

/// <summary>When CONFIG REWRITE writes a directive that does not stand in the file.</summary>
public enum RewriteRule
{
    /// <summary>When its value is not the default.</summary>
    WhenChanged,

    /// <summary>Always: its default may be another one elsewhere or later.</summary>
    Always,

    /// <summary>When its value is not the default; and with the default it does not stay in the file either.</summary>
    NeverAtDefault,
}

/// <summary>The declaration of one directive. Immutable.</summary>
public sealed class Directive
{
    /// <summary>Declares a directive.</summary>
    /// <param name="name">Its name in lower case.</param>
    /// <param name="type">What parses and validates its words.</param>
    /// <param name="defaultText">The default, as it would be written in a configuration file without quotes.</param>
    public Directive(string name, DirectiveType type, string defaultText)
    {
        ArgumentNullException.ThrowIfNull(type);
        Name = name;
        Type = type;
        if (!type.TryParse(type.SplitForSet(defaultText), current: null, out DirectiveValue? value, out string? error))
            throw new ArgumentException($"The default of {name} is not valid: {error}", nameof(defaultText));
        Default = value;
    }

    /// <summary>The name in lower case.</summary>
    public string Name { get; }

    /// <summary>What parses and validates the words.</summary>
    public DirectiveType Type { get; }

    /// <summary>The value in force when nobody sets one.</summary>
    public DirectiveValue Default { get; }

    /// <summary>An older name that means the same, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>How it may be set and shown, without what its type says.</summary>
    public DirectiveFlags Flags { get; init; }

    /// <summary>For an implemented directive: its effect in one sentence.</summary>
    public string? Summary { get; init; }

    /// <summary>For a directive without meaning: why there is nothing that it could change.</summary>
    public string? WithoutMeaning { get; init; }

    /// <summary>For a refused directive: the sentence that says what is not available yet.</summary>
    public string? NotYet { get; init; }

    /// <summary>Why an immutable directive is fixed, which CONFIG SET's error then says, or null.</summary>
    public string? FixedBecause { get; init; }

    /// <summary>The default in words, when it depends on the machine; or null.</summary>
    public string? DefaultIs { get; init; }

    /// <summary>When CONFIG REWRITE writes it.</summary>
    public RewriteRule Rewriting { get; init; }

    /// <summary>What the server does with it.</summary>
    public DirectiveStatus Status =>
        NotYet is not null ? DirectiveStatus.Refused
        : WithoutMeaning is not null ? DirectiveStatus.AcceptedWithoutMeaning
        : DirectiveStatus.Implemented;

    /// <summary>CONFIG SET may not change it.</summary>
    public bool IsImmutable => (Flags & DirectiveFlags.Immutable) != 0;

    /// <summary>Only its exact name is answered.</summary>
    public bool IsHidden => (Flags & DirectiveFlags.Hidden) != 0;

    /// <summary>Its value is a secret.</summary>
    public bool IsSensitive => (Flags & DirectiveFlags.Sensitive) != 0;

    /// <summary>CONFIG SET needs <c>enable-protected-configs</c>.</summary>
    public bool IsProtected => (Flags & DirectiveFlags.Protected) != 0;

    /// <summary>CONFIG SET may not change it while data is loaded.</summary>
    public bool IsFixedWhileLoading => (Flags & DirectiveFlags.NotWhileLoading) != 0;

    /// <summary>It takes any number of words.</summary>
    public bool TakesManyWords => Type.TakesManyWords;

    /// <summary>The lines that CONFIG REWRITE writes for a value, behind the name; none when it shall not stand in the
    /// file.</summary>
    /// <param name="value">The value in force.</param>
    public IReadOnlyList<string> FileLines(DirectiveValue value) =>
        Rewriting == RewriteRule.NeverAtDefault && value == Default ? [] : Type.FileLines(value);

    /// <summary>Parses words to a value that may come into force: of the right type, and not refused.</summary>
    /// <param name="words">The words after the name.</param>
    /// <param name="current">The value in force.</param>
    /// <param name="value">The new value.</param>
    /// <param name="error">Why not, without a final full stop.</param>
    public bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (!Type.TryParse(words, current, out value, out error)) return false;
        if (NotYet is null || string.Equals(value.Text, Default.Text, StringComparison.Ordinal)) return true;
        error = NotYet;
        value = null;
        return false;
    }
}
