import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage, RequestOptions } from "node:http";
import { Agent, request as httpRequest } from "node:http";
import type { Socket } from "node:net";
import { connect } from "node:net";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { StoreError, utf8 } from "@holdfast/base";
import type { HttpHandler, HttpRequest, HttpResponse } from "@holdfast/ports";
import { silentJournal } from "@holdfast/ports";
import { realClock } from "../clock.ts";
import type { HttpLimits } from "./limits.ts";
import { listenHttp } from "./listen-http.ts";

async function listener(
  t: TestContext,
  handler: HttpHandler,
  limits: Partial<HttpLimits> = {},
): Promise<{ port: number; close(): Promise<void> }> {
  const http = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    handler,
    journal: silentJournal,
    clock: realClock,
    limits: { closeTimeoutMs: 200, ...limits },
  });
  t.after(() => http.close());
  return http;
}

async function gather(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const ok: HttpResponse = { status: 200, headers: {}, body: utf8("ok") };

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

async function fetchFrom(port: number, options: RequestOptions, body?: string | Buffer): Promise<Answer> {
  const request = httpRequest({ host: "127.0.0.1", port, ...options });
  request.end(body);
  const [message]: [IncomingMessage] = (await once(request, "response")) as [IncomingMessage];
  // The answer is there; that the server hangs up on a body it does not want is no failure any more.
  request.on("error", () => undefined);
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    text: (await gather(message)).toString(),
  };
}

/** A bare connection, and everything it received up to its end. */
function rawConnection(
  t: TestContext,
  port: number,
): { socket: Socket; received: Promise<string>; until(text: string): Promise<void> } {
  const socket = connect({ host: "127.0.0.1", port });
  t.after(() => socket.destroy());
  let text = "";
  const wakers = new Set<() => void>();
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (const wake of wakers) wake();
  });
  socket.on("error", () => undefined);
  const received = new Promise<string>((resolve) => {
    socket.on("close", () => resolve(text));
  });
  const until = (expected: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (text.includes(expected)) resolve();
      };
      wakers.add(look);
      look();
      socket.on("close", () => reject(new Error(`closed before ${expected}: ${text}`)));
    });
  return { socket, received, until };
}

