import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Ballot } from "@holdfast/base";
import { ballot, emptyBytes, groupId, logIndex, nodeId, seededRandom, utf8 } from "@holdfast/base";
import { silentMetrics } from "@holdfast/ports";
import {
  CollectingJournal,
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  SimulatedSwitch,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { GroupState, StatePosition } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { StateReloads } from "./state-reloads.ts";
import { StateServer } from "./state-server.ts";

const group = groupId(1);
const [here, there] = [nodeId("a".repeat(16)), nodeId("b".repeat(16))];

/** Entries up to 3 are of ballot 1, what follows is `later`. */
function at(index: number, later: number = 1): StatePosition {
  return { index: logIndex(index), ballot: ballot(index <= 3 ? 1 : later), membership: emptyBytes };
}

function stateAt(index: number, later: number): GroupState {
  const store = new SimulatedKeyValue({ random: seededRandom(index) });
  const state = new StateStore(store.mount(), simulatedHashing).group(group);
  for (let next = 1; next <= index; next++) {
    state.put(utf8("key"), utf8(`of ${next}`));
    state.advance(at(next, later));
  }
  return state;
}

interface Reloaded {
  readonly state: GroupState;
  readonly wal: WriteAheadLog;
  readonly tookMs: number;
}

/**
 * Reloads a state at index 2, whose log has five entries of ballot 1, from one at `index`, where what follows the third entry is of
 * ballot `later`.
 */
async function reloaded(
  consensus: "raft" | "multipaxos",
  { index, later = 1 }: { readonly index: number; readonly later?: number },
): Promise<Reloaded> {
  const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const random = seededRandom(1);
  const simulation = new Simulation({ random, drain });
  const clock = new SimulatedClock(simulation);
  const latency = { latencyMsMin: 0.1, latencyMsMax: 1, silenceMsMax: 2000, breakChance: 0 };
  const network = new SimulatedSwitch({ simulation, random, ...latency });
  const journal = new CollectingJournal();
  const disk = new SimulatedDisk({ random, simulation, latencyMs: { min: 0.1, max: 0.3 } });
  const ofLog = { disk: disk.mount(), clock, random, hashing: simulatedHashing, journal, folder: "log" };
  const { log: wal } = await simulation.runUntilSettled(openWriteAheadLog(ofLog));
  const entries = [1, 2, 3, 4, 5].map((each) => ({
    index: logIndex(each),
    ballot: ballot(1),
    payload: utf8(`entry ${each}`),
  }));
  await simulation.runUntilSettled(wal.append({ group, entries, hardState: utf8("hard state") }));
  const source = stateAt(index, later);
  const server = new StateServer({ served: () => ({ state: source, digests: [] }), journal });
  const other = network.open(there);
  other.setPeers([{ id: here, address: "a:1" }]);
  other.listen(server);
  const own = network.open(here);
  own.setPeers([{ id: there, address: "b:1" }]);
  const state = stateAt(2, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const surroundings = { wal, consensus, clock, journal, metrics: silentMetrics };
  const reloads = new StateReloads({
    network: own,
    groups: { homes: () => [here, there], failState: () => undefined, ended: () => Promise.resolve() },
    ...surroundings,
    remember: () => Promise.resolve(),
    hasRoom: () => Promise.resolve(true),
    onReloaded: () => resolve(),
    onFailure: (cause) => assert.fail(String(cause)),
  });
  const beganMs = simulation.nowMs;
  reloads.condemn(state, "for a test");
  await simulation.runUntilSettled(promise);
  return { state, wal, tookMs: simulation.nowMs - beganMs };
}

function logOf({ wal }: Reloaded): readonly [checkpoint: number, last: number, ballot: Ballot | undefined] {
  const { checkpoint, lastIndex } = wal.group(group) ?? assert.fail("the log knows the group");
  return [checkpoint, lastIndex, wal.ballotAt(group, lastIndex)];
}

suite("state reloads: the log of the replica that stays", () => {
  for (const consensus of ["raft", "multipaxos"] as const) {
    test(`${consensus}: what stands behind the state's place is kept, with the hard state`, async () => {
      const found = await reloaded(consensus, { index: 4 });
      assert.equal(found.state.appliedIndex, 4);
      assert.deepEqual(logOf(found), [0, 5, ballot(1)]);
      assert.deepEqual(found.wal.group(group)?.hardState, utf8("hard state"));
    });

    test(`${consensus}: where it ends before the state's place it begins anew behind it`, async () => {
      const found = await reloaded(consensus, { index: 9, later: 2 });
      assert.equal(found.state.appliedIndex, 9);
      assert.deepEqual(logOf(found), [9, 9, ballot(2)]);
      assert.deepEqual(found.wal.group(group)?.hardState, utf8("hard state"));
    });

    test(`${consensus}: a state of before the old one is taken only when no lease can bear on the old one any more`, async () => {
      const { state, tookMs } = await reloaded(consensus, { index: 1 });
      assert.equal(state.appliedIndex, 1);
      assert.ok(tookMs >= 2500, `${tookMs} ms`);
    });
  }

  test("another entry at the state's place: with Raft nothing behind it can be agreed on, with Multi-Paxos it was accepted", async () => {
    assert.deepEqual(logOf(await reloaded("raft", { index: 4, later: 2 })), [4, 4, ballot(2)]);
    assert.deepEqual(logOf(await reloaded("multipaxos", { index: 4, later: 2 })), [0, 5, ballot(1)]);
  });
});
