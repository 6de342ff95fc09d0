// The server's side of a stream over a connection and operations that a test plays, in simulated time.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ClientFrame, StoreError as Refusal, RequestFrame, ServerFrame } from "@holdfast/base";
import {
  clientFrameCodec,
  emptyBytes,
  IncomingMessages,
  OutgoingMessages,
  StoreError,
  seededRandom,
  serverFrameCodec,
  streamKeys,
  streamLimits,
  uniform,
  utf8Text,
} from "@holdfast/base";
import type { EndedExchange, HttpRequest, MessageConnection } from "@holdfast/ports";
import { CollectingJournal, SimulatedClock, Simulation, simulatedHashing } from "@holdfast/ports/simulated";
import { MemoryBudget } from "./memory-budget.ts";
import { OperationStream } from "./operation-stream.ts";
import type { StreamedRequest } from "./streamed-request.ts";

const sha256 = (data: Uint8Array): Uint8Array => simulatedHashing.hash("sha256", data);
const keys = streamKeys(sha256, "secret", "00", emptyBytes);
const minuteMs = 60_000;

const opening: HttpRequest = {
  method: "GET",
  path: "/api/v1/stream",
  query: "",
  headers: {},
  body: (async function* () {})(),
  signal: new AbortController().signal,
  throwIfAborted: () => undefined,
  remoteAddress: "10.0.0.9",
  requestId: "r-1",
};

interface Call {
  readonly frame: RequestFrame;
  readonly request: StreamedRequest;
  answer(text: string): void;
}

