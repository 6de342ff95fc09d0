import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, crc32, StoreError } from "@holdfast/base";
import { BlockFrames } from "@holdfast/blocks";
import { plainMemory, simulatedHashing } from "@holdfast/ports/simulated";
import fc from "fast-check";
import type { IncomingBody } from "../files/interface.ts";
import type { Received, StoreBlock } from "./receive.ts";
import { receive } from "./receive.ts";

const blockBytes = 100;
const inlineBytesMax = 50;

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function bodyOf(chunks: readonly Uint8Array[], more: Partial<IncomingBody> = {}): IncomingBody {
  return { chunks: chunksOf(chunks), bytes: undefined, expectedDigests: () => [], ...more };
}

/** A store that is done with a block when it is durable. */
function storing(store: (...block: Parameters<StoreBlock>) => Promise<void>): StoreBlock {
  return (...block) => {
    const durable = store(...block);
    return { durable, settled: durable.catch(() => undefined) };
  };
}

interface Outcome {
  readonly received: Received;
  readonly blocks: Uint8Array[];
}

async function run(
  body: IncomingBody,
  more: { readonly signal?: AbortSignal; readonly bytesMax?: number } = {},
): Promise<Outcome> {
  const blocks: Uint8Array[] = [];
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames: new BlockFrames(plainMemory),
    bytesMax: 10_000,
    signal: undefined,
    ...more,
  };
  const store = storing(async (sequence, block, checksum) => {
    assert.equal(checksum, crc32(block));
    assert.equal(sequence, blocks.length);
    blocks.push(block.slice());
    await Promise.resolve();
  });
  const received = await receive(body, options, store);
  return { received, blocks };
}

const someChunks = fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 8 });

test("receive: a body becomes itself, inline up to the limit, else in full blocks and a last one", async () => {
  await fc.assert(
    fc.asyncProperty(someChunks, async (chunks) => {
      const whole = concatBytes([...chunks, new Uint8Array(0)]);
      const { received, blocks } = await run(bodyOf(chunks, { bytes: whole.length }));
      assert.equal(received.kind, whole.length <= inlineBytesMax ? "inline" : "streamed");
      assert.deepEqual(received.kind === "inline" ? received.body : concatBytes(blocks), whole);
      for (const block of blocks.slice(0, -1)) assert.equal(block.length, blockBytes);
      assert.equal(received.received.bytes, whole.length);
      assert.equal(received.received.crc32, crc32(whole));
      assert.deepEqual(received.received.md5, simulatedHashing.hash("md5", whole));
    }),
    { numRuns: 100 },
  );
});

test("receive: a long body passes through the memory of few blocks, none changed before it is stored", async () => {
  const memory = new Set<unknown>();
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames: new BlockFrames(plainMemory),
    bytesMax: 100_000,
    signal: undefined,
  };
  const chunks = Array.from({ length: 50 }, (_, i) => new Uint8Array(blockBytes).fill(i));
  const store = storing(async (sequence, block) => {
    memory.add(block.buffer);
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(block, chunks[sequence]);
  });
  await receive(bodyOf(chunks), options, store);
  assert.ok(memory.size <= 3, `${memory.size} blocks`);
});

test("receive: what is durable pushes back no more, and its memory is used again only when it is settled", async () => {
  const frames = new BlockFrames(plainMemory);
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames,
    bytesMax: 100_000,
    signal: undefined,
  };
  const chunks = Array.from({ length: 20 }, (_, i) => new Uint8Array(blockBytes).fill(i));
  const lingering: Uint8Array[] = [];
  const done = Promise.withResolvers<void>();
  const received = await receive(bodyOf(chunks), options, (_sequence, block) => {
    lingering.push(block);
    return { durable: Promise.resolve(), settled: done.promise };
  });
  assert.equal(received.received.bytes, 2000);
  assert.equal(new Set(lingering.map(({ buffer }) => buffer)).size, 20, "none is used twice meanwhile");
  for (const [sequence, block] of lingering.entries()) assert.deepEqual(block, chunks[sequence]);
  done.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  const again = frames.take(blockBytes);
  assert.ok(lingering.some(({ buffer }) => buffer === again.buffer));
});

