// The classes of keyspace events, one letter each (Redis keyspace notifications documentation).
//
// The canonical text is Redis's: A, or the letters g$lshzxetd, and then n, K, E and m. Beside A the letter n is in
// force but is not answered by CONFIG GET, as in redis-server 7.0.15; a configuration file has it.

using System.Diagnostics.CodeAnalysis;
using Millrace.Engine;

namespace Millrace.Server.Config;

/// <summary>The classes of keyspace events. The number is a <see cref="NotifyClasses"/>.</summary>
public sealed class EventClassesType : DirectiveType
{
    /// <inheritdoc/>
    public override string Form => "letters of Ag$lshzxeKEtmdn";

    /// <inheritdoc/>
    public override IReadOnlyList<string> FileLines(DirectiveValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return [ConfigText.Quoted(NotifyLetters.Write((NotifyClasses)value.Number))];
    }

    /// <inheritdoc/>
    public override bool TryParse(
        ReadOnlySpan<string> words,
        DirectiveValue? current,
        [NotNullWhen(true)] out DirectiveValue? value,
        [NotNullWhen(false)] out string? error)
    {
        if (!NotifyLetters.TryParse(words[0], out var classes))
            return Fail("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", out value, out error);
        bool hidesNew = (classes & NotifyClasses.All) == NotifyClasses.All;
        string text = NotifyLetters.Write(hidesNew ? classes & ~NotifyClasses.New : classes);
        return Succeed(text, (long)classes, out value, out error);
    }
}
