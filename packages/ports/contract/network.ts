import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { NodeId } from "@holdfast/base";
import { concatBytes, nodeId, seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import type { Exchange, Network, Peer } from "@holdfast/ports";
import { emptyBody, exchangeHeadBytesMax, frameBytesMax, NetworkError } from "@holdfast/ports";
import { RecordingReceiver } from "./network-receiver.ts";

/** The networks of two nodes, `a` and `b`, which know nobody and do not listen yet. */
export interface NetworksUnderTest {
  readonly a: NodeUnderTest;
  readonly b: NodeUnderTest;
  readonly queueBytesMax: number;
  /** Nothing passes between the two any more, and both stay connected. */
  clog(): void;
  unclog(): void;
  /** Frames of one turn leave together: lets them. */
  turn(): Promise<void>;
  /** Lets time go by until the body of the test has settled. */
  run(body: () => Promise<void>): Promise<void>;
}

export interface NodeUnderTest {
  /** Where the other node finds it, now and after `reopen`. */
  readonly peer: Peer;
  readonly network: Network;
  /** The network of the node's next process, at the same place; the last one was closed. */
  reopen(): Promise<Network>;
}

export type MakeNetworks = (context: TestContext) => Promise<NetworksUnderTest>;

/** Every promise of the Network port. */
export function networkContract(name: string, makeNetworks: MakeNetworks): void {
  const inNetworks = (claim: string, body: (world: World) => Promise<void>): void => {
    test(`${name}: ${claim}`, async (t) => {
      const networks = await makeNetworks(t);
      await networks.run(() => body(new World(networks)));
    });
  };
  frames(inNetworks);
  bounds(inNetworks);
  connections(inNetworks);
  bodies(inNetworks);
  brokenExchanges(inNetworks);
}

type InNetworks = (claim: string, body: (world: World) => Promise<void>) => void;

const stranger: NodeId = nodeId("ffffffffffffffff");

class World {
  readonly networks: NetworksUnderTest;
  readonly a: Network;
  readonly b: Network;
  readonly atA = new RecordingReceiver();
  readonly atB = new RecordingReceiver();

  constructor(networks: NetworksUnderTest) {
    this.networks = networks;
    this.a = networks.a.network;
    this.b = networks.b.network;
  }

  /** Both listen, know each other, and are connected. */
  async connect(): Promise<void> {
    this.a.listen(this.atA);
    this.b.listen(this.atB);
    this.introduce();
    await Promise.all([this.atA.untilHeard("connect"), this.atB.untilHeard("connect")]);
  }

  introduce(): void {
    const peers = [this.networks.a.peer, this.networks.b.peer];
    this.a.setPeers(peers);
    this.b.setPeers(peers);
  }

  /** From `a` to `b`. */
  exchange(request: Partial<Exchange>, signal?: AbortSignal): Promise<Exchange> {
    return this.a.exchange(this.b.self, { head: utf8("head"), body: emptyBody, ...request }, signal);
  }

  async ask(text: string): Promise<string> {
    const { head, body } = await this.exchange({ head: utf8(text) });
    await gather(body);
    return utf8Text(head);
  }
}

function frames(inNetworks: InNetworks): void {
  inNetworks("frames arrive once each and in order, both ways, whatever their length", async (world) => {
    await world.connect();
    const random = seededRandom(1);
    const lengths = Array.from({ length: 500 }, (_, i) => uniform(random, i % 50 === 0 ? 300_000 : 2000));
    const sent = [0, 1, 255, 256, ...lengths].map((length) => random.bytes(length));
    for (const [i, frame] of sent.entries()) {
      assert.ok(world.a.send(world.b.self, frame));
      assert.ok(world.b.send(world.a.self, frame));
      if (i % 100 === 0)
        await Promise.all([world.atA.untilHeard("frame", i), world.atB.untilHeard("frame", i)]);
    }
    for (const receiver of [world.atA, world.atB]) {
      await receiver.untilHeard("frame", sent.length);
      assert.deepEqual(receiver.frames, sent);
    }
    assert.deepEqual([...new Set(world.atB.heard.map(({ peer }) => peer))], [world.a.self]);
  });

  inNetworks("a frame is the receiver's own, and a plain Uint8Array", async (world) => {
    await world.connect();
    const [first, second] = [utf8("first"), utf8("second")];
    for (const frame of [first, second, first]) world.a.send(world.b.self, frame);
    await world.atB.untilHeard("frame", 3);
    world.atB.frames[0]?.fill(0);
    assert.deepEqual(world.atB.frames.map(utf8Text), ["\0\0\0\0\0", "second", "first"]);
    assert.deepEqual(utf8Text(first), "first");
    for (const frame of world.atB.frames) assert.equal(Object.getPrototypeOf(frame), Uint8Array.prototype);
  });

  inNetworks("a node that is not known, and oneself, cannot be reached", async (world) => {
    await world.connect();
    for (const to of [stranger, world.a.self]) {
      assert.equal(world.a.send(to, utf8("x")), false);
      assert.equal(world.a.queuedBytes(to), 0);
      await rejectsAs("unreachable", world.a.exchange(to, { head: utf8("x"), body: emptyBody }));
    }
  });
}

function bounds(inNetworks: InNetworks): void {
  inNetworks("a frame may have the greatest length, and one byte more is refused", async (world) => {
    await world.connect();
    const frame = new Uint8Array(frameBytesMax).fill(7);
    assert.ok(world.a.send(world.b.self, frame));
    await world.atB.untilHeard("frame");
    assert.equal(Buffer.compare(world.atB.frames[0] ?? utf8("none"), frame), 0);
    const isRefused = (error: unknown): boolean => error instanceof NetworkError && error.kind === "refused";
    assert.throws(() => world.a.send(world.b.self, new Uint8Array(frameBytesMax + 1)), isRefused);
  });

  inNetworks("a head may have the greatest length, and one byte more is refused", async (world) => {
    await world.connect();
    const head = new Uint8Array(exchangeHeadBytesMax).fill(7);
    world.atB.answer = (_, request) => Promise.resolve(request);
    const answer = await world.exchange({ head });
    assert.equal(Buffer.compare(answer.head, head), 0);
    await gather(answer.body);
    const tooLong = new Uint8Array(exchangeHeadBytesMax + 1);
    await rejectsAs("refused", world.exchange({ head: tooLong }));
    world.atB.answer = () => Promise.resolve({ head: tooLong, body: emptyBody });
    await rejectsAs("broken", world.exchange({}));
  });

  inNetworks("what a peer does not take waits up to a bound; beyond, send says no", async (world) => {
    await world.connect();
    world.networks.clog();
    let sent = 0;
    while (world.a.send(world.b.self, new Uint8Array(100_000).fill(sent % 251))) {
      sent++;
      await world.networks.turn();
      assert.ok(world.a.queuedBytes(world.b.self) <= world.networks.queueBytesMax);
      assert.ok(sent < 10_000, "no bound");
    }
    assert.ok(world.a.queuedBytes(world.b.self) > world.networks.queueBytesMax / 2);
    world.networks.unclog();
    await world.atB.untilHeard("frame", sent);
    assert.ok(world.a.send(world.b.self, utf8("last")));
    await world.atB.untilHeard("frame", sent + 1);
    for (let i = 0; i < sent; i++) assert.equal(world.atB.frames[i]?.[0], i % 251);
    assert.equal(utf8Text(world.atB.frames[sent] ?? utf8("")), "last");
  });
}

function connections(inNetworks: InNetworks): void {
  inNetworks(
    "a peer that goes is reported, and one that comes back; it hears what is sent from then on",
    async (world) => {
      await world.connect();
      await world.b.close();
      await world.atA.untilHeard("disconnect");
      assert.equal(world.a.send(world.b.self, utf8("lost")), false);
      await assert.rejects(world.exchange({}), NetworkError);
      const again = await world.networks.b.reopen();
      const receiver = new RecordingReceiver();
      again.listen(receiver);
      again.setPeers([world.networks.a.peer]);
      await Promise.all([world.atA.untilHeard("connect", 2), receiver.untilHeard("connect")]);
      assert.ok(world.a.send(world.b.self, utf8("hello")));
      assert.ok(again.send(world.a.self, utf8("hello")));
      await Promise.all([receiver.untilHeard("frame"), world.atA.untilHeard("frame")]);
      assert.deepEqual(receiver.frames.map(utf8Text), ["hello"]);
      await world.ask("still");
      assert.deepEqual(
        world.atA.heard.map(({ kind }) => kind),
        ["connect", "disconnect", "connect", "frame"],
      );
    },
  );

  inNetworks("who is not named any more is not heard, and not called", async (world) => {
    await world.connect();
    world.a.setPeers([]);
    await Promise.all([world.atA.untilHeard("disconnect"), world.atB.untilHeard("disconnect")]);
    assert.equal(world.a.send(world.b.self, utf8("x")), false);
    assert.equal(world.b.send(world.a.self, utf8("x")), false);
    await rejectsAs("unreachable", world.exchange({}));
    await rejectsAs("refused", world.b.exchange(world.a.self, { head: utf8("x"), body: emptyBody }));
    world.introduce();
    await Promise.all([world.atA.untilHeard("connect", 2), world.atB.untilHeard("connect", 2)]);
    assert.equal(world.atA.count("frame"), 0);
  });

  inNetworks("after close nothing is sent and nothing arrives", async (world) => {
    await world.connect();
    const started = Promise.withResolvers<void>();
    world.atB.answer = (_from, _request, signal) => {
      started.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("gone")));
      });
    };
    const exchange = rejectsAs("broken", world.exchange({}));
    await started.promise;
    world.b.send(world.a.self, utf8("late"));
    await world.a.close();
    await world.a.close();
    const heard = world.atA.heard.length;
    await exchange;
    assert.equal(world.a.send(world.b.self, utf8("x")), false);
    await rejectsAs("unreachable", world.exchange({}));
    await world.atB.untilHeard("disconnect");
    assert.equal(world.atA.heard.length, heard);
  });
}

