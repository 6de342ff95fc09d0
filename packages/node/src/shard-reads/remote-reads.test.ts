import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeId } from "@holdfast/base";
import {
  attempt,
  bucketId,
  DecodeError,
  decode,
  encode,
  nodeId,
  StoreError,
  seededRandom,
  shardId,
  text,
  toHex,
  UnsupportedVersionError,
  writerId,
} from "@holdfast/base";
import { noAttributes, unconditional } from "@holdfast/namespace";
import type { Exchange, Network } from "@holdfast/ports";
import { emptyBody, MemoryState } from "@holdfast/ports";
import { CollectingJournal, SimulatedClock, SimulatedSwitch, Simulation } from "@holdfast/ports/simulated";
import type { ShardCommand } from "@holdfast/shard";
import { ShardMachine, shardEntryCodec } from "@holdfast/shard";
import { BareLog } from "../../test-support/bare-log.ts";
import { wireError } from "../network/wire-error.ts";
import { writersQuestion } from "./content-questions.ts";
import { fileQuestion } from "./file-questions.ts";
import { shardQuestions } from "./questions.ts";
import { ReadServer } from "./read-server.ts";
import type { ReadAnswer, ReadRequest } from "./read-wire.ts";
import { answerBytesMax, headAnswerBytesMax, readAnswerCodec, readRequestCodec } from "./read-wire.ts";
import { RemoteReads } from "./remote-reads.ts";
import { ShardQuestion } from "./shard-question.ts";

const shard = shardId(3);
const [asker, first, second] = [nodeId("asker"), nodeId("first"), nodeId("second")];
const own = { node: "n" };

/** A home of the shard whose state is this one's alone. */
class Home {
  readonly state = new MemoryState();
  readonly log = new BareLog(new ShardMachine(shard, this.state));
  /** What it was asked for, and its barriers. */
  readonly seen: string[] = [];
  barrier: () => Promise<void> | undefined = () => undefined;
  isHere = true;
  /** In place of the server's. */
  answer: ((request: Exchange) => Promise<Exchange>) | undefined;

  openWriter(): void {
    this.apply({ kind: "openWriter", ...own, run: "r" });
  }

  apply(command: ShardCommand): void {
    void this.log.append(encode(shardEntryCodec, { timeMs: 1, command }));
  }

  server(clock: SimulatedClock, journal: CollectingJournal): ReadServer {
    const served = {
      state: this.state,
      readBarrier: () => {
        this.seen.push("barrier");
        return this.barrier();
      },
      isHere: () => this.isHere,
    };
    return new ReadServer({ served: (id) => (id === shard ? served : undefined), clock, journal });
  }
}

class World {
  readonly simulation = new Simulation({
    random: seededRandom(1),
    drain: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly clock = new SimulatedClock(this.simulation);
  readonly journal = new CollectingJournal();
  readonly switch = new SimulatedSwitch({
    simulation: this.simulation,
    silenceMsMax: 60_000,
    breakChance: 0,
  });
  readonly homes = new Map<NodeId, Home>([
    [first, new Home()],
    [second, new Home()],
  ]);
  readonly reads: RemoteReads;
  readonly dead = new Set<NodeId>();

  constructor() {
    const { clock } = this;
    const network = this.#open(asker);
    network.listen({
      onFrame: () => undefined,
      onDisconnect: () => undefined,
      onExchange: () => Promise.reject(new Error("nobody asks the asker")),
    });
    for (const [id, home] of this.homes) this.#serve(id, home);
    this.reads = new RemoteReads({
      network,
      clock,
      homes: () => [asker, ...this.homes.keys()],
      isLive: (node) => !this.dead.has(node),
      stopping: new AbortController().signal,
    });
  }

  home(id: NodeId): Home {
    const home = this.homes.get(id);
    assert.ok(home);
    return home;
  }

  async connected(): Promise<this> {
    await this.simulation.runFor(200);
    return this;
  }

  run<T>(promise: Promise<T>): Promise<T> {
    return this.simulation.runUntilSettled(promise, 60_000);
  }

  #open(id: NodeId): Network {
    const network = this.switch.open(id);
    network.setPeers([asker, first, second].map((peer) => ({ id: peer, address: `${peer}:1` })));
    return network;
  }

  #serve(id: NodeId, home: Home): void {
    const server = home.server(this.clock, this.journal);
    this.#open(id).listen({
      onFrame: () => undefined,
      onDisconnect: () => undefined,
      onExchange: (_from, request, signal) => {
        home.seen.push("asked");
        return home.answer === undefined ? server.onExchange(request, signal) : home.answer(request);
      },
    });
  }
}