suite("HTTP listener: requests", () => {
  test("path and query arrive as they were sent, headers in lower case and joined", async (t) => {
    let seen: HttpRequest | undefined;
    const { port } = await listener(t, (request) => {
      seen = request;
      return Promise.resolve(ok);
    });
    const headers = { "X-Many": ["a", "b"], "If-Match": '"x"', Authorization: ["one", "two"] };
    await fetchFrom(port, { path: "/a%2Fb/../c//d?x=%41&y=+", headers });
    assert.equal(seen?.path, "/a%2Fb/../c//d");
    assert.equal(seen.query, "x=%41&y=+");
    assert.equal(seen.headers["x-many"], "a, b");
    assert.equal(seen.headers["if-match"], '"x"');
    assert.equal(seen.headers["authorization"], "one, two");
    assert.equal(seen.remoteAddress, "127.0.0.1");
  });

  test("request ids differ", async (t) => {
    const ids = new Set<string>();
    const { port } = await listener(t, (request) => {
      ids.add(request.requestId);
      return Promise.resolve(ok);
    });
    for (let i = 0; i < 3; i++) await fetchFrom(port, { path: "/" });
    assert.equal(ids.size, 3);
  });

  test("small and large bodies, with a length or chunked, arrive whole", async (t) => {
    const { port } = await listener(t, async (request) => ({
      status: 200,
      headers: {},
      body: await gather(request.body),
    }));
    for (const bytes of [0, 1, 4096, 65_536, 65_537, 3_000_000]) {
      const body = Buffer.alloc(bytes, "abcdefghij");
      for (const headers of [{ "content-length": bytes }, { "transfer-encoding": "chunked" }]) {
        const answer = await fetchFrom(port, { method: "PUT", path: "/", headers }, body);
        assert.equal(answer.text, body.toString(), `${bytes} bytes, ${JSON.stringify(headers)}`);
      }
    }
  });

  test("a small body is handed over in one piece even when it comes in several packets", async (t) => {
    const chunkLengths: number[] = [];
    const { port } = await listener(t, async (request) => {
      for await (const chunk of request.body) chunkLengths.push(chunk.length);
      return ok;
    });
    const raw = rawConnection(t, port);
    raw.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\nexpect: 100-continue\r\n\r\n");
    await raw.until("100 Continue");
    raw.socket.write("abc");
    setImmediate(() => raw.socket.write("def"));
    await raw.until("200 OK");
    assert.deepEqual(chunkLengths, [6]);
  });

  test("pipelined requests are answered one after the other and in order", async (t) => {
    let underWay = 0;
    const { port } = await listener(t, async (request) => {
      underWay += 1;
      assert.equal(underWay, 1);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return { status: 200, headers: {}, body: utf8(`answer${request.path}`) };
    });
    const raw = rawConnection(t, port);
    raw.socket.write(
      "GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\nGET /3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert.deepEqual((await raw.received).match(/answer\/\d/g), ["answer/1", "answer/2", "answer/3"]);
  });

  test("absolute-form targets are taken as their path", async (t) => {
    const { port } = await listener(t, (request) =>
      Promise.resolve({ ...ok, body: utf8(`${request.path}|${request.query}`) }),
    );
    const raw = rawConnection(t, port);
    raw.socket.write("GET http://elsewhere:80/a/b?c=d HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert.match(await raw.received, /\/a\/b\|c=d/);
  });
});

suite("HTTP listener: bodies under pressure", () => {
  test("a reader that stops reading stops the sender", async (t) => {
    let readOn = (): void => undefined;
    const { port } = await listener(t, async (request) => {
      const iterator = request.body[Symbol.asyncIterator]();
      await iterator.next();
      await new Promise<void>((resolve) => {
        readOn = resolve;
      });
      let bytes = 0;
      for (;;) {
        const step = await iterator.next();
        if (step.done === true) break;
        bytes += step.value.length;
      }
      return { ...ok, body: utf8(String(bytes)) };
    });
    const raw = rawConnection(t, port);
    const total = 256 * 1024 * 1024;
    raw.socket.write(`PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${total}\r\n\r\n`);
    const piece = Buffer.alloc(1024 * 1024);
    let written = 0;
    const pump = (): void => {
      while (written < total) {
        written += piece.length;
        if (!raw.socket.write(piece)) return;
      }
    };
    raw.socket.on("drain", pump);
    pump();
    // The sender stalls when its kernel's and the receiver's buffers are full: no drain for many turns of the loop.
    let [last, quietTurns] = [-1, 0];
    while (quietTurns < 50) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      quietTurns = raw.socket.bytesWritten - raw.socket.writableLength === last ? quietTurns + 1 : 0;
      last = raw.socket.bytesWritten - raw.socket.writableLength;
    }
    assert.ok(last < 64 * 1024 * 1024, `${last} bytes left the sender`);
    readOn();
    assert.ok((await raw.received).length > 0);
  });

  test("a receiver that stops reading stops the stream that is being sent", async (t) => {
    let produced = 0;
    let stalled = (): void => undefined;
    const quiet = new Promise<void>((resolve) => {
      stalled = resolve;
    });
    async function* endless(): AsyncGenerator<Uint8Array> {
      const piece = Buffer.alloc(1024 * 1024);
      try {
        for (;;) {
          produced += piece.length;
          yield piece;
        }
      } finally {
        stalled();
      }
    }
    const { port } = await listener(t, () => Promise.resolve({ status: 200, headers: {}, body: endless() }), {
      idleTimeoutMs: 100,
    });
    const raw = rawConnection(t, port);
    raw.socket.pause();
    raw.socket.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    // The idle timeout finds that nothing is taken any more, and the generator is ended.
    await quiet;
    assert.ok(produced < 64 * 1024 * 1024, `${produced} bytes were produced`);
  });

  test("a small body that came with its headers is taken whole; any other is still there to be read", async (t) => {
    const body = "a".repeat(1000);
    const { port } = await listener(t, async (request) => {
      const whole = request.body.takeWhole?.(Number(request.headers["x-max"]));
      const text = Buffer.from(whole ?? (await gather(request.body))).toString();
      return { ...ok, body: utf8(`${whole === undefined ? "read" : "taken"} ${text.length}`) };
    });
    const head = (bytes: number, max: number): string =>
      `PUT / HTTP/1.1\r\nhost: x\r\nx-max: ${max}\r\ncontent-length: ${bytes}\r\n\r\n`;
    for (const [bytes, max, answer] of [
      [1000, 1000, "taken 1000"],
      [0, 0, "taken 0"],
      [1000, 999, "read 1000"],
      [0, -1, "read 0"],
    ] as const) {
      const raw = rawConnection(t, port);
      raw.socket.write(head(bytes, max) + body.slice(0, bytes));
      await raw.until(answer);
    }
    const late = rawConnection(t, port);
    late.socket.write(head(1000, 1000) + body.slice(0, 500));
    setTimeout(() => late.socket.write(body.slice(500)), 20);
    await late.until("read 1000");
  });

  test("a client that goes away amid its body makes the body throw IncompleteBody and aborts the signal", async (t) => {
    let failed: (value: { error: unknown; aborted: boolean }) => void = () => undefined;
    const { port } = await listener(t, async (request) => {
      const { signal } = request;
      try {
        await gather(request.body);
      } catch (error) {
        if (!signal.aborted)
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        failed({ error, aborted: signal.aborted });
      }
      return ok;
    });
    for (const bytes of [1000, 1_000_000]) {
      const failure = new Promise<{ error: unknown; aborted: boolean }>((resolve) => {
        failed = resolve;
      });
      const raw = rawConnection(t, port);
      raw.socket.write(
        `PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\n${"a".repeat(bytes / 2)}`,
      );
      setTimeout(() => raw.socket.destroy(), 20);
      const { error, aborted } = await failure;
      assert.ok(error instanceof StoreError && error.code === "IncompleteBody", String(error));
      assert.ok(aborted);
    }
  });

  test("a client that sends nothing any more makes the body throw RequestTimeout, gets the answer and is cut off", async (t) => {
    const { port } = await listener(
      t,
      async (request) => {
        const code = await gather(request.body).then(
          () => "none",
          (error: unknown) => (error instanceof StoreError ? error.code : "other"),
        );
        return { status: 408, headers: {}, body: utf8(code) };
      },
      { idleTimeoutMs: 60 },
    );
    for (const bytes of [1000, 1_000_000]) {
      const raw = rawConnection(t, port);
      raw.socket.write(`PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: ${bytes}\r\n\r\nabc`);
      assert.match(await raw.received, /408 Request Timeout[\s\S]*RequestTimeout/);
    }
  });

  test("a handler that takes longer than the idle timeout is not cut off", async (t) => {
    const { port } = await listener(
      t,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 150));
        return ok;
      },
      { idleTimeoutMs: 30 },
    );
    assert.equal((await fetchFrom(port, { path: "/" })).text, "ok");
  });
});

