using System.Text;
using Millrace.Commands;

namespace Millrace.Server.Observability;

/// <summary>DEBUG PROTOCOL: one reply of each type, for tests of clients. The values are those of
/// redis-server.</summary>
internal static class DebugProtocol
{
    private const string Types = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";

    // Longer than the name of every type: a word that is cut names none.
    private const int MaxTypeBytes = 16;

    /// <summary>Writes the value of the type that the third argument names.</summary>
    public static void Write(ref Call call)
    {
        var reply = call.Reply;
        switch (Encoding.Latin1.GetString(ErrorTexts.Quotable(call.Args[2], MaxTypeBytes)).ToLowerInvariant())
        {
            case "string": reply.Bulk("Hello World"u8); break;
            case "integer": reply.Integer(12345); break;
            case "double": reply.Double(3.141); break;
            case "bignum": reply.BigNumber("1234567999999999999999999999999999999"u8); break;
            case "null": reply.Null(); break;
            case "array": reply.Array(3); Numbers(ref call); break;
            case "set": reply.Set(3); Numbers(ref call); break;
            case "map": Map(ref call); break;
            case "attrib": Attribute(ref call); break;
            case "push": Push(ref call); break;
            case "verbatim": reply.Verbatim("txt"u8, "This is a verbatim\nstring"u8); break;
            case "true": reply.Bool(true); break;
            case "false": reply.Bool(false); break;
            default:
                reply.Error(Encoding.ASCII.GetBytes("ERR Wrong protocol type name. Please use one of the "
                    + $"following: {Types}"));
                break;
        }
    }

    private static void Numbers(ref Call call)
    {
        for (var i = 0; i < 3; i++) call.Reply.Integer(i);
    }

    private static void Map(ref Call call)
    {
        call.Reply.Map(3);
        for (var i = 0; i < 3; i++)
        {
            call.Reply.Integer(i);
            call.Reply.Bool(i == 1);
        }
    }

    // An attribute comes before the reply that it describes.
    private static void Attribute(ref Call call)
    {
        if (call.Reply.Protocol == 3)
        {
            call.Reply.Attribute(1);
            call.Reply.Bulk("key-popularity"u8);
            call.Reply.Array(2);
            call.Reply.Bulk("key:123"u8);
            call.Reply.Integer(90);
        }

        call.Reply.Bulk("Some real reply following the attribute"u8);
    }

    // A push is no reply: one follows.
    private static void Push(ref Call call)
    {
        if (call.Reply.Protocol != 3)
        {
            call.Reply.Error("ERR RESP2 is not supported by this command"u8);
            return;
        }

        call.Reply.Push(2);
        call.Reply.Bulk("server-cpu-usage"u8);
        call.Reply.Integer(42);
        call.Reply.Bulk("Some real reply following the push reply"u8);
    }
}
