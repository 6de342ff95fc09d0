/** Clients that are slow, silent, rude or gone, over real sockets: they are cut off, nothing of theirs stays, others go on. */

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { MiB, seededRandom } from "@holdfast/base";
import type { HttpLimits } from "@holdfast/host";
import { RawConnection } from "./store/raw-connection.ts";
import { RealStore, temporaryFolder } from "./store/real-store.ts";
import { ask, headOf } from "./store/s3-request.ts";
import { ServerChild } from "./store/server-child.ts";

const quick: Partial<HttpLimits> = { idleTimeoutMs: 600, headersTimeoutMs: 500, lingerMs: 100 };

async function startStore(t: TestContext, limits: Partial<HttpLimits> = quick): Promise<RealStore> {
  const store = await RealStore.start({ data: await temporaryFolder(t), limits, node: { readerGraceMs: 0 } });
  t.after(() => store.stop());
  assert.equal((await ask(store.s3Port, { method: "PUT", path: "/bucket" })).status, 200);
  return store;
}

async function open(t: TestContext, port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  t.after(() => connection.destroy());
  return connection;
}

/** Sends the bytes one by one until they are used up or the connection ends. */
function drip(t: TestContext, connection: RawConnection, text: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (connection.isClosed || at === text.length) clearInterval(timer);
    else void connection.send(text[at++] ?? "");
  }, 20);
  t.after(() => clearInterval(timer));
}

async function nothingAt(store: RealStore, path: string): Promise<void> {
  assert.equal((await ask(store.s3Port, { method: "HEAD", path })).status, 404);
}

/** Of what was received and not committed, nothing stays. */
async function nothingLeft(store: RealStore): Promise<void> {
  await store.node.collect();
  assert.equal((await store.node.status()).blocks.blocks, 0);
}

for (const bytes of [1000, 3 * MiB]) {
  test(`a body of ${bytes} bytes that comes byte by byte is given up, nothing is stored, and others are served`, async (t) => {
    const store = await startStore(t, { ...quick, bodyBytesPerSecondMin: 200 });
    const connection = await open(t, store.s3Port);
    const headers = { "content-length": String(bytes) };
    const path = "/bucket/dripped";
    await connection.send(
      headOf(store.s3Port, { method: "PUT", path, headers, payloadHash: "UNSIGNED-PAYLOAD" }),
    );
    // Enough at once that a large body has begun a block.
    if (bytes > MiB) await connection.send("x".repeat(100_000));
    drip(t, connection, "x".repeat(900));
    assert.equal(
      (await ask(store.s3Port, { method: "PUT", path: "/bucket/other", body: "other" })).status,
      200,
    );
    await connection.received(/<Code>RequestTimeout<\/Code>/);
    await connection.closed();
    await nothingAt(store, path);
    await nothingLeft(store);
  });
}

test("a body at a modem's pace is taken", async (t) => {
  const store = await startStore(t, { ...quick, bodyBytesPerSecondMin: 20 });
  const connection = await open(t, store.s3Port);
  const headers = { "content-length": "60" };
  const sent = { method: "PUT", path: "/bucket/modem", headers, payloadHash: "UNSIGNED-PAYLOAD" };
  await connection.send(headOf(store.s3Port, sent));
  drip(t, connection, "x".repeat(60));
  await connection.received(/^HTTP\/1\.1 200 /);
});

test("a head that comes byte by byte is given up", async (t) => {
  const store = await startStore(t);
  const connection = await open(t, store.s3Port);
  drip(t, connection, headOf(store.s3Port, { path: "/bucket/a" }));
  await connection.closed();
  assert.match(connection.text, /^(HTTP\/1\.1 408 |$)/);
});

test("a client that never takes its answer is cut off, and others read the same file meanwhile", async (t) => {
  const store = await startStore(t);
  const content = seededRandom(1).bytes(30 * MiB);
  await ask(store.s3Port, { method: "PUT", path: "/bucket/large", body: content });
  const deaf = await open(t, store.s3Port);
  deaf.socket.pause();
  await deaf.send(headOf(store.s3Port, { path: "/bucket/large" }));
  const reading = await ask(store.s3Port, { path: "/bucket/large" });
  assert.equal(reading.text.length, content.length);
  // It hears of the reset once it looks again; the server has let go of it when nothing else comes.
  const taken = new Promise<void>((resolve) => deaf.socket.once("close", () => resolve()));
  await store.stop();
  deaf.socket.resume();
  await taken;
  assert.ok(deaf.text.length < content.length);
});

test("a flood of requests without waiting for answers is cut off, and others are served", async (t) => {
  const store = await startStore(t);
  const flood = await open(t, store.s3Port);
  await flood.send(headOf(store.s3Port, { path: "/bucket/a" }).repeat(5000));
  await flood.closed();
  assert.ok(flood.statuses.length < 5000);
  assert.equal((await ask(store.s3Port, { path: "/bucket/a" })).status, 404);
});

