/** The consensus core: commits without I/O beside the best peer in JavaScript, and the speed of the simulated group. */

import type { ConsensusProtocol, Envelope } from "@holdfast/consensus";
import { multiPaxosProtocol, raftProtocol } from "@holdfast/consensus";
import { raft, runGroupSeed } from "@holdfast/simulator";
import type { PeerGroup } from "../peers/coaty-raft.ts";
import { coatyGroup } from "../peers/coaty-raft.ts";
import { ourGroup } from "../peers/our-group.ts";
import type { Round, Row } from "../report.ts";

const roundCount = 7;
const command = "0123456789abcdef";
const ourCommits = 128 * 1024;
const peerCommits = 16 * 1024;
const simulatedSeeds = 60;
const simulatedTicks = 2000;
const ticksMin = 30_000;

export function consensusSuite(): Promise<readonly Row[]> {
  return Promise.resolve([commits(raftProtocol, 1), commits(raftProtocol, 64), simulation()]);
}

/** A suite of its own: a process that ran Raft before has code that was compiled for both. */
export function multiPaxosSuite(): Promise<readonly Row[]> {
  return Promise.resolve([commits(multiPaxosProtocol, 1), commits(multiPaxosProtocol, 64)]);
}

function commits<Message extends Envelope>(protocol: ConsensusProtocol<Message>, batch: number): Row {
  const [ours, peer] = [ourGroup(protocol, command), coatyGroup(command)];
  const rounds: Round[] = [];
  // The first round compiles.
  for (let i = 0; i <= roundCount; i++) {
    const round = { value: rate(ours, ourCommits, batch), limit: rate(peer, peerCommits, batch) };
    if (i > 0)
      rounds.push({
        ...round,
        cpuMicros: { value: 1e6 / round.value, limit: 1e6 / round.limit },
        generatorCores: 0,
      });
  }
  return {
    name: `${protocol.name} commits, 3 voters in one process, ${command.length} B, batches of ${batch}`,
    unit: "commits/s, by CPU time",
    durable: "nothing: no I/O",
    limitName: "@coaty/consensus.raft 1.0.0, RawNode on memory storage",
    rounds,
    target: { of: "ratio", bound: "at least", is: 5 },
  };
}

function rate(group: PeerGroup, count: number, batch: number): number {
  return perSecond(() => {
    let committed = 0;
    for (let i = 0; i < count; i += batch) committed += group.commit(batch);
    if (committed !== count) throw new Error(`${committed} of ${count} commands were committed`);
    return committed;
  });
}

/** Groups with three voters of the plans that seeds make, with all their faults. */
function simulation(): Row {
  const rounds: Round[] = [];
  const run = (): number => perSecond(simulate);
  run();
  for (let i = 0; i < roundCount; i++) rounds.push({ value: run(), limit: ticksMin, generatorCores: 0 });
  return {
    name: "simulated raft group, 3 voters, faults on",
    unit: "ticks/s, by CPU time",
    durable: "nothing",
    limitName: "what was asked for",
    rounds,
    target: { of: "value", bound: "at least", is: ticksMin },
  };
}

function simulate(): number {
  let ticks = 0;
  for (let seed = 1; seed <= simulatedSeeds; seed++) {
    const result = runGroupSeed({ seed, protocol: raft, ticks: simulatedTicks, linesMax: 0, votersCount: 3 });
    if (result.failure !== undefined) throw new Error(`seed ${seed}: ${result.failure.message}`);
    ticks += result.ticks;
  }
  return ticks;
}

function perSecond(work: () => number): number {
  const before = process.cpuUsage();
  const count = work();
  const { user, system } = process.cpuUsage(before);
  return (1e6 * count) / (user + system);
}
