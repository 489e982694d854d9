// The values of all directives at one moment. Immutable: a change makes a new set of values, so that a failed CONFIG
// SET has nothing to undo.

namespace Millrace.Server.Config;

/// <summary>One value for every row of a table. Immutable and thread-safe.</summary>
public sealed class ConfigValues
{
    private readonly DirectiveValue[] _values;

    /// <summary>Takes ownership of <paramref name="values"/>, which stand in the order of the table's rows.</summary>
    internal ConfigValues(DirectiveTable table, DirectiveValue[] values)
    {
        Table = table;
        _values = values;
    }

    /// <summary>The declarations.</summary>
    public DirectiveTable Table { get; }

    /// <summary>The value of a directive.</summary>
    /// <param name="name">A name or alias that the table knows.</param>
    public DirectiveValue this[string name]
    {
        get
        {
            int place = Table.PlaceOf(name);
            if (place < 0) throw new ArgumentException($"There is no directive '{name}'.", nameof(name));
            return _values[place];
        }
    }

    /// <summary>The value of the row at a place.</summary>
    /// <param name="place">The row's place.</param>
    public DirectiveValue At(int place) => _values[place];

    /// <summary>A private copy of the values, in the order of the rows.</summary>
    internal DirectiveValue[] Copy() => (DirectiveValue[])_values.Clone();
}