suite("HTTP listener: 100-continue and unread bodies", () => {
  test("continue is sent when the handler begins to read, and not before", async (t) => {
    let read = (): void => undefined;
    const { port } = await listener(t, async (request) => {
      await new Promise<void>((resolve) => {
        read = resolve;
      });
      return { ...ok, body: await gather(request.body) };
    });
    const raw = rawConnection(t, port);
    let early = "";
    raw.socket.on("data", (chunk: Buffer) => {
      early += chunk.toString();
    });
    raw.socket.write(
      "PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n",
    );
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(early, "");
    read();
    await raw.until("100 Continue");
    raw.socket.write("hello");
    assert.match(await raw.received, /hello$/);
  });

  test("a refused request gets its answer without a continue, and the connection ends", async (t) => {
    const { port } = await listener(
      t,
      () => Promise.resolve({ status: 403, headers: {}, body: utf8("no") }),
      { lingerMs: 20 },
    );
    const raw = rawConnection(t, port);
    raw.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    const received = await raw.received;
    assert.match(received, /^HTTP\/1.1 403/);
    assert.match(received, /connection: close/i);
    assert.doesNotMatch(received, /100 Continue/);
  });

  test("an unread small body leaves the connection usable", async (t) => {
    const { port } = await listener(t, () => Promise.resolve(ok));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const ports = new Set<number | undefined>();
    agent.on("free", (socket: Socket) => ports.add(socket.localPort));
    for (let i = 0; i < 3; i++) {
      const answer = await fetchFrom(
        port,
        { method: "PUT", path: "/", agent, headers: { "content-length": 30_000 } },
        Buffer.alloc(30_000),
      );
      assert.equal(answer.text, "ok");
    }
    assert.equal(ports.size, 1);
  });

  test("the answer to an unread large body arrives although the client goes on sending", async (t) => {
    const { port } = await listener(t, () =>
      Promise.resolve({ status: 403, headers: {}, body: utf8("refused") }),
    );
    const answer = await fetchFrom(port, { method: "PUT", path: "/" }, Buffer.alloc(20_000_000));
    assert.equal(answer.status, 403);
    assert.equal(answer.text, "refused");
    assert.equal(answer.headers.connection, "close");
  });

  test("after the answer the connection stays until the body has run through, so that no reset overtakes the answer", async (t) => {
    const refuse = (): Promise<HttpResponse> =>
      Promise.resolve({ status: 403, headers: {}, body: utf8("refused") });
    const { port } = await listener(t, refuse, { lingerMs: 60_000 });
    const raw = rawConnection(t, port);
    let isOver = false;
    raw.socket.on("end", () => {
      isOver = true;
    });
    raw.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nbeginning!");
    await raw.until("refused");
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(isOver, false);
    raw.socket.write("a".repeat(999_990));
    assert.match(await raw.received, /refused$/);
  });
});