test("idle connections give their place to new ones, the longest idle first", async (t) => {
  const store = await startStore(t, { connectionsMax: 20 });
  const idle: RawConnection[] = [];
  for (let i = 0; i < 20; i++) idle.push(await open(t, store.s3Port));
  for (let i = 0; i < 5; i++)
    assert.equal((await ask(store.s3Port, { method: "PUT", path: `/bucket/${i}`, body: "x" })).status, 200);
  await idle[0]?.closed();
  assert.equal(idle.filter(({ isClosed }) => isClosed).length < 10, true);
});

test("with a request under way on each, one more connection is closed, and there is room again when they end", async (t) => {
  const store = await startStore(t, { connectionsMax: 3 });
  const headers = { "content-length": "5" };
  const busy: RawConnection[] = [];
  for (let i = 0; i < 3; i++) {
    const connection = await open(t, store.s3Port);
    const sent = { method: "PUT", path: `/bucket/${i}`, headers, payloadHash: "UNSIGNED-PAYLOAD" };
    await connection.send(headOf(store.s3Port, { ...sent, headers: { ...headers, expect: "100-continue" } }));
    await connection.received(/^HTTP\/1\.1 100 /);
    busy.push(connection);
  }
  await (await open(t, store.s3Port)).closed();
  for (const connection of busy) await connection.send("hello");
  for (const connection of busy) await connection.received(/HTTP\/1\.1 200 /);
  assert.equal((await ask(store.s3Port, { path: "/bucket/2" })).text, "hello");
});

test("a client that goes away at any stage of a request leaves nothing behind", async (t) => {
  const store = await startStore(t);
  const body = "x".repeat(200_000);
  const headers = { "content-length": String(body.length) };
  for (let i = 0; i < 40; i++) {
    const sent = { method: "PUT", path: `/bucket/gone-${i}`, headers, payloadHash: "UNSIGNED-PAYLOAD" };
    const whole = headOf(store.s3Port, sent) + body;
    const connection = await open(t, store.s3Port);
    await connection.send(whole.slice(0, Math.floor((whole.length * i) / 40)));
    if (i % 2 === 0) connection.socket.resetAndDestroy();
    else connection.end();
    if (i % 2 === 1) await connection.closed();
  }
  for (let i = 0; i < 40; i++) await nothingAt(store, `/bucket/gone-${i}`);
  await nothingLeft(store);
});

test("connections that come and go leave no descriptor behind", async (t) => {
  const store = await startStore(t);
  const descriptors = async (): Promise<number> => (await readdir("/proc/self/fd")).length;
  const churn = async (): Promise<void> => {
    const connections = await Promise.all(Array.from({ length: 50 }, () => RawConnection.open(store.s3Port)));
    for (const connection of connections) connection.end();
    for (const connection of connections) await connection.closed();
  };
  await churn();
  const before = await descriptors();
  for (let i = 0; i < 10; i++) await churn();
  assert.ok((await descriptors()) <= before + 5);
});

test("under a low limit of open files idle connections leave the store enough to work, and it recovers by itself", async (t) => {
  const data = await temporaryFolder(t);
  const server = await ServerChild.start({ data, filesMax: 256 });
  t.after(() => server.child.kill("SIGKILL"));
  await ask(server.s3Port, { method: "PUT", path: "/bucket" });
  const idle: RawConnection[] = [];
  for (let i = 0; i < 300; i++) idle.push(await open(t, i % 2 === 0 ? server.s3Port : server.httpPort));
  const held = (await readdir(`/proc/${server.pid}/fd`)).length;
  assert.ok(held < 200, `${held} descriptors are open`);
  const body = seededRandom(2).bytes(3 * MiB);
  for (let i = 0; i < 20; i++)
    assert.equal((await ask(server.s3Port, { method: "PUT", path: `/bucket/${i}`, body })).status, 200);
  assert.equal((await ask(server.s3Port, { path: "/bucket/7" })).text.length, body.length);
  const alive = await fetch(`http://127.0.0.1:${server.httpPort}/readyz`);
  assert.equal(alive.status, 200);
  for (const connection of idle) connection.destroy();
  assert.equal((await ask(server.s3Port, { method: "PUT", path: "/bucket/after", body })).status, 200);
  await server.end("SIGTERM");
  assert.equal(server.child.exitCode, 0, server.output);
});

test("a limit of open files that is too low is refused at the start, with the limit to set", async (t) => {
  const { code, said } = await ServerChild.refused({ data: await temporaryFolder(t), filesMax: 100 });
  assert.equal(code, 1);
  assert.match(said, /100 files .*too few/);
  assert.match(said, /ulimit -n/);
});
