import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeId } from "@holdfast/base";
import {
  ByteWriter,
  DecodeError,
  groupId,
  logIndex,
  nodeId,
  StoreError,
  seededRandom,
  toHex,
  utf8,
} from "@holdfast/base";
import type { Network } from "@holdfast/ports";
import { CollectingJournal, SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { storeError, wireError } from "../network/wire-error.ts";
import { decodeProposalFrame, ProposalFrame } from "./proposal-frames.ts";
import type { ServedGroup } from "./proposals.ts";
import { Proposals } from "./proposals.ts";

const group = groupId(3);
const peer = nodeId("0000000000000002");

/** One side alone, whose frames are looked at. */
class Side {
  readonly simulation: Simulation;
  readonly frames: { readonly to: NodeId; readonly bytes: Uint8Array }[] = [];
  readonly journal = new CollectingJournal();
  readonly proposals: Proposals;
  isConnected = true;

  constructor(served?: ServedGroup) {
    const random = seededRandom(1);
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random, drain });
    const clock = new SimulatedClock(this.simulation);
    const network: Pick<Network, "send"> = {
      send: (to, bytes) => {
        if (this.isConnected) this.frames.push({ to, bytes });
        return this.isConnected;
      },
    };
    this.proposals = new Proposals({
      network: network as Network,
      clock,
      random,
      journal: this.journal,
      served: () => served,
    });
  }

  async turn(): Promise<void> {
    await this.simulation.runFor(1);
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise, 60_000);
  }
}

async function rejection(promise: Promise<unknown>): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(error instanceof StoreError);
  return error;
}

test("proposals: what is asked within one turn leaves in one frame", async () => {
  const side = new Side();
  const asked = Array.from({ length: 50 }, (_, i) => side.proposals.ask(peer, group, utf8(`${i}`)));
  assert.equal(side.frames.length, 0);
  await side.turn();
  assert.equal(side.frames.length, 1);
  const frame = decodeProposalFrame(side.frames[0]?.bytes ?? new Uint8Array(0));
  assert.equal(frame.kind, "asks");
  assert.equal(frame.items.length, 50);
  side.proposals.stop();
  await Promise.allSettled(asked);
});

test("proposals: what cannot leave is not applied; what was under way when the connection ended is unknown", async () => {
  const side = new Side();
  const left = side.proposals.ask(peer, group, utf8("a"));
  await side.turn();
  side.isConnected = false;
  const stayed = rejection(side.proposals.ask(peer, group, utf8("b")));
  await side.turn();
  assert.equal((await stayed).outcome, "not-applied");
  side.proposals.onDisconnect(nodeId("0000000000000003"));
  let hasEnded = false;
  left.catch(() => (hasEnded = true));
  await side.turn();
  assert.equal(hasEnded, false, "that was another node's connection");
  side.proposals.onDisconnect(peer);
  assert.equal((await rejection(left)).outcome, "unknown");
});

test("proposals: an answer that never comes makes the command unknown in time", async () => {
  const side = new Side();
  const asked = side.proposals.ask(peer, group, utf8("a"));
  const error = await side.run(rejection(asked));
  assert.deepEqual([error.code, error.outcome], ["OutcomeUnknown", "unknown"]);
  assert.ok(side.simulation.nowMs >= 15_000 && side.simulation.nowMs < 16_500, `${side.simulation.nowMs}`);
});

test("proposals: the answer to an earlier process, or of a node that was not asked, is nobody's", async () => {
  const side = new Side();
  const asked = side.proposals.ask(peer, group, utf8("a"));
  await side.turn();
  const { run } = decodeProposalFrame(side.frames[0]?.bytes ?? new Uint8Array(0));
  const answer = (itsRun: number, index: number): Uint8Array => {
    const frame = ProposalFrame.answers(itsRun);
    frame.add({ id: 1, fate: { kind: "applied", index: logIndex(index), result: utf8("r") } });
    return frame.finish();
  };
  side.proposals.onFrame(peer, answer(run + 1, 5));
  side.proposals.onFrame(nodeId("0000000000000003"), answer(run, 6));
  side.proposals.onFrame(peer, answer(run, 7));
  assert.deepEqual(await asked, { index: 7, result: utf8("r") });
});

test("proposals: a group that is not here, or that fails in no known way, is an answer, not a silence", async () => {
  const nowhere = new Side(undefined);
  const broken = new Side({ appendHere: () => Promise.reject(new TypeError("oops")) });
  for (const [side, code] of [
    [nowhere, "Unavailable"],
    [broken, "Internal"],
  ] as const) {
    const frame = ProposalFrame.asks(9);
    frame.add({ id: 4, group, command: utf8("c") });
    side.proposals.onFrame(peer, frame.finish());
    await side.turn();
    const answer = decodeProposalFrame(side.frames[0]?.bytes ?? new Uint8Array(0));
    assert.equal(answer.kind, "answers");
    assert.equal(answer.run, 9);
    const [item] = answer.items;
    assert.ok(item?.id === 4 && item.fate.kind === "failed");
    assert.equal(item.fate.error.code, code);
    assert.ok(!item.fate.error.message.includes("oops"));
  }
});

test("proposals: beyond what may wait here, commands are refused as not applied", async () => {
  const side = new Side({ appendHere: () => new Promise(() => undefined) });
  const frame = ProposalFrame.asks(9);
  for (let id = 1; id <= 10_001; id++) frame.add({ id, group, command: utf8("c") });
  side.proposals.onFrame(peer, frame.finish());
  await side.turn();
  const answer = decodeProposalFrame(side.frames[0]?.bytes ?? new Uint8Array(0));
  assert.equal(answer.kind, "answers");
  const [item] = answer.items;
  assert.equal(answer.items.length, 1);
  assert.ok(item?.fate.kind === "failed");
  assert.deepEqual([item.fate.error.code, item.fate.error.outcome], ["Overloaded", "not-applied"]);
});

test("proposals: an error comes back as it was, with what it is about", () => {
  const error = new StoreError("Unavailable", "Ask its leader.", {
    outcome: "unknown",
    retryable: false,
    fields: { leaderNode: "0000000000000002", group: 3 },
  });
  const back = storeError(wireError(error));
  assert.deepEqual(
    [back.code, back.message, back.outcome, back.retryable, back.fields],
    [error.code, error.message, error.outcome, error.retryable, error.fields],
  );
});

test("proposals: frames have golden bytes; damaged ones are refused whole", async () => {
  const asks = ProposalFrame.asks(300);
  asks.add({ id: 1, group, command: utf8("ab") });
  const answers = ProposalFrame.answers(300);
  answers.add({ id: 1, fate: { kind: "applied", index: logIndex(7), result: utf8("r") } });
  answers.add({ id: 2, fate: { kind: "failed", error: wireError(new StoreError("Unavailable", "m")) } });
  assert.equal(toHex(asks.finish()), "40ac020103026162");
  assert.equal(
    toHex(answers.finish()),
    "41ac0201010701720202" + toHex(utf8("\x0bUnavailable")) + "016d01000000",
  );
  const side = new Side();
  const whole = answers.finish();
  for (let length = 0; length < whole.length; length++) {
    // Cut between two items it is a shorter frame.
    if (length === 3 || length === 8) continue;
    assert.throws(() => decodeProposalFrame(whole.subarray(0, length)), DecodeError, `cut at ${length}`);
  }
  const other = new ByteWriter();
  other.u8(0x42);
  other.varint(1);
  side.proposals.onFrame(peer, other.finish());
  assert.equal(side.journal.lines.length, 1);
});
