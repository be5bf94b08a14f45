using System.Text;
using Millrace.Faults;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>
/// Damaged files with a quarantine: every row arrives, is told, or there is a fault with a place; and what a stream without a quarantine takes arrives
/// with one as well, the same, with nothing rejected.
/// </summary>
public sealed class RejectFuzzTests : FileRejectBench
{
    private const int Rounds = 12;

    public static TheoryData<string, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, int>();
            foreach (var name in new[] { "in.csv", "in.ndjson", "in.json" })
            {
                cases.Add(name, 1);
                cases.Add(name, Environment.TickCount);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task A_quarantine_takes_only_what_would_be_a_fault(string name, int seed)
    {
        var random = new Random(seed);
        var sound = Encoding.UTF8.GetBytes(Sound(name));
        for (var round = 0; round < Rounds; round++)
        {
            var damaged = Damage.To(sound, random);
            var what = $"seed {seed}, round {round}, {Convert.ToHexString(damaged)}";
            File.WriteAllBytes(Folder[name], damaged);
            var plain = await TryAsync(name, what, "fail");
            var guarded = await TryAsync(name, what, "quarantine");
            if (plain is null) continue;
            Assert.True(guarded is not null, what);
            Assert.True(guarded.RowsRejected == 0 && guarded.Hashes["in"] == plain.Hashes["in"], $"{what}: {guarded.RowsRejected} rejected");
        }
    }

    private async Task<RunSummary?> TryAsync(string name, string what, string onReject)
    {
        try
        {
            return (await MoveAsync(name, null, $"streams.in.on_reject={onReject}", "streams.in.partition={by: bytes, rows: 20}")).Summary;
        }
        catch (Fault fault)
        {
            Assert.True(fault is { Where: not null, Kind: not FaultKind.Internal }, $"{what}: {fault.Where}: {fault.Message}");
            return null;
        }
    }

    private static string Sound(string name)
    {
        var text = new StringBuilder(name == "in.csv" ? "id,name,amount\n" : name == "in.json" ? "[" : "");
        for (var i = 0; i < 60; i++)
        {
            text.Append(name == "in.csv" ? $"{i},\"na\"\"me\n{i}\",{i}.25\n" : $"{{\"id\":{i},\"name\":\"na\\nme {i}\",\"amount\":{i}.25}}");
            if (name != "in.csv") text.Append(name == "in.json" ? i < 59 ? "," : "]" : "\n");
        }

        return text.ToString();
    }
}
