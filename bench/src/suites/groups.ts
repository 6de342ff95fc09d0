/** Many consensus groups on three nodes of one process: what they cost while nothing happens in them. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { NodeId } from "@holdfast/base";
import { ballot, groupId, logIndex, nodeId, utf8 } from "@holdfast/base";
import type { ReplicaId, SnapshotPosition } from "@holdfast/consensus";
import { emptyMembership, raftProtocol, replicaId } from "@holdfast/consensus";
import type { Group, GroupMachine, Place } from "@holdfast/groups";
import { GroupHost } from "@holdfast/groups";
import { nodeHashing, openDisk, realClock, secureRandom } from "@holdfast/host";
import { silentJournal, silentMetrics } from "@holdfast/ports";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { LoopbackNetwork } from "../load/loopback-network.ts";
import type { Round, Row } from "../report.ts";

const groupCount = 1000;
const nodeCount = 3;
const roundCount = 3;
const idleMs = 10_000;

export async function groupsSuite(): Promise<readonly Row[]> {
  const cpu: Round[] = [];
  const memory: Round[] = [];
  for (let i = 0; i < roundCount; i++) {
    const resting = await measure(undefined);
    const awake = await measure(Number.MAX_SAFE_INTEGER);
    cpu.push({ value: resting.cpuPercent, limit: awake.cpuPercent, generatorCores: 0 });
    memory.push({ value: resting.groupKiB, limit: 10, generatorCores: 0 });
  }
  const durable = "nothing happens";
  return [
    {
      name: `${groupCount} idle groups on ${nodeCount} nodes in one process, CPU of a node`,
      unit: "% of a core",
      durable,
      limitName: "the same groups, never resting",
      rounds: cpu,
      target: { of: "value", bound: "at most", is: 2 },
    },
    {
      name: "memory of an idle group on a node, a command applied",
      unit: "KiB of heap",
      durable,
      limitName: "what was asked for",
      rounds: memory,
      target: { of: "value", bound: "at most", is: 10 },
    },
  ];
}

interface Measured {
  readonly cpuPercent: number;
  readonly groupKiB: number;
}

async function measure(quietTicks: number | undefined): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-bench-groups-"));
  const networks = new Map<NodeId, LoopbackNetwork>();
  const limits = quietTicks === undefined ? {} : { quietTicks };
  const nodes: BenchNode[] = [];
  try {
    for (let i = 1; i <= nodeCount; i++)
      nodes.push(await openNode(join(folder, `${i}`), nodeId(`${i}`), networks, limits));
    const emptyBytes = heapBytes();
    await openGroups(nodes);
    if (quietTicks === undefined) while (nodes.some(isAwake)) await sleep(100);
    const groupKiB = (heapBytes() - emptyBytes) / 1024 / groupCount / nodeCount;
    const before = process.cpuUsage();
    await sleep(idleMs);
    const { user, system } = process.cpuUsage(before);
    return { cpuPercent: (user + system) / 10 / idleMs / nodeCount, groupKiB };
  } finally {
    for (const { host } of nodes) await host.stop();
    for (const { wal } of nodes) await wal.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface BenchNode {
  readonly host: GroupHost;
  readonly wal: WriteAheadLog;
  readonly place: Place;
  readonly groups: Group<number>[];
}

function isAwake({ groups }: BenchNode): boolean {
  return groups.some((group) => !group.isResting);
}

async function openNode(
  folder: string,
  self: NodeId,
  networks: Map<NodeId, LoopbackNetwork>,
  limits: { readonly quietTicks?: number },
): Promise<BenchNode> {
  const ports = { clock: realClock, random: secureRandom, journal: silentJournal, metrics: silentMetrics };
  const disk = await openDisk(folder);
  const { log: wal } = await openWriteAheadLog({ ...ports, disk, hashing: nodeHashing, folder: "log" });
  const network = new LoopbackNetwork(self, networks);
  const fail = (cause: unknown): never => {
    throw new Error("a group host failed", { cause });
  };
  const nothing = (): undefined => undefined;
  const host = new GroupHost({
    ...ports,
    wal,
    network,
    limits,
    events: {
      onLogFailure: fail,
      onStateFailure: fail,
      onLeaderChange: nothing,
      onApplied: nothing,
      room: nothing,
    },
  });
  network.listen(host);
  return { host, wal, place: { node: self, incarnation: wal.incarnation }, groups: [] };
}

/** All of them, led by the node whose turn it is, with one command applied. */
async function openGroups(nodes: readonly BenchNode[]): Promise<void> {
  const replicas = nodes.map((_, i) => replicaId(i + 1));
  const places = new Map<ReplicaId, Place>(nodes.map(({ place }, i) => [replicaId(i + 1), place]));
  const membership = { ...emptyMembership, voters: replicas };
  for (let number = 1; number <= groupCount; number++) {
    const group = groupId(number);
    for (const [i, { host, place, groups }] of nodes.entries()) {
      const options = {
        group,
        protocol: raftProtocol,
        machine: new CountingMachine(),
        membership,
        places,
      } as const;
      const { incarnation } = place;
      groups.push(await host.open({ ...options, replica: replicaId(i + 1), incarnation, origin: "new" }));
    }
    nodes[number % nodes.length]?.groups.at(-1)?.campaign();
  }
  for (let i = 0; i < groupCount; i++) await appendOnce(nodes, i);
}

async function appendOnce(nodes: readonly BenchNode[], i: number): Promise<void> {
  for (;;) {
    const leader = nodes.find(({ groups }) => groups[i]?.status().role === "leader");
    if (leader === undefined) {
      await sleep(10);
      continue;
    }
    await leader.groups[i]?.append(utf8("command"));
    return;
  }
}

/** The least that a state machine can be. */
class CountingMachine implements GroupMachine<number> {
  applied: SnapshotPosition = { index: logIndex(0), ballot: ballot(0), membership: emptyMembership };
  readonly staged = undefined;
  #count = 0;

  apply(): number {
    return ++this.#count;
  }

  advance(position: SnapshotPosition): void {
    this.applied = position;
  }

  snapshot(): Promise<never> {
    return Promise.reject(new Error("no snapshots here"));
  }

  stage(): Promise<never> {
    return Promise.reject(new Error("no snapshots here"));
  }
}

function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
