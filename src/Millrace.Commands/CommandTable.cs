using System.Numerics;

namespace Millrace.Commands;

/// <summary>
/// All commands by name. Immutable; shared by all loops.
/// </summary>
/// <remarks>
/// Open addressing over a power of two at most a quarter full; the hash folds the case of letters away and reads the
/// first eight bytes, the last byte and the length. A look-up allocates nothing.
/// </remarks>
public sealed class CommandTable
{
    private readonly CommandSpec?[] _slots;
    private readonly CommandSpec[] _commands;
    private readonly CommandSpec[] _numbered;

    /// <summary>A table of the commands of all families; throws when two have one name.</summary>
    public CommandTable(IEnumerable<CommandSpec> commands)
    {
        _commands = [.. commands];
        var numbered = new List<CommandSpec>();
        _slots = new CommandSpec?[BitOperations.RoundUpToPowerOf2((uint)_commands.Length * 4)];
        foreach (var command in _commands)
        {
            Place(command);
            Number(command, numbered);
        }

        _numbered = [.. numbered];
    }

    /// <summary>The commands, containers but not their subcommands.</summary>
    public ReadOnlySpan<CommandSpec> Commands => _commands;

    /// <summary>Commands and subcommands by <see cref="CommandSpec.Id"/>.</summary>
    public ReadOnlySpan<CommandSpec> Numbered => _numbered;

    /// <summary>The command of a name in any case, or null.</summary>
    public CommandSpec? Find(ReadOnlySpan<byte> name)
    {
        var slots = _slots;
        for (var at = Hash(name);; at++)
        {
            var command = slots[at & (slots.Length - 1)];
            if (command is null || Words.Equal(name, command.NameBytes)) return command;
        }
    }

    private static int Hash(ReadOnlySpan<byte> name)
    {
        ulong folded = (ulong)name.Length;
        foreach (var one in name[..Math.Min(name.Length, 24)]) folded = (folded * 0x9E3779B97F4A7C15) + (one | 0x20u);
        return (int)(folded >> 40);
    }

    private static void Number(CommandSpec command, List<CommandSpec> numbered)
    {
        command.Number(numbered.Count);
        numbered.Add(command);
        foreach (var sub in command.Subcommands) Number(sub, numbered);
    }

    private void Place(CommandSpec command)
    {
        if (Find(command.NameBytes) is not null) throw new ArgumentException($"two commands are named {command.Name}");
        var at = Hash(command.NameBytes);
        while (_slots[at & (_slots.Length - 1)] is not null) at++;
        _slots[at & (_slots.Length - 1)] = command;
    }
}
