// The client's side of a stream over a channel whose other end a test plays.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { suite, test } from "node:test";
import type { ClientFrame, RequestFrame, ServerFrame } from "@holdfast/base";
import {
  clientFrameCodec,
  encodeStreamHello,
  IncomingMessages,
  OutgoingMessages,
  seededRandom,
  serverFrameCodec,
  streamKeys,
  streamLimits,
  uniform,
  utf8,
} from "@holdfast/base";
import type { ChannelListener } from "./message-channel.ts";
import type { OutgoingOperation } from "./operation-stream.ts";
import { OperationStream } from "./operation-stream.ts";
import type { TransportResponse } from "./transport.ts";
import { TransportFailure } from "./transport.ts";

const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();
const secretKey = "secret";
const nonce = "00";

interface ServerLimits {
  readonly operationsMax?: number;
  readonly bodyBytesMax?: number;
  readonly messageBytesMax?: number;
}

class Server {
  readonly stream: OperationStream;
  /** Messages of the client, taken apart. */
  readonly messages: (readonly ClientFrame[])[] = [];
  /** What happened to channel and stream, in order. */
  readonly events: string[] = [];
  readonly hello: Uint8Array;
  readonly #outgoing: OutgoingMessages<ServerFrame>;
  readonly #incoming: IncomingMessages<ClientFrame>;
  readonly #soon: (() => void)[] = [];
  #listener: ChannelListener | undefined;

