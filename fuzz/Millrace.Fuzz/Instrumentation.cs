using System.Diagnostics;
using dnlib.DotNet;
using dnlib.DotNet.Emit;
using dnlib.DotNet.Pdb;

namespace Millrace.Fuzz;

/// <summary>
/// Rewrites an assembly so that every line and every branch target of chosen source files calls
/// <see cref="Probe.Hit"/>. One mechanism gives both the guidance of the fuzzer and the line coverage that it prints.
/// </summary>
public sealed class Instrumentation
{
    private readonly List<string> _places = [];

    /// <summary>Probe number to place: "file:line", or empty for a probe within a line.</summary>
    public string[] Places => [.. _places];

    /// <summary>The rewritten assembly. Only code from the named source files is changed.</summary>
    public byte[] Rewrite(string assemblyPath, IReadOnlyCollection<string> sourceFiles)
    {
        var options = new ModuleCreationOptions { TryToLoadPdbFromDisk = true };
        using var module = ModuleDefMD.Load(assemblyPath, options);
        // The attribute of a debug build asks for slow code; of such a build only the assertions are wanted.
        module.Assembly.CustomAttributes.RemoveAll(typeof(DebuggableAttribute).FullName);
        IMethod hit = module.Import(typeof(Probe).GetMethod(nameof(Probe.Hit))!);
        foreach (MethodDef method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
        {
            string? file = SourceOf(method);
            if (file is not null && sourceFiles.Contains(file))
                Rewrite(method, hit);
        }
        using var output = new MemoryStream();
        module.Write(output);
        return output.ToArray();
    }

    private static string? SourceOf(MethodDef method) => method.Body.Instructions
        .Select(instruction => instruction.SequencePoint?.Document?.Url)
        .Where(url => url is not null)
        .Select(url => FileName(url!))
        .FirstOrDefault();

    private static string FileName(string url) => Path.GetFileName(url.Replace('\\', '/'));

    private void Rewrite(MethodDef method, IMethod hit)
    {
        CilBody body = method.Body;
        body.SimplifyBranches();
        HashSet<Instruction> targets = BranchTargets(body);
        for (int i = 0; i < body.Instructions.Count; i++)
        {
            Instruction place = body.Instructions[i];
            SequencePoint? point = place.SequencePoint;
            bool startsLine = point is not null && point.StartLine != 0xfeefee;
            if (!startsLine && !targets.Contains(place))
                continue;
            // The instruction object stays where branches and handlers point to and becomes the probe's argument;
            // what it was follows the call.
            var moved = new Instruction(place.OpCode, place.Operand);
            place.OpCode = OpCodes.Ldc_I4;
            place.Operand = _places.Count;
            body.Instructions.Insert(i + 1, new Instruction(OpCodes.Call, hit));
            body.Instructions.Insert(i + 2, moved);
            i += 2;
            _places.Add(startsLine ? $"{FileName(point!.Document.Url)}:{point.StartLine}" : "");
        }
        body.OptimizeBranches();
        if (_places.Count > Probe.MaxProbes)
            throw new InvalidOperationException($"More than {Probe.MaxProbes} probes: name fewer source files.");
    }

    private static HashSet<Instruction> BranchTargets(CilBody body)
    {
        var targets = new HashSet<Instruction>();
        for (int i = 0; i < body.Instructions.Count; i++)
        {
            object? operand = body.Instructions[i].Operand;
            if (operand is Instruction one)
                targets.Add(one);
            else if (operand is Instruction[] many)
                targets.UnionWith(many);
            bool falls = operand is Instruction or Instruction[] && i + 1 < body.Instructions.Count;
            if (falls)
                targets.Add(body.Instructions[i + 1]);
        }
        return targets;
    }
}
