namespace Millrace.Persistence.Rdb;

/// <summary>
/// The name of a module's type, as files hold it: nine letters of six bits, the highest first, over ten bits of its
/// version.
/// </summary>
/// <remarks>Source: Redis documentation, "Modules API for native types".</remarks>
internal static class ModuleName
{
    private const int Letters = 9;
    private const int LetterBits = 6;
    private const int VersionBits = 10;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    internal static string Of(ulong id) => string.Create(Letters, id >> VersionBits, static (name, letters) =>
    {
        for (var i = Letters - 1; i >= 0; i--, letters >>= LetterBits)
            name[i] = Alphabet[(int)(letters & ((1 << LetterBits) - 1))];
    });
}
