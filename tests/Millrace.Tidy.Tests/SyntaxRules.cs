using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Millrace.Tidy.Tests;

/// <summary>Rules on the syntax of one file. Each takes text, so that its test can plant what it must find.</summary>
public static class SyntaxRules
{
    /// <summary>The longest function, from its first modifier to its closing brace: one screen.</summary>
    public const int MaxFunctionLines = 70;

    private static readonly string[] BannedSuffixes =
        ["Manager", "Helper", "Helpers", "Util", "Utils", "Wrapper", "Data"];

    private static readonly string[] RawMemoryClasses =
        ["Unsafe", "MemoryMarshal", "NativeMemory", "CollectionsMarshal", "GCHandle"];

    private static readonly CSharpParseOptions Options =
        new(LanguageVersion.Preview, preprocessorSymbols: ["DEBUG"]);

    private static readonly string[] MutableKinds =
    [
        "List", "Dictionary", "HashSet", "SortedDictionary", "SortedList", "SortedSet", "Queue", "Stack", "LinkedList",
        "PriorityQueue", "ConcurrentDictionary", "ConcurrentQueue", "ConcurrentStack", "ConcurrentBag",
        "ConditionalWeakTable", "StringBuilder", "Random", "Lock", "object", "Object", "SemaphoreSlim", "ThreadLocal",
        "AsyncLocal", "Timer", "Stopwatch", "MemoryStream", "StrongBox", "WeakReference",
    ];

    /// <summary>Functions fit one screen.</summary>
    public static IEnumerable<Finding> FunctionLength(SourceText file)
    {
        foreach (SyntaxNode node in Parse(file).DescendantNodes())
        {
            if (node is not (BaseMethodDeclarationSyntax or LocalFunctionStatementSyntax or AccessorDeclarationSyntax))
                continue;
            FileLinePositionSpan span = node.SyntaxTree.GetLineSpan(node.Span);
            int lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
            if (lines > MaxFunctionLines)
                yield return At(file, node, $"a function of {lines} lines, {MaxFunctionLines} are allowed");
        }
    }

    /// <summary>Static state is constant: readonly and of a kind that cannot change; an array is private and never
    /// written.</summary>
    public static IEnumerable<Finding> MutableStatics(SourceText file)
    {
        SyntaxNode root = Parse(file);
        foreach (FieldDeclarationSyntax field in root.DescendantNodes().OfType<FieldDeclarationSyntax>())
        {
            if (!Has(field, SyntaxKind.StaticKeyword))
                continue;
            if (!Has(field, SyntaxKind.ReadOnlyKeyword))
                yield return At(file, field, "a static field that is not readonly");
            else if (Changeable(field.Declaration.Type))
                yield return At(file, field, $"a static field of a changeable type, {field.Declaration.Type}");
            else if (field.Declaration.Type is ArrayTypeSyntax && Visible(field))
                yield return At(file, field, "a static array that others can write to");
            else if (field.Declaration.Type is ArrayTypeSyntax && Written(root, field) is { } place)
                yield return At(file, place, "a static array is written to outside of a static constructor");
        }
        foreach (PropertyDeclarationSyntax property in root.DescendantNodes().OfType<PropertyDeclarationSyntax>())
        {
            if (!Has(property, SyntaxKind.StaticKeyword) || property.AccessorList is not { } accessors)
                continue;
            if (accessors.Accessors.Any(SyntaxKind.SetAccessorDeclaration))
                yield return At(file, property, "a static property that can be set");
            else if (accessors.Accessors.All(accessor => accessor.Body is null && accessor.ExpressionBody is null)
                && (Changeable(property.Type) || property.Type is ArrayTypeSyntax)
                && property.Parent is not InterfaceDeclarationSyntax)
                yield return At(file, property, $"a static property that holds a changeable {property.Type}");
        }
        foreach (EventFieldDeclarationSyntax field in root.DescendantNodes().OfType<EventFieldDeclarationSyntax>())
        {
            if (Has(field, SyntaxKind.StaticKeyword))
                yield return At(file, field, "a static event");
        }
    }

