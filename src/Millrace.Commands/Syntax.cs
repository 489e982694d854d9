// The notation in which CommandSpec.Syntax writes down a command's arguments, and the tree that COMMAND DOCS makes.
//
//     key                    a key of that name                       source:key   a key of another name
//     name:type              a value; type is string, integer, double, pattern, unix-time or key
//     name/shown:type        a value that users are shown under another name
//     word                   a value of type string
//     TOKEN                  a word that is sent as it is
//     TOKEN value            inside of brackets: the token belongs to the value, or to the block of values, behind it
//     [ ... ]                may be left out
//     ( ... )                belongs together
//     a | b                  inside of brackets or parentheses: one of them
//     x...                   once or more; behind brackets that begin with a token, the token is repeated as well
//
//     SET:  key value:string [NX | XX] [GET] [EX seconds:integer | PX milliseconds:integer | KEEPTTL]
//
// A group takes its name from its members (nx_xx). Key arguments are numbered in their order, which ties them to the
// key specifications; a command with fewer specifications than key arguments ties the rest to the last one.
// Source of the tree: Redis documentation, "Redis command arguments". Parsing takes O(length); done when asked for.

namespace Millrace.Commands;

/// <summary>What an argument of a command is.</summary>
public enum ArgumentType
{
    /// <summary>Any bytes.</summary>
    String,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Double,

    /// <summary>The name of a key.</summary>
    Key,

    /// <summary>A glob pattern.</summary>
    Pattern,

    /// <summary>A point in time, in seconds or milliseconds since 1970.</summary>
    UnixTime,

    /// <summary>A word that is sent as it is.</summary>
    PureToken,

    /// <summary>One of several arguments.</summary>
    OneOf,

    /// <summary>Several arguments in a row.</summary>
    Block,
}

/// <summary>One argument, with those that it consists of.</summary>
public sealed record SyntaxArgument
{
    /// <summary>The name, for display.</summary>
    public required string Name { get; init; }

    /// <summary>The name that users are shown, when it is another one.</summary>
    public string? Shown { get; init; }

    /// <summary>What it is.</summary>
    public required ArgumentType Type { get; init; }

    /// <summary>The word that is sent before it, or as it; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>It may be left out.</summary>
    public bool IsOptional { get; init; }

    /// <summary>It may be repeated.</summary>
    public bool IsMultiple { get; init; }

    /// <summary>When it is repeated, the token is too.</summary>
    public bool RepeatsToken { get; init; }

    /// <summary>For a key: its position among the command's key arguments; otherwise -1.</summary>
    public int KeyIndex { get; init; } = -1;

    /// <summary>The members of a block, or the choices of a oneof.</summary>
    public IReadOnlyList<SyntaxArgument> Members { get; init; } = [];

    /// <summary>The type's name in COMMAND DOCS.</summary>
    public string TypeName => Type switch
    {
        ArgumentType.UnixTime => "unix-time",
        ArgumentType.PureToken => "pure-token",
        _ => Type.ToString().ToLowerInvariant(),
    };
}

/// <summary>Parses the notation of <see cref="CommandSpec.Syntax"/>.</summary>
public static class Syntax
{
    private const string Ellipsis = "...";

    /// <summary>The arguments that a notation stands for.</summary>
    /// <param name="notation">The notation; empty for a command without arguments.</param>
    /// <exception cref="FormatException">It is not well-formed.</exception>
    public static IReadOnlyList<SyntaxArgument> Parse(string notation)
    {
        var reader = new Reader(notation);
        var arguments = reader.ReadSequence();
        return reader.IsAtEnd ? arguments : throw reader.Fault("something stands behind the end");
    }

    // Recursive descent; the depth is that of the literal notation.
    private sealed class Reader(string notation)
    {
        private int _at;
        private int _keys;

        public bool IsAtEnd
        {
            get
            {
                SkipBlanks();
                return _at == notation.Length;
            }
        }

        public List<SyntaxArgument> ReadSequence()
        {
            var arguments = new List<SyntaxArgument>();
            while (!IsAtEnd && notation[_at] is not ('|' or ']' or ')')) arguments.Add(ReadItem());
            return arguments;
        }

