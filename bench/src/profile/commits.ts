/** Where the time of the processes goes for each commit of the suite `registers`. */

import { present } from "@holdfast/base";
import { RegisterCluster } from "@holdfast/test-chaos";
import { commitFlood, leaderOf } from "../suites/registers.ts";
import type { CpuMicros } from "./inspected-process.ts";
import { InspectedProcess } from "./inspected-process.ts";
import type { Owner } from "./self-time.ts";
import { printSelfTime } from "./self-time.ts";

const commits = 100_000;
const warmUp = 30_000;

export async function profileCommits(consensus: "raft" | "multipaxos", by: Owner): Promise<void> {
  const cluster = await RegisterCluster.open({ size: 3, consensus, proxies: false, inspected: true });
  try {
    const leader = await leaderOf(cluster);
    const processes = await Promise.all(cluster.inspectPorts.map((port) => InspectedProcess.open(port)));
    await commitFlood(leader.connection, warmUp);
    const before = await Promise.all(processes.map((each) => each.cpuMicros()));
    const rate = await commitFlood(leader.connection, commits);
    const after = await Promise.all(processes.map((each) => each.cpuMicros()));
    console.log(`${consensus}: ${Math.round(rate)} commits/s, ${(1e6 / rate).toFixed(1)} us each`);
    for (const each of processes) await each.beginProfile();
    await commitFlood(leader.connection, commits);
    for (const [node, each] of processes.entries()) {
      const used = usedBetween(present(before[node], "usage"), present(after[node], "usage"));
      console.log(`${node === leader.node ? "leader" : "follower"}: ${used}`);
      printSelfTime(await each.endProfile(), commits, by);
      each.close();
    }
    leader.connection.close();
  } finally {
    await cluster.close(false);
  }
}

function usedBetween(before: CpuMicros, after: CpuMicros): string {
  const each = (kind: keyof CpuMicros): string => ((after[kind] - before[kind]) / commits).toFixed(1);
  return `${each("main")} us of CPU on the main thread, ${each("all")} in all`;
}
