// A real redis-server for comparisons: Debian's redis-check-rdb is the server when it is called by that name. Started
// on a Unix socket in a directory of its own; killed by the process object that started it.

using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Millrace.Server.Config;

namespace Millrace.Server.Tests.Config;

internal sealed class RedisServer : IDisposable
{
    private const string Executable = "/usr/bin/redis-check-rdb";

    private readonly string _directory = Directory.CreateTempSubdirectory("millrace-redis-").FullName;
    private readonly Process _process;
    private readonly Socket _socket;

    private RedisServer(string config)
    {
        string link = Path.Combine(_directory, "redis-server");
        string socket = Path.Combine(_directory, "s");
        string file = Path.Combine(_directory, "redis.conf");
        File.CreateSymbolicLink(link, Executable);
        File.WriteAllBytes(file, Encoding.Latin1.GetBytes($"port 0\nsave \"\"\nunixsocket {socket}\n{config}"));
        var start = new ProcessStartInfo(link, [file])
        {
            UseShellExecute = false,
            WorkingDirectory = _directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _socket = Connect(socket);
    }

    /// <summary>A running server. A test that needs it fails where Debian's redis-tools is not installed.</summary>
    internal static RedisServer Start(string config = "")
    {
        Assert.True(File.Exists(Executable), "no redis-server: install redis-tools");
        return new RedisServer(config);
    }

    /// <summary>The configuration file as it is now.</summary>
    internal string FileText => Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(_directory, "redis.conf")));

    /// <summary>Sends one command and answers its reply as text: strings as they are, arrays joined by line
    /// feeds.</summary>
    internal string Call(params string[] words)
    {
        var request = new StringBuilder($"*{words.Length}\r\n");
        foreach (string word in words) request.Append($"${word.Length}\r\n{word}\r\n");
        _socket.Send(ConfigText.ToBytes(request.ToString()));
        return Read();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private Socket Connect(string path)
    {
        for (int attempt = 0; ; attempt++)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                socket.Connect(new UnixDomainSocketEndPoint(path));
                return socket;
            }
            catch (SocketException) when (attempt < 100 && !_process.HasExited)
            {
                socket.Dispose();
                Thread.Sleep(20);
            }
        }
    }

    private string Read()
    {
        string line = ReadLine();
        if (line[0] == '$')
        {
            int length = int.Parse(line.AsSpan(1));
            string text = ReadBytes(length + 2);
            return text[..^2];
        }

        if (line[0] != '*') return line[0] == '-' ? line[1..] : line;
        return string.Join('\n', Enumerable.Range(0, int.Parse(line.AsSpan(1))).Select(_ => Read()));
    }

    private string ReadLine()
    {
        var line = new StringBuilder();
        while (line.Length < 2 || line[^1] != '\n') line.Append(ReadBytes(1));
        return line.ToString(0, line.Length - 2);
    }

    private string ReadBytes(int count)
    {
        byte[] bytes = new byte[count];
        int done = 0;
        while (done < count)
        {
            int received = _socket.Receive(bytes, done, count - done, SocketFlags.None);
            Assert.True(received > 0, "redis-server has closed the connection");
            done += received;
        }

        return ConfigText.FromBytes(bytes);
    }
}