        public FormatException Fault(string what) => new($"{what}: \"{notation}\" at {_at}");

        private SyntaxArgument ReadItem()
        {
            var argument = notation[_at] switch
            {
                '[' => ReadGroup(']') with { IsOptional = true },
                '(' => ReadGroup(')'),
                _ => ReadWord(),
            };
            var isGroup = notation[_at - 1] == ']';
            SkipBlanks();
            if (!notation.AsSpan(_at).StartsWith(Ellipsis)) return argument;
            _at += Ellipsis.Length;
            var hasToken = argument.Token is not null && argument.Type != ArgumentType.PureToken;
            return argument with { IsMultiple = true, RepeatsToken = isGroup && hasToken };
        }

        private SyntaxArgument ReadGroup(char closing)
        {
            _at++;
            var choices = new List<SyntaxArgument>();
            while (true)
            {
                choices.Add(Together(ReadSequence()));
                if (IsAtEnd) throw Fault("a bracket is not closed");
                var end = notation[_at++];
                if (end == closing) break;
                if (end != '|') throw Fault("the wrong bracket closes");
            }

            return choices.Count == 1
                ? choices[0]
                : new SyntaxArgument { Name = NameOf(choices), Type = ArgumentType.OneOf, Members = choices };
        }

        // What stands in one alternative, as one argument.
        private SyntaxArgument Together(List<SyntaxArgument> sequence)
        {
            if (sequence.Count == 0) throw Fault("an alternative is empty");
            var first = sequence[0];
            if (sequence.Count == 1) return first;
            var rest = sequence.GetRange(1, sequence.Count - 1);
            var isTokenOfRest = first is { Type: ArgumentType.PureToken, IsOptional: false, IsMultiple: false }
                && rest.Exists(static one => one.Type != ArgumentType.PureToken);
            if (!isTokenOfRest) return Block(null, sequence);
            return rest is [{ Token: null, IsOptional: false } only]
                ? only with { Token = first.Token }
                : Block(first.Token, rest);
        }

        private SyntaxArgument ReadWord()
        {
            var start = _at;
            while (_at < notation.Length && !" |[]()".Contains(notation[_at])
                && !notation.AsSpan(_at).StartsWith(Ellipsis))
                _at++;
            var word = notation[start.._at];
            if (word.Length == 0) throw Fault("a word is missing");
            var colon = word.LastIndexOf(':');
            if (colon < 0 && word.ToUpperInvariant() == word)
                return PureToken(word);
            var type = TypeOf(colon >= 0 ? word[(colon + 1)..] : word == "key" ? "key" : "string");
            var name = colon >= 0 ? word[..colon] : word;
            var slash = name.IndexOf('/', StringComparison.Ordinal);
            return new SyntaxArgument
            {
                Name = slash < 0 ? name : name[..slash],
                Shown = slash < 0 ? null : name[(slash + 1)..],
                Type = type,
                KeyIndex = type == ArgumentType.Key ? _keys++ : -1,
            };
        }

        private ArgumentType TypeOf(string name) => name switch
        {
            "string" => ArgumentType.String,
            "integer" => ArgumentType.Integer,
            "double" => ArgumentType.Double,
            "key" => ArgumentType.Key,
            "pattern" => ArgumentType.Pattern,
            "unix-time" => ArgumentType.UnixTime,
            _ => throw Fault($"there is no type '{name}'"),
        };

        private void SkipBlanks()
        {
            while (_at < notation.Length && notation[_at] == ' ') _at++;
        }

        private static SyntaxArgument PureToken(string word) =>
            new() { Name = word.ToLowerInvariant(), Type = ArgumentType.PureToken, Token = word };

        private static SyntaxArgument Block(string? token, List<SyntaxArgument> members) =>
            new() { Name = NameOf(members), Type = ArgumentType.Block, Token = token, Members = members };

        private static string NameOf(List<SyntaxArgument> members) =>
            string.Join('_', members.ConvertAll(static one => one.Name));
    }
}
