// WebSockets on real sockets: handshakes, hostile frames, and how listeners end them.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import type { HttpHandler, HttpRequest, MessageConnection, MessageReceiver } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { WebSocket } from "ws";
import { realClock } from "../clock.ts";
import type { HttpLimits } from "./limits.ts";
import type { HttpListener } from "./listen-http.ts";
import { listenHttp } from "./listen-http.ts";

/** Repeats messages, and does to the connection what some of them say. */
class Echo implements MessageReceiver {
  readonly received: string[] = [];
  readonly connection: MessageConnection;
  readonly ended = Promise.withResolvers<void>();
  readonly left = Promise.withResolvers<void>();
  isIdle = true;

  constructor(connection: MessageConnection) {
    this.connection = connection;
  }

  onMessage(message: Uint8Array): void {
    const text = utf8Text(message);
    this.received.push(text);
    if (text === "cut") this.connection.cut();
    else this.connection.send(message, () => undefined);
  }

  onEnd(): void {
    this.ended.resolve();
  }

  leave(): void {
    this.left.resolve();
    if (this.isIdle) this.connection.close("leaving");
  }
}

interface Fixture {
  readonly port: number;
  readonly http: HttpListener;
  readonly echoes: readonly Echo[];
  readonly requests: readonly HttpRequest[];
  readonly open: () => Promise<WebSocket>;
}

