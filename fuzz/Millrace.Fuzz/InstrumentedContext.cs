using System.Reflection;
using System.Runtime.Loader;

namespace Millrace.Fuzz;

/// <summary>
/// A load context in which the assembly under test is the rewritten one. The fuzzer's own assembly is loaded once more
/// inside, so that its references, and the probes, are those of this context.
/// </summary>
public sealed class InstrumentedContext : AssemblyLoadContext
{
    private readonly Dictionary<string, byte[]> _rewritten;
    private readonly string _folder = AppContext.BaseDirectory;

    /// <summary>A context in which the named assemblies have these contents.</summary>
    public InstrumentedContext(Dictionary<string, byte[]> rewritten) => _rewritten = rewritten;

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string name = assemblyName.Name ?? "";
        if (_rewritten.TryGetValue(name, out byte[]? image))
            return LoadFromStream(new MemoryStream(image));
        string file = Path.Combine(_folder, name + ".dll");
        bool isOurs = name.StartsWith("Millrace.", StringComparison.Ordinal) && File.Exists(file);
        return isOurs ? LoadFromAssemblyPath(file) : null;
    }
}