function answering(answer: ReadAnswer, body: AsyncIterable<Uint8Array> = emptyBody): () => Promise<Exchange> {
  return () => Promise.resolve({ head: encode(readAnswerCodec, answer), body });
}

async function* bodyOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

describe("remote reads", () => {
  test("a home answers behind a barrier that began after the question came", async () => {
    const world = await new World().connected();
    world.dead.add(second);
    const home = world.home(first);
    const { promise: barrier, resolve } = Promise.withResolvers<void>();
    home.barrier = () => barrier;
    const asked = world.reads.ask(shard, writersQuestion, own);
    await world.simulation.runFor(100);
    assert.deepEqual(home.seen, ["asked", "barrier"]);
    // Acknowledged before the barrier resolves: the answer shows it.
    home.openWriter();
    resolve();
    assert.deepEqual(await world.run(asked), [1]);
  });

  test("a home that is silent, has no replica, or lost it while it waited is passed over", async () => {
    for (const fault of ["silent", "elsewhere", "left"] as const) {
      const world = await new World().connected();
      world.home(second).openWriter();
      const home = world.home(first);
      if (fault === "silent") home.answer = () => new Promise(() => undefined);
      if (fault === "elsewhere")
        home.answer = answering({ kind: "failed", error: wireError(new StoreError("Unavailable", "none")) });
      if (fault === "left") home.isHere = false;
      const startMs = world.simulation.nowMs;
      assert.deepEqual(await world.run(world.reads.ask(shard, writersQuestion, own)), [1], fault);
      assert.ok(world.simulation.nowMs - startMs < 2000, fault);
      // The next one is asked of who answered.
      const before = home.seen.length;
      assert.deepEqual(await world.run(world.reads.ask(shard, writersQuestion, own)), [1], fault);
      assert.equal(home.seen.length, before, fault);
    }
  });

  test("a home that seems dead is asked last", async () => {
    const world = await new World().connected();
    world.dead.add(first);
    world.home(second).openWriter();
    assert.deepEqual(await world.run(world.reads.ask(shard, writersQuestion, own)), [1]);
    assert.deepEqual(world.home(first).seen, []);
  });

  test("without any home that answers it ends in time, as Unavailable, retryable", async () => {
    const world = await new World().connected();
    for (const id of [first, second]) world.home(id).answer = () => new Promise(() => undefined);
    const startMs = world.simulation.nowMs;
    await assert.rejects(world.run(world.reads.ask(shard, writersQuestion, own)), {
      code: "Unavailable",
      retryable: true,
      outcome: "not-applied",
    });
    assert.ok(world.simulation.nowMs - startMs <= 5100);
  });

  test("what every home refuses for good is told at once", async () => {
    const world = await new World().connected();
    const damage = wireError(new StoreError("DataCorrupt", "rotten"));
    for (const id of [first, second]) world.home(id).answer = answering({ kind: "failed", error: damage });
    const startMs = world.simulation.nowMs;
    await assert.rejects(world.run(world.reads.ask(shard, writersQuestion, own)), { code: "DataCorrupt" });
    assert.ok(world.simulation.nowMs - startMs < 200);
  });

  test("answers that are not to be believed are none: another home is asked", async () => {
    const hostile: readonly (() => Promise<Exchange>)[] = [
      () => Promise.resolve({ head: Uint8Array.of(9, 9), body: emptyBody }),
      answering({ kind: "answer", answer: Uint8Array.of(200, 1) }),
      answering({ kind: "long", bytes: 1000 }, bodyOf(new Uint8Array(999))),
      answering({ kind: "long", bytes: 1000 }, bodyOf(new Uint8Array(999), new Uint8Array(2))),
      () => Promise.reject(new Error("it broke")),
    ];
    for (const [i, answer] of hostile.entries()) {
      const world = await new World().connected();
      world.home(second).openWriter();
      world.home(first).answer = answer;
      assert.deepEqual(await world.run(world.reads.ask(shard, writersQuestion, own)), [1], `${i}`);
      assert.ok(world.home(first).seen.length > 0, `${i}`);
    }
  });

  test("a long answer comes whole", async () => {
    const world = await new World().connected();
    const long = "x".repeat(headAnswerBytesMax + 100_000);
    const answer = encode(text, long);
    const body = bodyOf(answer.subarray(0, 70_000), answer.subarray(70_000));
    world.home(first).answer = answering({ kind: "long", bytes: answer.length }, body);
    const question = new ShardQuestion({ tag: 250, asked: text, answer: text, find: () => "" });
    assert.equal(await world.run(world.reads.ask(shard, question, "?")), long);
  });
});

