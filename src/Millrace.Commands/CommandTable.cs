using System.Numerics;

namespace Millrace.Commands;

/// <summary>
/// All commands by name. Immutable; shared by all loops.
/// </summary>
/// <remarks>
/// Open addressing over a power of two at most a quarter full. A slot holds the name as words
/// (<see cref="CommandName"/>) beside the command, so a miss touches no command. Longer names, of which there are few,
/// stand in a list of their own. A look-up allocates nothing.
/// </remarks>
public sealed class CommandTable
{
    private readonly Slot[] _slots;
    private readonly CommandSpec[] _longNames;
    private readonly CommandSpec[] _commands;
    private readonly CommandSpec[] _numbered;

    /// <summary>A table of the commands of all families; throws when two have one name.</summary>
    public CommandTable(IEnumerable<CommandSpec> commands)
    {
        _commands = [.. commands];
        var numbered = new List<CommandSpec>();
        _slots = new Slot[BitOperations.RoundUpToPowerOf2(((uint)_commands.Length + 1) * 4)];
        _longNames = [.. _commands.Where(static one => one.NameBytes.Length > CommandName.MaxBytes)];
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
        if (name.Length > CommandName.MaxBytes) return FindLong(name);
        var wanted = CommandName.Of(name);
        var slots = _slots;
        for (var at = wanted.Hash;; at++)
        {
            ref readonly var slot = ref slots[at & (slots.Length - 1)];
            if (slot.Command is null) return null;
            if (slot.Name == wanted && (slot.IsOfLetters || Words.Equal(name, slot.Command.NameBytes)))
                return slot.Command;
        }
    }

    private CommandSpec? FindLong(ReadOnlySpan<byte> name)
    {
        foreach (var one in _longNames)
        {
            if (Words.Equal(name, one.NameBytes)) return one;
        }

        return null;
    }

    private static void Number(CommandSpec command, List<CommandSpec> numbered)
    {
        command.Number(numbered.Count);
        numbered.Add(command);
        foreach (var sub in command.Subcommands) Number(sub, numbered);
    }

    private void Place(CommandSpec command)
    {
        var bytes = command.NameBytes;
        if (bytes.Length > CommandName.MaxBytes)
        {
            if (_longNames.Count(one => Words.Equal(bytes, one.NameBytes)) > 1) ThrowTwice(command);
            return;
        }

        if (Find(bytes) is not null) ThrowTwice(command);
        var name = CommandName.Of(bytes);
        var at = name.Hash;
        while (_slots[at & (_slots.Length - 1)].Command is not null) at++;
        var isOfLetters = bytes.AsSpan().IndexOfAnyExceptInRange((byte)'a', (byte)'z') < 0;
        _slots[at & (_slots.Length - 1)] = new Slot(name, command, isOfLetters);
    }

    private static void ThrowTwice(CommandSpec command) =>
        throw new ArgumentException($"two commands are named {command.Name}");

    private readonly record struct Slot(CommandName Name, CommandSpec? Command, bool IsOfLetters);
}