    /// <summary>`partial` is for generated code: a type whose members are generated imports, nothing else.</summary>
    public static IEnumerable<Finding> HandWrittenPartial(SourceText file)
    {
        foreach (SyntaxNode node in Parse(file).DescendantNodes())
        {
            if (node is not MemberDeclarationSyntax member || !Has(member, SyntaxKind.PartialKeyword))
                continue;
            bool generated = node.DescendantNodesAndSelf().OfType<AttributeSyntax>()
                .Any(attribute => attribute.Name.ToString() is "LibraryImport" or "GeneratedRegex");
            if (!generated)
                yield return At(file, node, "a hand-written partial");
        }
    }

    /// <summary>No #region.</summary>
    public static IEnumerable<Finding> Regions(SourceText file) => Parse(file)
        .DescendantTrivia()
        .Where(trivia => trivia.IsKind(SyntaxKind.RegionDirectiveTrivia))
        .Select(trivia => new Finding(file.Path, LineOf(trivia.GetLocation()), "a #region"));

    /// <summary>A warning that is switched off in the code says why on its line.</summary>
    public static IEnumerable<Finding> PragmasWithoutReason(SourceText file)
    {
        foreach (SyntaxTrivia trivia in Parse(file).DescendantTrivia())
        {
            if (trivia.GetStructure() is PragmaWarningDirectiveTriviaSyntax pragma
                && pragma.DisableOrRestoreKeyword.IsKind(SyntaxKind.DisableKeyword)
                && (!pragma.ToFullString().Contains("//", StringComparison.Ordinal)
                    || pragma.ErrorCodes.Any(code => code.ToString() == "CS1591")))
                yield return new Finding(
                    file.Path, LineOf(trivia.GetLocation()), "a warning switched off without a reason");
        }
    }