test("receive: a body that fails leaves no memory behind", async () => {
  const frames = new BlockFrames(plainMemory);
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames,
    bytesMax: 1000,
    signal: undefined,
  };
  const used = new Set<unknown>();
  for (let i = 0; i < 20; i++) {
    const failing = receive(
      bodyOf([new Uint8Array(250)], { bytes: 300 }),
      options,
      storing(async (_, block) => {
        used.add(block.buffer);
        await new Promise((resolve) => setImmediate(resolve));
        if (i % 2 === 0) throw new Error("the disk is full");
      }),
    );
    await assert.rejects(failing);
  }
  assert.ok(used.size <= 3, `${used.size} blocks`);
});

test("receive: a body shorter or longer than declared is refused", async () => {
  for (const declared of [99, 101, 0])
    await assert.rejects(run(bodyOf([new Uint8Array(100)], { bytes: declared })), { code: "IncompleteBody" });
});

test("receive: a body above the limit is refused, declared or not", async () => {
  const chunks = Array.from({ length: 4 }, () => new Uint8Array(100));
  await assert.rejects(run(bodyOf(chunks), { bytesMax: 399 }), { code: "BodyTooLarge" });
  await assert.rejects(run(bodyOf(chunks, { bytes: 400 }), { bytesMax: 399 }), { code: "BodyTooLarge" });
});

test("receive: a digest that differs is refused, small body or large", async () => {
  for (const length of [10, 1000]) {
    const wrong = { algorithm: "sha256", value: new Uint8Array(32) } as const;
    const body = bodyOf([new Uint8Array(length)], { verify: ["sha256"], expectedDigests: () => [wrong] });
    await assert.rejects(run(body), { code: "ChecksumMismatch" });
  }
});

test("receive: a digest known only at the end of the body is compared", async () => {
  const chunk = new Uint8Array(500).fill(7);
  let value = new Uint8Array(0);
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield chunk;
    value = Uint8Array.from(simulatedHashing.hash("sha1", chunk));
    await Promise.resolve();
  }
  const { received } = await run({
    chunks: chunks(),
    bytes: undefined,
    checksumAlgorithm: "sha1",
    expectedDigests: () => [{ algorithm: "sha1", value }],
  });
  assert.deepEqual(received.received.checksum, { algorithm: "sha1", scope: "full", value });
});

test("receive: when the sender breaks off, it rejects after the blocks under way settled", async () => {
  const settled: number[] = [];
  async function* broken(): AsyncGenerator<Uint8Array, void, undefined> {
    yield new Uint8Array(2 * blockBytes);
    await Promise.resolve();
    throw new StoreError("IncompleteBody", "gone");
  }
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames: new BlockFrames(plainMemory),
    bytesMax: 10_000,
    signal: undefined,
  };
  const receiving = receive(
    { chunks: broken(), bytes: undefined, expectedDigests: () => [] },
    options,
    storing(async (sequence) => {
      for (let i = 0; i < 20; i++) await Promise.resolve();
      settled.push(sequence);
    }),
  );
  await assert.rejects(receiving, { code: "IncompleteBody" });
  assert.deepEqual(settled, [0, 1]);
});

test("receive: a block that cannot be stored refuses the body", async () => {
  const options = {
    hashing: simulatedHashing,
    inlineBytesMax,
    blockBytes,
    frames: new BlockFrames(plainMemory),
    bytesMax: 10_000,
    signal: undefined,
  };
  const full = new StoreError("OutOfSpace", "full");
  await assert.rejects(
    receive(
      bodyOf([new Uint8Array(1000)]),
      options,
      storing(() => Promise.reject(full)),
    ),
    { code: "OutOfSpace" },
  );
});

test("receive: an aborted request stops reading", async () => {
  const signal = AbortSignal.abort(new StoreError("Stopped", "stop"));
  await assert.rejects(run(bodyOf([new Uint8Array(1000)]), { signal }), { code: "Stopped" });
});