suite("HTTP listener: answers", () => {
  test("a stream with its length, and one without, arrive whole", async (t) => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 40; i++) yield Buffer.alloc(100_000, i);
    }
    const { port } = await listener(t, (request) => {
      const headers = request.path === "/known" ? { "content-length": "4000000" } : {};
      return Promise.resolve({ status: 200, headers, body: pieces() });
    });
    for (const path of ["/known", "/unknown"])
      assert.equal((await fetchFrom(port, { path })).text.length, 4_000_000);
  });

  test("a stream's chunks are recycled when they have left, each once; also when the client goes away", async (t) => {
    const chunks = Array.from({ length: 20 }, (_, i) => new Uint8Array(1_000_000).fill(i));
    let recycled: Uint8Array[] = [];
    const ended = Promise.withResolvers<void>();
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks;
      } finally {
        ended.resolve();
      }
    }
    const { port } = await listener(t, () => {
      const recycle = (chunk: Uint8Array): void => {
        recycled.push(chunk.slice());
        chunk.fill(255);
      };
      const body = { [Symbol.asyncIterator]: pieces, recycle };
      return Promise.resolve({ status: 200, headers: { "content-length": "20000000" }, body });
    });
    const { text } = await fetchFrom(port, { path: "/" });
    assert.equal(text, Buffer.concat(recycled).toString());
    recycled = [];
    const gone = rawConnection(t, port);
    gone.socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await gone.until("200 OK");
    gone.socket.destroy();
    await ended.promise;
    while (recycled.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(recycled.length < chunks.length);
  });

  test("a stream that throws, is too short or too long breaks the connection", async (t) => {
    async function* pieces(count: number, fails: boolean): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < count; i++) yield utf8("0123456789");
      if (fails) throw new StoreError("DataCorrupt", "a block is damaged");
    }
    const bodies = new Map([
      ["/throws", pieces(5, true)],
      ["/short", pieces(9, false)],
      ["/long", pieces(11, false)],
      ["/chunked", pieces(5, true)],
    ]);
    const { port } = await listener(t, (request) => {
      const headers: Record<string, string> = request.path === "/chunked" ? {} : { "content-length": "100" };
      return Promise.resolve({ status: 200, headers, body: bodies.get(request.path) });
    });
    for (const path of bodies.keys())
      await assert.rejects(fetchFrom(port, { path }), /aborted|ECONNRESET|hang up/, path);
  });

  test("no body means content-length 0; HEAD keeps the length that was stated", async (t) => {
    const { port } = await listener(t, (request) =>
      Promise.resolve({
        status: 200,
        headers: request.method === "HEAD" ? { "content-length": "77" } : {},
        body: undefined,
      }),
    );
    assert.equal((await fetchFrom(port, { path: "/" })).headers["content-length"], "0");
    const head = await fetchFrom(port, { path: "/", method: "HEAD" });
    assert.equal(head.headers["content-length"], "77");
    assert.equal(head.text, "");
  });

  test("a handler that throws is an Internal 500", async (t) => {
    const { port } = await listener(t, () => Promise.reject(new Error("bug")));
    const answer = await fetchFrom(port, { path: "/" });
    assert.equal(answer.status, 500);
    assert.equal(JSON.parse(answer.text).code, "Internal");
    assert.doesNotMatch(answer.text, /bug/);
  });

  test("malformed requests are 400, headers that are too large 431, headers that never end 408", async (t) => {
    const { port } = await listener(t, () => Promise.resolve(ok), {
      headerBytesMax: 2000,
      headersTimeoutMs: 50,
    });
    const malformed = rawConnection(t, port);
    malformed.socket.write("NOT HTTP\r\n\r\n");
    assert.match(await malformed.received, /^HTTP\/1.1 400 /);
    const large = rawConnection(t, port);
    large.socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-large: ${"a".repeat(3000)}\r\n\r\n`);
    assert.match(await large.received, /^HTTP\/1.1 431 /);
    const slow = rawConnection(t, port);
    slow.socket.write("GET / HTTP/1.1\r\nhost");
    assert.match(await slow.received, /^HTTP\/1.1 408 /);
  });

  test("a malformed chunk makes the body throw, and the handler's answer is the last of the connection", async (t) => {
    let code: unknown;
    const { port } = await listener(t, async (request) => {
      await gather(request.body).catch((error: unknown) => {
        code = error instanceof StoreError ? error.code : error;
      });
      return { ...ok, status: 409 };
    });
    const raw = rawConnection(t, port);
    raw.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    assert.match(await raw.received, /^HTTP\/1.1 409 /);
    assert.equal(code, "IncompleteBody");
  });

  test("a request that was carried out without its malformed body is answered as such, not as refused", async (t) => {
    const { port } = await listener(t, async () => ok);
    const raw = rawConnection(t, port);
    raw.socket.write(
      "DELETE / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity\r\n\r\nBREW / HTTP/1.1\r\n\r\n",
    );
    assert.match(await raw.received, /^HTTP\/1.1 200 /);
  });

  test("a client that ends its side behind its request gets its answer, however long that takes", async (t) => {
    const { port } = await listener(t, async (request) => {
      await gather(request.body);
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      return ok;
    });
    const raw = rawConnection(t, port);
    raw.socket.end("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na");
    assert.match(await raw.received, /^HTTP\/1.1 200 /);
  });

  test("a request behind the last answer of its connection is not carried out", async (t) => {
    const paths: string[] = [];
    const http = await listener(t, async (request) => {
      paths.push(request.path);
      // While the listener closes, every answer is the last; the request behind has come in the same packet.
      void http.close();
      return ok;
    });
    const raw = rawConnection(t, http.port);
    raw.socket.write(
      ["/first", "/behind"].map((path) => `DELETE ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join(""),
    );
    assert.match(await raw.received, /^HTTP\/1.1 200 [^]*connection: close/i);
    await http.close();
    assert.deepEqual(paths, ["/first"]);
  });

  test("CONNECT is refused, behind the answer to a request before it", async (t) => {
    const { port } = await listener(t, async (request) => {
      await gather(request.body);
      return ok;
    });
    const raw = rawConnection(t, port);
    raw.socket.write(
      "PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\naCONNECT a:1 HTTP/1.1\r\nhost: x\r\n\r\n",
    );
    assert.match(await raw.received, /^HTTP\/1.1 200 [^]*HTTP\/1.1 405 /);
  });

  test("what is malformed behind a whole request is refused behind that request's own answer", async (t) => {
    const { port } = await listener(t, async (request) => {
      await gather(request.body);
      return ok;
    });
    const raw = rawConnection(t, port);
    raw.socket.write("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\naBREW / HTTP/1.1\r\n\r\n");
    assert.match(await raw.received, /^HTTP\/1.1 200 [^]*HTTP\/1.1 400 /);
  });
});