    /// <summary>Types are the field's own nouns.</summary>
    public static IEnumerable<Finding> TypeNames(SourceText file)
    {
        foreach (BaseTypeDeclarationSyntax type in Parse(file).DescendantNodes().OfType<BaseTypeDeclarationSyntax>())
        {
            string name = type.Identifier.Text;
            if (Array.Find(BannedSuffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal)) is { } suffix)
                yield return At(file, type, $"{name}: {suffix} says nothing; name what it is");
        }
    }

    /// <summary>A file opens with what it is: a comment at its top or the summary of its first type.</summary>
    public static IEnumerable<Finding> Openings(SourceText file)
    {
        var root = (CompilationUnitSyntax)Parse(file);
        bool commented = root.GetFirstToken(includeZeroWidth: true).LeadingTrivia.Any(IsComment)
            || FirstMember(root)?.GetLeadingTrivia().Any(IsComment) == true;
        if (!commented && FirstMember(root) is not null)
            yield return new Finding(file.Path, 1, "opens without saying what it is");
    }

    /// <summary>
    /// Every unsafe statement carries `// SAFETY:` directly before it or at its top, and every declaration marked
    /// unsafe carries one before it or within it.
    /// </summary>
    public static IEnumerable<Finding> UnsafeWithoutReason(SourceText file)
    {
        foreach (SyntaxNode node in Parse(file).DescendantNodes())
        {
            bool missing = node switch
            {
                UnsafeStatementSyntax block => !Says(block.GetLeadingTrivia()) && !Says(block.Block.OpenBraceToken)
                    && !Says(block.Block.Statements.FirstOrDefault()),
                MemberDeclarationSyntax member when Has(member, SyntaxKind.UnsafeKeyword) =>
                    !member.ToFullString().Contains("SAFETY:", StringComparison.Ordinal),
                LocalFunctionStatementSyntax local when local.Modifiers.Any(SyntaxKind.UnsafeKeyword) =>
                    !local.ToFullString().Contains("SAFETY:", StringComparison.Ordinal),
                _ => false,
            };
            if (missing)
                yield return At(file, node, "unsafe code without // SAFETY: and the reason why it holds");
        }
    }

    /// <summary>Code that handles raw memory, wherever it stands: unsafe, and the classes that reinterpret or
    /// allocate.</summary>
    public static IEnumerable<Finding> RawMemory(SourceText file)
    {
        foreach (SyntaxToken token in Parse(file).DescendantTokens())
        {
            bool raw = token.IsKind(SyntaxKind.UnsafeKeyword) || token.IsKind(SyntaxKind.StackAllocKeyword)
                && token.Parent?.Parent?.Parent?.Parent is VariableDeclarationSyntax { Type: PointerTypeSyntax };
            raw |= RawMemoryClasses.Contains(token.Text, StringComparer.Ordinal)
                && token.Parent is IdentifierNameSyntax { Parent: MemberAccessExpressionSyntax or QualifiedNameSyntax };
            raw |= token.Text == "Marshal" && token.Parent?.Parent is MemberAccessExpressionSyntax access
                && access.Name.Identifier.Text is not ("GetLastPInvokeError" or "GetLastSystemError" or "SizeOf"
                    or "GetPInvokeErrorMessage" or "SetLastPInvokeError");
            if (raw)
                yield return new Finding(file.Path, LineOf(token.GetLocation()), $"raw memory: {token.Text}");
        }
    }

    /// <summary>Test methods are sentences with underscores.</summary>
    public static IEnumerable<Finding> TestNames(SourceText file)
    {
        foreach (MethodDeclarationSyntax method in Parse(file).DescendantNodes().OfType<MethodDeclarationSyntax>())
        {
            bool isTest = method.AttributeLists.SelectMany(list => list.Attributes)
                .Any(attribute => attribute.Name.ToString() is "Fact" or "Theory");
            if (isTest && method.Identifier.Text.Count(letter => letter == '_') < 2)
                yield return At(file, method, $"{method.Identifier.Text} is not a sentence");
        }
    }

    private static SyntaxNode Parse(SourceText file) =>
        CSharpSyntaxTree.ParseText(file.Text, Options).GetRoot();

    private static MemberDeclarationSyntax? FirstMember(CompilationUnitSyntax root)
    {
        MemberDeclarationSyntax? first = root.Members.FirstOrDefault();
        return first is BaseNamespaceDeclarationSyntax space ? space.Members.FirstOrDefault() : first;
    }

    private static bool Has(MemberDeclarationSyntax member, SyntaxKind modifier) => member.Modifiers.Any(modifier);

    private static bool Visible(MemberDeclarationSyntax member) =>
        Has(member, SyntaxKind.PublicKeyword) || Has(member, SyntaxKind.InternalKeyword)
        || Has(member, SyntaxKind.ProtectedKeyword);

    private static bool Changeable(TypeSyntax type) => type switch
    {
        GenericNameSyntax generic => MutableKinds.Contains(generic.Identifier.Text, StringComparer.Ordinal),
        QualifiedNameSyntax qualified => Changeable(qualified.Right),
        NullableTypeSyntax nullable => Changeable(nullable.ElementType),
        _ => MutableKinds.Contains(type.ToString(), StringComparer.Ordinal),
    };

    private static SyntaxNode? Written(SyntaxNode root, FieldDeclarationSyntax field)
    {
        string[] names = [.. field.Declaration.Variables.Select(variable => variable.Identifier.Text)];
        return root.DescendantNodes().OfType<AssignmentExpressionSyntax>()
            .Where(assignment => !assignment.Ancestors().OfType<ConstructorDeclarationSyntax>()
                .Any(constructor => Has(constructor, SyntaxKind.StaticKeyword)))
            .FirstOrDefault(assignment => assignment.Left is ElementAccessExpressionSyntax { Expression: var target }
                && names.Contains(target.ToString(), StringComparer.Ordinal));
    }

    private static bool IsComment(SyntaxTrivia trivia) =>
        trivia.IsKind(SyntaxKind.SingleLineCommentTrivia) || trivia.IsKind(SyntaxKind.MultiLineCommentTrivia)
        || trivia.IsKind(SyntaxKind.SingleLineDocumentationCommentTrivia)
        || trivia.IsKind(SyntaxKind.MultiLineDocumentationCommentTrivia);

    private static bool Says(SyntaxTriviaList trivia) =>
        trivia.Any(item => item.ToFullString().Contains("SAFETY:", StringComparison.Ordinal));

    private static bool Says(SyntaxToken token) => Says(token.TrailingTrivia);

    private static bool Says(SyntaxNode? node) => node is not null && Says(node.GetLeadingTrivia());

    private static Finding At(SourceText file, SyntaxNode node, string message) =>
        new(file.Path, LineOf(node.GetLocation()), message);

    private static int LineOf(Location place) => place.GetLineSpan().StartLinePosition.Line + 1;
}