  constructor(limits: ServerLimits = {}) {
    this.hello = encodeStreamHello({ nonce: new Uint8Array(16), ...streamLimits, ...limits });
    const keys = streamKeys(sha256, secretKey, nonce, this.hello);
    this.#outgoing = new OutgoingMessages(serverFrameCodec, keys.toClient);
    this.#incoming = new IncomingMessages(clientFrameCodec, keys.toServer);
    const options = {
      streaming: {
        openChannel: () => assert.fail("opened otherwise"),
        soon: (action: () => void) => void this.#soon.push(action),
        randomBytes: (length: number) => new Uint8Array(length),
      },
      sha256,
      secretKey,
      nonce,
      onEnd: (wasReady: boolean) => void this.events.push(wasReady ? "ended" : "never ready"),
    };
    this.stream = new OperationStream(options, (listener) => {
      this.#listener = listener;
      return {
        send: (message) => void this.messages.push(this.#incoming.open(message)),
        hold: (isHeld) => void this.events.push(isHeld ? "held" : "free"),
        close: () => void this.events.push("closed"),
        cut: () => void this.events.push("cut"),
      };
    });
  }

  greet(): this {
    this.receive(this.hello);
    this.events.length = 0;
    return this;
  }

  receive(message: Uint8Array): void {
    this.#listener?.onMessage(message);
  }

  say(...frames: readonly ServerFrame[]): void {
    for (const frame of frames) this.#outgoing.add(frame);
    this.receive(this.#outgoing.take());
    this.turn();
  }

  lose(): void {
    this.#listener?.onEnd("lost");
  }

  /** What one turn gathered leaves. */
  turn(): void {
    for (const action of this.#soon.splice(0)) action();
  }

  get requests(): readonly RequestFrame[] {
    return this.messages.flat().filter((frame) => frame.kind === "request");
  }
}

function write(key: string, more: Partial<OutgoingOperation> = {}): OutgoingOperation {
  const common = { fields: {}, body: utf8(key), signal: undefined, onSent: undefined };
  return { kind: "storeFile", bucket: "b", key, ...common, ...more };
}

const read: Partial<OutgoingOperation> = { kind: "readFile", body: undefined };

function answer(id: number, status: number = 200): ServerFrame {
  return { kind: "answer", id, status, fields: { etag: `e${id}` }, body: utf8(`${id}`) };
}

function outcome(promise: Promise<TransportResponse | undefined>): Promise<unknown> {
  return promise.then(
    (response) => response?.headers["etag"],
    (cause: unknown) => (cause instanceof TransportFailure ? cause.sent : cause),
  );
}

suite("client's operation stream", () => {
  test("what is begun in one turn leaves in one message; answers come in any order", async () => {
    const server = new Server().greet();
    const calls = ["x", "y", "z"].map((key) => outcome(server.stream.carry(write(key))));
    server.turn();
    assert.deepEqual(
      server.messages.map((frames) => frames.map((frame) => frame.kind)),
      [["request", "request", "request"]],
    );
    server.say(answer(2), answer(0));
    server.say(answer(1));
    assert.deepEqual(await Promise.all(calls), ["e0", "e1", "e2"]);
  });

  test("before the hello nothing is taken, and after the end nothing either", async () => {
    const server = new Server();
    assert.equal(server.stream.isReady, false);
    assert.equal(await outcome(server.stream.carry(write("x"))), undefined);
    server.greet();
    assert.equal(server.stream.isReady, true);
    server.lose();
    assert.equal(await outcome(server.stream.carry(write("x"))), undefined);
    assert.deepEqual(server.events, ["ended"]);
  });

  test("at its end nobody knows of what was sent, and what was not goes elsewhere", async () => {
    const server = new Server({ operationsMax: 2 }).greet();
    const calls = ["x", "y", "z"].map((key) => outcome(server.stream.carry(write(key))));
    server.turn();
    server.lose();
    assert.deepEqual(await Promise.all(calls), ["all", "all", undefined]);
  });

  test("it keeps within what the server names: operations, bodies, messages", async () => {
    const server = new Server({ operationsMax: 3, bodyBytesMax: 10, messageBytesMax: 50_000 }).greet();
    assert.equal(await outcome(server.stream.carry(write("long", { body: new Uint8Array(11) }))), undefined);
    const calls = Array.from({ length: 7 }, (_, i) => outcome(server.stream.carry(write(`k${i}`))));
    server.turn();
    assert.equal(server.requests.length, 3);
    server.say(answer(1));
    assert.equal(server.requests.length, 4);
    server.say(answer(0), answer(2), answer(3));
    server.say(answer(4), answer(5), answer(6));
    assert.equal(new Set(await Promise.all(calls)).size, 7);
    const large = new Server({ messageBytesMax: 150_000 }).greet();
    for (let i = 0; i < 6; i++)
      void large.stream.carry(write("k", { body: new Uint8Array(60_000), fields: { range: "x" } }));
    large.turn();
    assert.ok(large.messages.length >= 3);
    assert.equal(large.requests.length, 6);
  });

  test("four megabytes of bodies are under way at most", () => {
    const server = new Server().greet();
    for (let i = 0; i < 100; i++) void server.stream.carry(write("k", { body: new Uint8Array(64 * 1024) }));
    server.turn();
    assert.equal(server.requests.length, 64);
    server.say(answer(5), answer(6));
    assert.equal(server.requests.length, 66);
  });

  test("who aborts before it leaves has sent nothing; afterwards the server hears of it once", async () => {
    const server = new Server().greet();
    const [early, late] = [new AbortController(), new AbortController()];
    const calls = [early, late].map(({ signal }) => outcome(server.stream.carry(write("k", { signal }))));
    early.abort();
    server.turn();
    late.abort();
    late.abort();
    server.turn();
    assert.deepEqual(await Promise.all(calls), ["nothing", "all"]);
    assert.deepEqual(
      server.messages.map((frames) => frames.map((frame) => frame.kind)),
      [["request"], ["cancel"]],
    );
    server.say(answer(0));
    assert.ok(server.stream.isReady, "the answer that nobody waits for is none too many");
    assert.equal(await outcome(server.stream.carry(write("k", { signal: early.signal }))), "nothing");
  });

  test("the program is held while something is under way, and not otherwise", async () => {
    const server = new Server().greet();
    const call = outcome(server.stream.carry(write("k")));
    server.turn();
    server.say(answer(0));
    await call;
    assert.deepEqual(server.events, ["held", "free"]);
  });

  test("a server that takes leave gets no more, and its answers are waited for", async () => {
    const server = new Server({ operationsMax: 1 }).greet();
    const [sent, waiting] = ["x", "y"].map((key) => outcome(server.stream.carry(write(key))));
    server.turn();
    server.say({ kind: "leave" });
    assert.equal(await waiting, undefined);
    assert.deepEqual(server.events, ["held", "ended"]);
    server.say(answer(0));
    assert.equal(await sent, "e0");
    assert.deepEqual(server.events, ["held", "ended", "free", "closed"]);
    server.lose();
    assert.equal(server.events.filter((event) => event === "ended").length, 1);
  });

  test("a sign of life is answered by one", () => {
    const server = new Server().greet();
    server.say({ kind: "alive" });
    assert.deepEqual(server.messages, [[{ kind: "alive" }]]);
  });

  test("a read whose answer is elsewhere is to be asked for again; a write is not", async () => {
    const server = new Server().greet();
    const [reading, writing] = [
      outcome(server.stream.carry(write("r", read))),
      outcome(server.stream.carry(write("w"))),
    ];
    server.turn();
    server.say({ kind: "elsewhere", id: 0 }, { kind: "elsewhere", id: 1 });
    assert.equal(await reading, undefined);
    assert.equal(await writing, "all");
    assert.ok(server.events.includes("cut"));
  });

  test("a server that breaks the rules is cut off", async () => {
    const random = seededRandom(3);
    const breaks: readonly ((server: Server) => void)[] = [
      (server) => server.say(answer(7)),
      (server) => server.say(answer(0), answer(0)),
      (server) => server.receive(server.hello),
      ...Array.from(
        { length: 100 },
        () => (server: Server) => server.receive(random.bytes(uniform(random, 300))),
      ),
    ];
    for (const breakRules of breaks) {
      const server = new Server().greet();
      const call = outcome(server.stream.carry(write("k")));
      server.turn();
      breakRules(server);
      assert.ok(server.events.includes("cut"));
      assert.ok(["all", "e0"].includes(String(await call)));
      assert.equal(server.stream.isReady, false);
    }
  });

  test("a hello that means nothing, or another version's, ends what has not begun", () => {
    for (const change of [(hello: Uint8Array) => hello.fill(2, 0, 1), (hello: Uint8Array) => hello.fill(0)]) {
      const server = new Server();
      const hello = new Uint8Array(server.hello);
      change(hello);
      server.receive(hello);
      assert.equal(server.stream.isReady, false);
      assert.deepEqual(server.events, ["free", "never ready", "cut"]);
    }
  });
});