class World {
  readonly simulation = new Simulation({
    random: seededRandom(1),
    drain: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly calls: Call[] = [];
  readonly ended: EndedExchange[] = [];
  readonly journal = new CollectingJournal();
  readonly budget: MemoryBudget;
  /** Messages that the stream sent, taken apart. */
  readonly messages: (readonly ServerFrame[])[] = [];
  /** What happened to the connection, in order. */
  readonly events: string[] = [];
  readonly stream: OperationStream;
  /** Messages that have left the node; the rest is held back. */
  leaves = true;
  refusal: Refusal | undefined;
  readonly #held: (() => void)[] = [];
  readonly #outgoing = new OutgoingMessages(clientFrameCodec, keys.toServer);
  readonly #incoming = new IncomingMessages(serverFrameCodec, keys.toClient);

  constructor(budgetBytes: number = 128 * 1024 * 1024) {
    this.budget = new MemoryBudget(budgetBytes);
    const connection: MessageConnection = {
      send: (message, onLeft) => {
        this.messages.push(this.#incoming.open(message));
        if (this.leaves) onLeft();
        else this.#held.push(onLeft);
      },
      pause: () => this.events.push("pause"),
      resume: () => this.events.push("resume"),
      close: (end) => this.events.push(end),
      cut: () => this.events.push("cut"),
      observer: { onBegin: () => undefined, onEnd: (exchange) => this.ended.push(exchange) },
    };
    this.stream = new OperationStream({
      connection,
      opening,
      keys,
      clock: new SimulatedClock(this.simulation),
      journal: this.journal,
      budget: this.budget,
      refusal: () => this.refusal,
      run: (frame, request) =>
        new Promise((resolve) => {
          const answer = (text: string): void =>
            resolve({ status: 200, headers: { etag: "e" }, body: new TextEncoder().encode(text) });
          this.calls.push({ frame, request, answer });
        }),
    });
  }

  /** One message of all these frames. */
  receive(...frames: readonly ClientFrame[]): Promise<void> {
    for (const frame of frames) this.#outgoing.add(frame);
    this.stream.onMessage(this.#outgoing.take());
    return this.turn();
  }

  turn(): Promise<void> {
    return this.pass(0);
  }

  async pass(ms: number): Promise<void> {
    await this.simulation.runUntil(this.simulation.nowMs + ms);
  }

  letLeave(): void {
    this.leaves = true;
    for (const onLeft of this.#held.splice(0)) onLeft();
  }

  get frames(): readonly ServerFrame[] {
    return this.messages.flat();
  }

  /** By id: the code of a failure, or the text. */
  get answers(): ReadonlyMap<number, string> {
    const all = new Map<number, string>();
    for (const frame of this.frames) {
      if (frame.kind !== "answer") continue;
      const text = utf8Text(frame.body);
      all.set(frame.id, frame.status === 200 ? text : String(JSON.parse(text).code));
    }
    return all;
  }
}

function store(id: number, body: Uint8Array = emptyBytes): RequestFrame {
  return { kind: "request", id, operation: "storeFile", bucket: "b", key: `k${id}`, fields: {}, body };
}

function read(id: number): RequestFrame {
  return { ...store(id), operation: "readFile" };
}

suite("operation stream", () => {
  test("answers that one turn brings leave in one message, whatever their order", async () => {
    const world = new World();
    await world.receive(store(1), store(2), store(3));
    assert.deepEqual(
      world.calls.map(({ frame }) => frame.key),
      ["k1", "k2", "k3"],
    );
    const [first, second, third] = world.calls;
    third?.answer("c");
    first?.answer("a");
    await world.turn();
    second?.answer("b");
    await world.turn();
    assert.deepEqual(
      world.messages.map((frames) => frames.map((frame) => ("id" in frame ? frame.id : undefined))),
      [[3, 1], [2]],
    );
    assert.deepEqual(
      [...world.answers],
      [
        [3, "c"],
        [1, "a"],
        [2, "b"],
      ],
    );
  });

  test("each operation has a request id of its own, and is told to whom requests are told", async () => {
    const world = new World();
    await world.receive(store(1, new Uint8Array(5)), store(2));
    world.calls[0]?.answer("abc");
    await world.turn();
    const [exchange] = world.ended;
    assert.deepEqual(
      world.calls.map(({ request }) => request.requestId),
      ["r-1.1", "r-1.2"],
    );
    assert.deepEqual([exchange?.receivedBytes, exchange?.sentBytes, exchange?.status], [5, 3, 200]);
    assert.equal(exchange?.request.remoteAddress, "10.0.0.9");
    assert.equal(world.ended.length, 1);
  });

  test("one operation more than may be under way is refused and not carried out", async () => {
    const world = new World();
    await world.receive(...Array.from({ length: streamLimits.operationsMax + 1 }, (_, id) => store(id)));
    assert.equal(world.calls.length, streamLimits.operationsMax);
    assert.deepEqual([...world.answers], [[streamLimits.operationsMax, "Overloaded"]]);
    world.calls[0]?.answer("a");
    await world.turn();
    await world.receive(store(5000));
    assert.equal(world.calls.length, streamLimits.operationsMax + 1);
  });

  test("when all streams together hold too much, operations are refused until answers have left", async () => {
    const world = new World(100_000);
    await world.receive(store(1, new Uint8Array(60_000)), store(2, new Uint8Array(60_000)), store(3));
    assert.deepEqual([...world.answers], [[3, "Overloaded"]]);
    world.leaves = false;
    world.calls[0]?.answer("a");
    await world.turn();
    await world.receive(store(4));
    assert.equal(world.answers.get(4), "Overloaded");
    world.letLeave();
    await world.receive(store(5));
    assert.equal(world.calls.length, 3);
  });

  test("a body above the bound is refused, one at the bound is not", async () => {
    const world = new World();
    await world.receive(
      store(1, new Uint8Array(streamLimits.bodyBytesMax + 1)),
      store(2, new Uint8Array(streamLimits.bodyBytesMax)),
    );
    assert.deepEqual([...world.answers], [[1, "BodyTooLarge"]]);
    assert.equal(world.calls.length, 1);
  });

  test("a client that does not take its answers is not read from until it does", async () => {
    const world = new World();
    world.leaves = false;
    await world.receive(...Array.from({ length: 200 }, (_, id) => read(id)));
    assert.deepEqual(world.events, ["pause"]);
    for (const call of world.calls) call.answer("x");
    await world.turn();
    assert.deepEqual(world.events, ["pause"]);
    assert.equal(world.stream.isIdle, false);
    world.letLeave();
    assert.deepEqual(world.events, ["pause", "resume"]);
    assert.equal(world.stream.isIdle, true);
    assert.equal(world.budget.isSpent, false);
  });

  test("refusals count too: who sends without reading is not read from", async () => {
    const world = new World();
    world.leaves = false;
    for (let round = 0; round < 9; round++)
      await world.receive(...Array.from({ length: 1024 }, (_, id) => store(round * 1024 + id)));
    assert.deepEqual(world.events, ["pause"]);
  });

  test("a cancelled operation is told, and answered all the same", async () => {
    const world = new World();
    await world.receive(store(1), store(2));
    const [first, second] = world.calls;
    const { signal } = first?.request ?? opening;
    assert.equal(signal.aborted, false);
    await world.receive({ kind: "cancel", id: 1 }, { kind: "cancel", id: 99 });
    assert.equal(signal.aborted, true);
    assert.throws(() => first?.request.throwIfAborted());
    assert.doesNotThrow(() => second?.request.throwIfAborted());
    first?.answer("a");
    await world.turn();
    assert.equal(world.answers.get(1), "a");
  });

  test("an id that is under way ends the stream; one that was answered may come again", async () => {
    const world = new World();
    await world.receive(store(1));
    world.calls[0]?.answer("a");
    await world.turn();
    await world.receive(store(1));
    assert.deepEqual(world.events, []);
    await world.receive(store(1), store(2));
    assert.deepEqual(world.events, ["malformed"]);
    assert.equal(world.calls.length, 2);
  });

  test("bytes that are no message of the client's end the stream, with a line in the journal and nothing else", async () => {
    const random = seededRandom(7);
    for (let round = 0; round < 200; round++) {
      const world = new World();
      await world.receive(store(1));
      world.stream.onMessage(random.bytes(uniform(random, 200)));
      await world.receive(store(2));
      assert.deepEqual(world.events, ["malformed"]);
      assert.equal(world.calls.length, 1);
      assert.deepEqual(
        world.journal.lines.map(({ event }) => event),
        ["gateway-http.stream.malformed"],
      );
    }
  });

  test("a key that was revoked is refused from the next message on, and nothing is carried out", async () => {
    const world = new World();
    await world.receive(store(1));
    world.refusal = new StoreError("InvalidAccessKey", "gone");
    await world.receive(store(2), read(3));
    assert.equal(world.calls.length, 1);
    assert.deepEqual([...world.answers.values()], ["InvalidAccessKey", "InvalidAccessKey"]);
  });

  test("a node that stops answers what is under way, refuses what comes, and lets the client close", async () => {
    const world = new World();
    await world.receive(store(1));
    world.stream.leave();
    await world.turn();
    assert.deepEqual(world.frames, [{ kind: "leave" }]);
    await world.receive(store(2));
    assert.equal(world.answers.get(2), "Stopped");
    await world.pass(5_000);
    assert.deepEqual(world.events, []);
    world.calls[0]?.answer("a");
    await world.turn();
    assert.equal(world.answers.get(1), "a");
    assert.deepEqual(world.events, ["leaving"]);
  });

  test("a client that does not close is left after a while", async () => {
    const world = new World();
    world.stream.leave();
    await world.pass(1_000);
    assert.deepEqual(world.events, []);
    await world.pass(1_500);
    assert.deepEqual(world.events, ["leaving"]);
  });

  test("the end of the connection cancels what is under way, and answers go nowhere", async () => {
    const world = new World();
    await world.receive(store(1));
    world.stream.onEnd();
    assert.throws(() => world.calls[0]?.request.throwIfAborted());
    world.calls[0]?.answer("a");
    await world.turn();
    assert.deepEqual(world.messages, []);
    assert.deepEqual(
      world.ended.map(({ isBroken }) => isBroken),
      [true],
    );
    assert.equal(world.stream.isIdle, true);
    await world.pass(10 * minuteMs);
    assert.deepEqual(world.events, []);
  });

  test("a stream at rest is asked for a sign of life, then told that it may go, then cut", async () => {
    const world = new World();
    for (let second = 0; second < 60; second += 5) {
      await world.receive({ kind: "alive" });
      await world.pass(5_000);
    }
    assert.deepEqual(new Set(world.frames.map(({ kind }) => kind)), new Set(["alive", "leave"]));
    assert.equal(world.frames.filter(({ kind }) => kind === "leave").length, 1);
    assert.deepEqual(world.events, []);
    for (let second = 0; second < 60; second += 5) {
      await world.receive({ kind: "alive" });
      await world.pass(5_000);
    }
    assert.equal(world.events[0], "cut");
  });

  test("an operation that takes long keeps its stream, as long as the client is heard", async () => {
    const world = new World();
    await world.receive(store(1));
    for (let second = 0; second < 600; second += 5) {
      await world.receive({ kind: "alive" });
      await world.pass(5_000);
    }
    assert.deepEqual(world.events, []);
    assert.ok(world.frames.length >= 29, "the client hears of the node");
    await world.pass(minuteMs);
    assert.equal(world.events[0], "cut");
  });

  test("a message of answers stays within its bound", async () => {
    const world = new World();
    await world.receive(...Array.from({ length: 60 }, (_, id) => read(id)));
    for (const call of world.calls) call.answer("x".repeat(64 * 1024));
    await world.turn();
    assert.equal(world.answers.size, 60);
    assert.ok(world.messages.length > 3);
    for (const frames of world.messages) {
      const bytes = frames.reduce((sum, frame) => sum + (frame.kind === "answer" ? frame.body.length : 0), 0);
      assert.ok(bytes < streamLimits.messageBytesMax);
    }
  });
});
