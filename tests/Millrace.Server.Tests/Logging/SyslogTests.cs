using System.Net.Sockets;
using System.Text;
using Millrace.Server.Logging;

namespace Millrace.Server.Tests.Logging;

public sealed class SyslogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-syslog-").FullName;

    private string Address => Path.Combine(_directory, "log");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_line_goes_there_in_the_form_of_syslog_without_control_characters()
    {
        using Socket daemon = Listen();
        using var syslog = new Syslog("me", facility: 8, processId: 77, Address);
        var log = new Log(LogLevel.Notice, new NoLogOutput(), TimeProvider.System, 77) { Syslog = syslog };
        log.Verbose("not this one");
        log.Warning("a\nb");
        Assert.Matches(@"^<188>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d me\[77\]: a b$", Receive(daemon));
    }

    [Fact]
    public void A_daemon_that_is_missing_or_started_anew_stops_nobody()
    {
        using var syslog = new Syslog("me", facility: 0, processId: 1, Address);
        syslog.Write(LogLevel.Debug, DateTimeOffset.UnixEpoch, "lost");
        using (Socket daemon = Listen())
        {
            syslog.Write(LogLevel.Debug, DateTimeOffset.UnixEpoch, "one");
            Assert.Equal("<15>Jan  1 00:00:00 me[1]: one", Receive(daemon));
        }

        File.Delete(Address);
        using Socket second = Listen();
        syslog.Write(LogLevel.Notice, DateTimeOffset.UnixEpoch, "two");
        Assert.Equal("<13>Jan  1 00:00:00 me[1]: two", Receive(second));
    }

    private Socket Listen()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Address));
        socket.ReceiveTimeout = 20_000;
        return socket;
    }

    private static string Receive(Socket daemon)
    {
        byte[] bytes = new byte[4096];
        return Encoding.UTF8.GetString(bytes, 0, daemon.Receive(bytes));
    }
}
