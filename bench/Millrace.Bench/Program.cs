// Benchmarks against whole servers, started here, on loopback only; every load is bounded and ends by itself.
//
//     cpu      server CPU microseconds per request beside redis-server, redis-benchmark as the load
//     expiry   how late a million keys are removed that fall due over a minute, beside 50 clients of GET

using Millrace.Bench;

switch (args.FirstOrDefault())
{
    case "cpu":
        return CpuBench.Run(BenchOptions.From(args[1..]));
    case "expiry":
        return await ExpiryBench.RunAsync(BenchOptions.From(args[1..])).ConfigureAwait(false);
    default:
        Console.WriteLine("usage: bench cpu|expiry [--loops N] [--rounds N] [--requests N] [--keys N] [--seconds N]");
        return args.Length == 0 ? 0 : 1;
}