function bodies(inNetworks: InNetworks): void {
  inNetworks("both bodies are streamed, at the same time", async (world) => {
    await world.connect();
    world.atB.answer = (from, { head, body }) =>
      Promise.resolve({ head: utf8(`${utf8Text(head)} of ${from}`), body: upperCase(body) });
    const { promise: firstAnswered, resolve } = Promise.withResolvers<void>();
    const answer = await world.exchange({
      head: utf8("request"),
      body: (async function* () {
        yield utf8("one ");
        // The rest of the request waits for the beginning of the answer.
        await firstAnswered;
        yield utf8("two");
      })(),
    });
    assert.equal(utf8Text(answer.head), `request of ${world.a.self}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) {
      assert.equal(Object.getPrototypeOf(chunk), Uint8Array.prototype);
      chunks.push(chunk);
      resolve();
    }
    assert.equal(utf8Text(concatBytes(chunks)), "ONE TWO");
  });

  inNetworks("head and chunks are the receiver's own, on both sides", async (world) => {
    await world.connect();
    const sent = [utf8("head"), utf8("body"), utf8("answer"), utf8("its body")] as const;
    const [head, body, answerHead, answerBody] = sent;
    const spoil = async (exchange: Exchange): Promise<void> => {
      exchange.head.fill(0);
      for await (const chunk of exchange.body) chunk.fill(0);
    };
    world.atB.answer = async (_, request) => {
      await spoil(request);
      return { head: answerHead, body: once(answerBody) };
    };
    await spoil(await world.exchange({ head, body: once(body) }));
    assert.deepEqual(sent.map(utf8Text), ["head", "body", "answer", "its body"]);
  });

  inNetworks("bodies whose lengths are known before arrive whole, one behind the other", async (world) => {
    await world.connect();
    world.atB.answer = async (_, { head, body }) => {
      const bytes = await gather(body);
      return { head, body: inChunks(bytes, 300_000), bodyBytes: bytes.length };
    };
    for (const size of [0, 1, 100_000, 1_000_000]) {
      const sent = new Uint8Array(size).fill(size % 251);
      const request = { head: utf8(`${size}`), body: inChunks(sent, 300_000), bodyBytes: size };
      const answer = await world.exchange(request);
      assert.equal(utf8Text(answer.head), `${size}`);
      assert.deepEqual(await gather(answer.body), sent);
    }
  });

  inNetworks("many exchanges at once, large and small, arrive whole", async (world) => {
    await world.connect();
    world.atB.answer = async (_, { head, body }) => ({ head, body: once(await gather(body)) });
    const random = seededRandom(2);
    const sizes = [
      0,
      1,
      1000,
      65_536,
      3_000_000,
      ...Array.from({ length: 40 }, () => uniform(random, 50_000)),
    ];
    await Promise.all(
      sizes.map(async (size, i) => {
        const bytes = random.bytes(size);
        const answer = await world.exchange({ head: utf8(`${i}`), body: inChunks(bytes, 70_000) });
        assert.equal(utf8Text(answer.head), `${i}`);
        assert.equal(Buffer.compare(await gather(answer.body), bytes), 0);
      }),
    );
  });

  inNetworks("a slow reader stops the writer, of a request and of an answer", async (world) => {
    await world.connect();
    const [request, response] = [new CountedBody(), new CountedBody()];
    const read = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    world.atB.answer = async (_, { body }) => {
      arrived.resolve();
      await read.promise;
      return { head: utf8(`${(await gather(body)).length}`), body: response.chunks() };
    };
    const answering = world.exchange({ body: request.chunks() });
    await arrived.promise;
    await request.whenStuck(world);
    assert.ok(request.bytes < CountedBody.wholeBytes / 2, `${request.bytes} bytes were taken of the request`);
    read.resolve();
    const answer = await answering;
    assert.equal(utf8Text(answer.head), `${CountedBody.wholeBytes}`);
    await response.whenStuck(world);
    assert.ok(
      response.bytes < CountedBody.wholeBytes / 2,
      `${response.bytes} bytes were taken of the answer`,
    );
    assert.equal((await gather(answer.body)).length, CountedBody.wholeBytes);
  });

  inNetworks("an answer may come before the request was read, and ends it", async (world) => {
    await world.connect();
    world.atB.answer = () => Promise.resolve({ head: utf8("no"), body: once(utf8("thank you")) });
    const request = new CountedBody();
    const answer = await world.exchange({ body: request.chunks() });
    assert.equal(utf8Text(answer.head), "no");
    assert.equal(utf8Text(await gather(answer.body)), "thank you");
    await request.ended.promise;
    assert.ok(request.bytes < CountedBody.wholeBytes);
  });

  inNetworks("who stops reading the request may still answer", async (world) => {
    await world.connect();
    world.atB.answer = async (_, { body }) => {
      for await (const chunk of body) return { head: chunk.subarray(0, 3), body: once(utf8("enough")) };
      return { head: utf8("none"), body: emptyBody };
    };
    const request = new CountedBody();
    const answer = await world.exchange({ body: request.chunks() });
    assert.deepEqual(answer.head, new Uint8Array(3).fill(1));
    assert.equal(utf8Text(await gather(answer.body)), "enough");
    await request.ended.promise;
    assert.equal(await world.ask("again"), "none");
  });
}

function brokenExchanges(inNetworks: InNetworks): void {
  inNetworks("one that is aborted before it begins does not reach the other side", async (world) => {
    await world.connect();
    let asked = 0;
    world.atB.answer = (_, { head, body }) => {
      asked++;
      return Promise.resolve({ head, body });
    };
    await rejectsAs("aborted", world.exchange({}, AbortSignal.abort()));
    await world.ask("another");
    assert.equal(asked, 1);
  });

  inNetworks("an abort before the answer ends both bodies and tells the other side", async (world) => {
    await world.connect();
    const abort = new AbortController();
    const seen = Promise.withResolvers<string>();
    world.atB.answer = async (_, { body }, signal) => {
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => aborted.resolve());
      const read = gather(body).then(
        () => "whole",
        (error: unknown) => kindOf(error),
      );
      abort.abort();
      await aborted.promise;
      seen.resolve(await read);
      throw new Error("nobody is left");
    };
    const request = new CountedBody();
    await rejectsAs("aborted", world.exchange({ body: request.chunks() }, abort.signal));
    assert.equal(await seen.promise, "broken");
    await request.ended.promise;
  });

  inNetworks("an abort behind the head ends the answer's body on both sides", async (world) => {
    await world.connect();
    const abort = new AbortController();
    const response = new CountedBody();
    const told = Promise.withResolvers<void>();
    world.atB.answer = (_, __, signal) => {
      signal.addEventListener("abort", () => told.resolve());
      return Promise.resolve({ head: utf8("ok"), body: response.chunks() });
    };
    const answer = await world.exchange({}, abort.signal);
    abort.abort();
    await rejectsAs("aborted", gather(answer.body));
    await Promise.all([told.promise, response.ended.promise]);
  });

  inNetworks("who gives up the answer ends it on the other side", async (world) => {
    await world.connect();
    const response = new CountedBody();
    const told = Promise.withResolvers<void>();
    world.atB.answer = (_, __, signal) => {
      signal.addEventListener("abort", () => told.resolve());
      return Promise.resolve({ head: utf8("ok"), body: response.chunks() });
    };
    for await (const chunk of (await world.exchange({})).body) {
      assert.ok(chunk.length > 0);
      break;
    }
    await Promise.all([told.promise, response.ended.promise]);
    const unread = await world.exchange({});
    await unread.body[Symbol.asyncIterator]().return?.();
    world.atB.answer = (_, { head, body }) => Promise.resolve({ head, body });
    assert.equal(await world.ask("next"), "next");
  });

  inNetworks("a request whose body fails is broken for both sides", async (world) => {
    await world.connect();
    const [begun, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    world.atB.answer = async (_, { body }) => {
      begun.resolve();
      await gather(body).catch((error: unknown) => seen.resolve(kindOf(error)));
      throw new Error("no answer to half a request");
    };
    await rejectsAs("broken", world.exchange({ body: failingAfter(begun.promise) }));
    assert.equal(await seen.promise, "broken");
  });

  inNetworks("an answer whose body fails is broken for the caller, never short", async (world) => {
    await world.connect();
    const begun = Promise.withResolvers<void>();
    world.atB.answer = () => Promise.resolve({ head: utf8("ok"), body: failingAfter(begun.promise) });
    const answer = await world.exchange({});
    assert.equal(utf8Text(answer.head), "ok");
    begun.resolve();
    await rejectsAs("broken", gather(answer.body));
  });

  inNetworks(
    "a handler that fails is broken for the caller, and the next exchange goes on",
    async (world) => {
      await world.connect();
      world.atB.answer = () => Promise.reject(new Error("mine"));
      await rejectsAs("broken", world.exchange({}));
      world.atB.answer = (_, { head, body }) => Promise.resolve({ head, body });
      assert.equal(await world.ask("next"), "next");
    },
  );

  inNetworks(
    "a peer that closes breaks what is under way, and so does one that is not named any more",
    async (world) => {
      await world.connect();
      const response = new CountedBody();
      world.atB.answer = () => Promise.resolve({ head: utf8("ok"), body: response.chunks() });
      const unnamed = await world.exchange({});
      world.b.setPeers([]);
      await rejectsAs("broken", gather(unnamed.body));
      world.introduce();
      await world.atA.untilHeard("connect", 2);
      const closed = await world.exchange({});
      await world.b.close();
      await rejectsAs("broken", gather(closed.body));
      await response.ended.promise;
    },
  );
}

/** Counts what is asked of it. */
class CountedBody {
  static readonly wholeBytes = 64 * 1024 * 1024;
  bytes = 0;
  readonly ended = Promise.withResolvers<void>();

  async *chunks(): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(64 * 1024).fill(1);
    try {
      while (this.bytes < CountedBody.wholeBytes) {
        this.bytes += chunk.length;
        yield chunk;
      }
    } finally {
      this.ended.resolve();
    }
  }

  /** Resolves when nothing is taken of it while a frame and its answer travel, several times. */
  async whenStuck(world: World): Promise<void> {
    for (let still = 0; still < 5; still++) {
      const before = this.bytes;
      world.a.send(world.b.self, utf8("ping"));
      await world.atB.untilHeard("frame", world.atB.count("frame") + 1);
      world.b.send(world.a.self, utf8("pong"));
      await world.atA.untilHeard("frame", world.atA.count("frame") + 1);
      if (this.bytes > before) still = -1;
      if (this.bytes >= CountedBody.wholeBytes) return;
    }
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

async function* upperCase(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) yield utf8(utf8Text(chunk).toUpperCase());
}

async function* failingAfter(begun: Promise<void>): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(1000);
  await begun;
  throw new Error("the source dried up");
}

async function gather(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return concatBytes(chunks);
}

function kindOf(error: unknown): string {
  return error instanceof NetworkError ? error.kind : String(error);
}

async function rejectsAs(kind: NetworkError["kind"], promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error) => kindOf(error) === kind);
}