async function fixture(
  t: TestContext,
  limits: Partial<HttpLimits> = {},
  handler?: HttpHandler,
): Promise<Fixture> {
  const echoes: Echo[] = [];
  const requests: HttpRequest[] = [];
  const upgrade = (connection: MessageConnection): Echo => {
    const echo = new Echo(connection);
    echoes.push(echo);
    return echo;
  };
  const http = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    handler: (request) => {
      requests.push(request);
      if (handler !== undefined) return handler(request);
      const answer =
        request.path === "/stream"
          ? { status: 101, headers: {}, body: undefined, upgrade }
          : { status: 200, headers: { "x-path": request.path }, body: utf8("plain") };
      return Promise.resolve(answer);
    },
    journal: silentJournal,
    clock: realClock,
    limits: { closeTimeoutMs: 300, ...limits },
    upgrades: true,
  });
  t.after(() => http.close());
  const { port } = http;
  const open = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/stream`);
    t.after(() => socket.terminate());
    await once(socket, "open");
    return socket;
  };
  return { port, http, echoes, requests, open };
}

async function answered(socket: WebSocket, message: string | Buffer): Promise<string> {
  const answer = once(socket, "message");
  socket.send(Buffer.from(message));
  const [data]: unknown[] = await answer;
  return String(data);
}

async function closeCode(socket: WebSocket): Promise<unknown> {
  const [code]: unknown[] = await once(socket, "close");
  return code;
}

function raw(t: TestContext, port: number, text: string): { socket: Socket; received: Promise<string> } {
  const socket = connect(port, "127.0.0.1");
  t.after(() => socket.destroy());
  let all = "";
  socket.on("data", (chunk: Buffer) => {
    all += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.write(text);
  return { socket, received: once(socket, "close").then(() => all) };
}

const handshake = [
  "GET /stream HTTP/1.1",
  "host: h",
  "connection: Upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];
const head = (lines: readonly string[]): string => `${lines.join("\r\n")}\r\n\r\n`;

/** A frame as a client sends it, under a mask of zeros. */
function frame(opcode: number, payload: Buffer, isMasked: boolean = true): Buffer {
  const length =
    payload.length < 126
      ? Buffer.from([payload.length | (isMasked ? 0x80 : 0)])
      : Buffer.from([126 | (isMasked ? 0x80 : 0), payload.length >> 8, payload.length & 0xff]);
  const mask = isMasked ? Buffer.alloc(4) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, payload]);
}

suite("WebSockets", () => {
  test("messages come whole and in order, however they are cut", async (t) => {
    const { open, echoes } = await fixture(t);
    const socket = await open();
    assert.equal(await answered(socket, "one"), "one");
    socket.send(Buffer.from("tw"), { fin: false });
    socket.send(Buffer.from("o"), { fin: true });
    await once(socket, "message");
    const large = "x".repeat(1024 * 1024);
    assert.equal(await answered(socket, large), large);
    assert.deepEqual(
      echoes[0]?.received.map((text) => text.slice(0, 3)),
      ["one", "two", "xxx"],
    );
  });

  test("the answer to the handshake is RFC 6455's, and bytes right behind the request are heard", async (t) => {
    const { port, echoes } = await fixture(t);
    const { socket, received } = raw(t, port, head(handshake));
    socket.write(frame(2, Buffer.from("early")));
    socket.write(frame(8, Buffer.from([0x03, 0xe8])));
    const text = await received;
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.match(text, /s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    assert.deepEqual(echoes[0]?.received, ["early"]);
  });

  test("a frame that comes a byte at a time is a frame", async (t) => {
    const { port, echoes } = await fixture(t);
    const { socket, received } = raw(t, port, "");
    socket.setNoDelay(true);
    for (const byte of Buffer.concat([
      Buffer.from(head(handshake)),
      frame(2, Buffer.from("slow")),
      frame(8, Buffer.alloc(0)),
    ])) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await received;
    assert.deepEqual(echoes[0]?.received, ["slow"]);
  });

  test("malformed handshakes are refused, and nobody is called", async (t) => {
    const { port, echoes } = await fixture(t);
    const without = (name: string): readonly string[] => handshake.filter((line) => !line.startsWith(name));
    for (const lines of [
      without("sec-websocket-key"),
      without("sec-websocket-version"),
      [...without("sec-websocket-key"), "sec-websocket-key: short"],
      [...handshake, "content-length: 5"],
      [...handshake, "transfer-encoding: chunked"],
      handshake.map((line) => line.replace("GET", "POST")),
    ]) {
      const { socket, received } = raw(t, port, head(lines));
      assert.match(await received, /^HTTP\/1\.1 4\d\d /, lines.join(" | "));
      socket.destroy();
    }
    assert.equal(echoes.length, 0);
  });

  test("a client that offers HTTP/2 by an upgrade gets its answer, and keeps its connection", async (t) => {
    const { port } = await fixture(t);
    const lines = ["GET /page HTTP/1.1", "host: h", "connection: Upgrade, HTTP2-Settings", "upgrade: h2c"];
    const { socket, received } = raw(t, port, head(lines));
    await once(socket, "data");
    socket.write(head(lines));
    await once(socket, "data");
    socket.end();
    assert.equal((await received).match(/HTTP\/1\.1 200 /g)?.length, 2);
  });

  test("a handler that wants no WebSocket is heard as for any request", async (t) => {
    const { port } = await fixture(t, {}, () =>
      Promise.resolve({ status: 403, headers: { "x-why": "no" }, body: utf8("refused") }),
    );
    const text = await raw(t, port, head(handshake)).received;
    assert.match(text, /^HTTP\/1\.1 403 /);
    assert.match(text, /x-why: no/);
    assert.match(text, /refused$/);
  });

  test("behind a request that is under way there is no upgrade; its answer comes first", async (t) => {
    const { port, echoes } = await fixture(t);
    const text = await raw(t, port, head(["GET /page HTTP/1.1", "host: h"]) + head(handshake)).received;
    assert.match(text, /^HTTP\/1\.1 200 .*plain.*HTTP\/1\.1 400 /s);
    assert.equal(echoes.length, 0);
  });

  test("where there are no upgrades, a handshake is a request like any other, and whoever upgrades it is not asked", async (t) => {
    const http = await listenHttp({
      host: "127.0.0.1",
      port: 0,
      handler: ({ path }) =>
        Promise.resolve(
          path === "/stream"
            ? { status: 101, headers: {}, body: undefined, upgrade: (connection) => new Echo(connection) }
            : { status: 200, headers: {}, body: utf8("plain") },
        ),
      journal: silentJournal,
      clock: realClock,
      limits: { closeTimeoutMs: 100 },
    });
    t.after(() => http.close());
    const { socket, received } = raw(t, http.port, head(handshake));
    await once(socket, "data");
    socket.write(head(["GET /page HTTP/1.1", "host: h"]));
    await once(socket, "data");
    socket.end();
    assert.match(await received, /^HTTP\/1\.1 501 .*HTTP\/1\.1 200 .*plain$/s);
  });

  test("text, messages beyond the bound, and frames against the rules end the connection", async (t) => {
    const { port, open, echoes } = await fixture(t);
    const text = await open();
    text.send("text");
    assert.equal(await closeCode(text), 1003);
    const long = await open();
    long.send(Buffer.alloc(1024 * 1024 + 1));
    assert.equal(await closeCode(long), 1009);
    for (const hostile of [
      frame(2, Buffer.from("unmasked"), false),
      frame(3, Buffer.from("reserved opcode")),
      frame(9, Buffer.alloc(126)),
      Buffer.from([0xc2, 0x80, 0, 0, 0, 0]),
      Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    ]) {
      const { socket, received } = raw(t, port, head(handshake));
      await once(socket, "data");
      socket.write(hostile);
      await received;
    }
    assert.ok(echoes.every(({ received }) => received.length === 0));
    await Promise.all(echoes.map(({ ended }) => ended.promise));
    assert.equal(await answered(await open(), "still here"), "still here");
  });

  test("pings are answered, but not to who takes no pongs", async (t) => {
    const { port, open, echoes } = await fixture(t);
    const socket = await open();
    socket.ping("hello");
    const [data]: unknown[] = await once(socket, "pong");
    assert.equal(String(data), "hello");
    const flood = raw(t, port, head(handshake));
    await once(flood.socket, "data");
    flood.socket.pause();
    const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(9, Buffer.alloc(125))));
    for (let i = 0; i < 200; i++) flood.socket.write(pings);
    flood.socket.write(frame(2, Buffer.from("behind")));
    while (echoes[1]?.received.length !== 1) await new Promise((resolve) => setImmediate(resolve));
    flood.socket.resume();
    flood.socket.write(frame(8, Buffer.alloc(0)));
    const received = await flood.received;
    assert.match(received, /behind/);
    assert.ok(received.length < (200 * pings.length) / 2, `${received.length} bytes of pongs`);
  });

  test("an end without a word is an end, from either side", async (t) => {
    const { port, open, echoes } = await fixture(t);
    const { socket } = raw(t, port, head(handshake));
    await once(socket, "data");
    socket.end();
    await echoes[0]?.ended.promise;
    const other = await open();
    other.send(Buffer.from("cut"));
    assert.equal(await closeCode(other), 1006);
    await echoes[1]?.ended.promise;
  });

  test("a listener that closes lets them leave, and cuts at the deadline who does not", async (t) => {
    const { open, http, echoes } = await fixture(t);
    const [idle, busy] = [await open(), await open()];
    if (echoes[1] !== undefined) echoes[1].isIdle = false;
    const idleClosed = closeCode(idle);
    const busyClosed = closeCode(busy);
    const closed = http.close();
    assert.equal(await idleClosed, 1001);
    await echoes[1]?.left.promise;
    assert.equal(busy.readyState, WebSocket.OPEN);
    assert.equal(await busyClosed, 1006);
    await closed;
  });

  test("with all connections taken, one that is idle gives way, also to one that is busy for longer", async (t) => {
    const { open, port, echoes } = await fixture(t, { connectionsMax: 2 });
    const [busy, idle] = [await open(), await open()];
    if (echoes[0] !== undefined) echoes[0].isIdle = false;
    const idleClosed = closeCode(idle);
    const third = raw(t, port, head(["GET /page HTTP/1.1", "host: h"]));
    await once(third.socket, "data");
    assert.equal(await idleClosed, 1006);
    assert.equal(await answered(busy, "busy"), "busy");
  });

  test("what reads on is paused until it is resumed", async (t) => {
    const { open, echoes } = await fixture(t);
    const socket = await open();
    await answered(socket, "a");
    const [echo] = echoes;
    echo?.connection.pause();
    const answer = once(socket, "message");
    socket.send(Buffer.from("b"));
    await new Promise<void>((resolve) => {
      socket.ping("", true, () => setImmediate(resolve));
    });
    assert.deepEqual(echo?.received, ["a"]);
    echo?.connection.resume();
    await answer;
    assert.deepEqual(echo?.received, ["a", "b"]);
  });
});