test("remote reads: what a home sends as a body comes whole, and the room for it is given back", async () => {
  const world = await new World().connected();
  world.dead.add(second);
  const home = world.home(first);
  const value = "v".repeat(2 * headAnswerBytesMax);
  home.openWriter();
  const settings = { redundancy: { dataFragments: 1, parityFragments: 0 }, blockBytes: 65_536 };
  home.apply({ kind: "installBucket", bucket: bucketId(1), settings });
  home.apply({
    kind: "operate",
    writer: writerId(1),
    attempt: attempt(0),
    progress: { floor: attempt(0), closed: [] },
    operation: {
      kind: "putFile",
      bucket: bucketId(1),
      key: "k",
      condition: unconditional,
      attributes: { ...noAttributes, userMetadata: [{ name: "n", value }] },
      bytes: 1,
      etag: "e",
      checksum: undefined,
      body: { kind: "inline", body: Uint8Array.of(7), crc32: 0 },
    },
  });
  // More of them, one after the other, than there is room for at once.
  for (let i = 0; i < 40; i++) {
    const found = await world.run(world.reads.ask(shard, fileQuestion, { bucket: bucketId(1), key: "k" }));
    assert.equal(found?.version.attributes.userMetadata[0]?.value, value);
  }
});

describe("read server", () => {
  const ask = async (world: World, head: Uint8Array): Promise<ReadAnswer> => {
    const server = world.home(first).server(world.clock, world.journal);
    const answer = await world.run(server.onExchange({ head }, new AbortController().signal));
    return decode(readAnswerCodec, answer.head);
  };

  test("what is no question it knows is refused, whatever the bytes", async () => {
    const world = new World();
    const unknown = { shard, tag: 255, asked: new Uint8Array(0) };
    const malformed = { shard, tag: 30, asked: Uint8Array.of(255) };
    const heads: Uint8Array[] = [new Uint8Array(0), Uint8Array.of(1, 3), Uint8Array.of(2, 3, 30, 0)];
    for (const request of [unknown, malformed]) heads.push(encode(readRequestCodec, request));
    for (const head of heads) {
      const said = await ask(world, head);
      assert.equal(said.kind === "failed" && said.error.code, "NotImplemented");
    }
  });

  test("a shard without a replica is Unavailable, and so is a barrier that nobody confirms", async () => {
    const world = new World();
    const request = { tag: writersQuestion.tag, asked: encode(writersQuestion.asked, own) };
    const elsewhere = await ask(world, encode(readRequestCodec, { ...request, shard: shardId(4) }));
    assert.equal(elsewhere.kind === "failed" && elsewhere.error.code, "Unavailable");
    world.home(first).barrier = () => Promise.reject(new StoreError("Unavailable", "no quorum"));
    const unconfirmed = await ask(world, encode(readRequestCodec, { ...request, shard }));
    assert.equal(unconfirmed.kind === "failed" && unconfirmed.error.message, "no quorum");
  });
});

describe("heads of questions", () => {
  const request: ReadRequest = { shard, tag: 30, asked: encode(writersQuestion.asked, own) };
  const golden: readonly (readonly [ReadAnswer, string])[] = [
    [{ kind: "answer", answer: Uint8Array.of(1, 2) }, "0101020102"],
    [{ kind: "long", bytes: 300 }, "0102ac02"],
    [
      { kind: "failed", error: wireError(new StoreError("Unavailable", "m", { fields: { shard: 3 } })) },
      "01030b556e617661696c61626c65016d0100000105736861726403",
    ],
  ];

  test("keep their bytes", () => {
    assert.equal(toHex(encode(readRequestCodec, request)), "01031e02016e");
    assert.deepEqual(decode(readRequestCodec, encode(readRequestCodec, request)), request);
    for (const [answer, hex] of golden) {
      assert.equal(toHex(encode(readAnswerCodec, answer)), hex);
      assert.deepEqual(decode(readAnswerCodec, encode(readAnswerCodec, answer)), answer);
    }
    assert.deepEqual(
      [...shardQuestions.keys()],
      [1, 2, 3, 4, 10, 11, 12, 20, 21, 22, 23, 24, 25, 26, 27, 30],
    );
  });

  test("are refused when they are newer, cut short, or promise too much", () => {
    const bytes = encode(readAnswerCodec, { kind: "long", bytes: answerBytesMax });
    assert.throws(() => decode(readAnswerCodec, bytes.subarray(0, -1)), DecodeError);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) + 1;
    assert.throws(() => decode(readAnswerCodec, bytes), DecodeError);
    assert.throws(() => decode(readRequestCodec, Uint8Array.of(2, 3, 30, 0)), UnsupportedVersionError);
  });
});
