using System.Text;
using Millrace.Resp;

namespace Millrace.Commands;

/// <summary>The reply of a container's HELP: a heading, then each subcommand with its explanation indented below
/// it.</summary>
public static class HelpText
{
    /// <summary>Writes the lines as simple strings; HELP itself is added at the end.</summary>
    /// <param name="reply">Where to.</param>
    /// <param name="container">The container's name in upper case.</param>
    /// <param name="lines">Usage and explanation by turns; either may have several lines.</param>
    public static void Write(ReplyWriter reply, string container, ReadOnlySpan<string> lines)
    {
        List<string> all = [$"{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"];
        for (var i = 0; i + 1 < lines.Length; i += 2)
        {
            all.AddRange(lines[i].Split('\n'));
            foreach (var line in lines[i + 1].Split('\n')) all.Add("    " + line);
        }

        all.Add("HELP");
        all.Add("    Prints this help.");
        reply.Array(all.Count);
        foreach (var line in all) reply.Simple(Encoding.ASCII.GetBytes(line));
    }
}