suite("HTTP listener: closing", () => {
  test("close ends idle connections, lets the request under way finish, and takes no new ones", async (t) => {
    let finish = (): void => undefined;
    let arrived = (): void => undefined;
    const underWay = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const http = await listener(
      t,
      async (request) => {
        if (request.path === "/slow") {
          await new Promise<void>((resolve) => {
            finish = resolve;
            arrived();
          });
        }
        return ok;
      },
      { closeTimeoutMs: 60_000 },
    );
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    await fetchFrom(http.port, { path: "/", agent });
    const silent = rawConnection(t, http.port);
    await once(silent.socket, "connect");
    const slow = fetchFrom(http.port, { path: "/slow" });
    await underWay;
    const closed = http.close();
    assert.equal(await silent.received, "");
    await assert.rejects(fetchFrom(http.port, { path: "/" }), /ECONNREFUSED/);
    finish();
    const answer = await slow;
    assert.equal(answer.text, "ok");
    assert.equal(answer.headers.connection, "close");
    await closed;
  });

  test("close cuts what outlasts its deadline", async (t) => {
    let arrived = (): void => undefined;
    const underWay = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const http = await listener(
      t,
      (request) =>
        new Promise((resolve) => {
          request.signal.addEventListener("abort", () => resolve(ok));
          arrived();
        }),
      { closeTimeoutMs: 30 },
    );
    const refused = assert.rejects(fetchFrom(http.port, { path: "/" }), /hang up|ECONNRESET/);
    await underWay;
    await http.close();
    await refused;
  });

  test("a port in use is a StoreError that names it", async (t) => {
    const { port } = await listener(t, () => Promise.resolve(ok));
    await assert.rejects(
      listenHttp({
        host: "127.0.0.1",
        port,
        handler: () => Promise.resolve(ok),
        journal: silentJournal,
        clock: realClock,
      }),
      (error) =>
        error instanceof StoreError && error.code === "Unavailable" && error.message.includes(String(port)),
    );
  });
});
