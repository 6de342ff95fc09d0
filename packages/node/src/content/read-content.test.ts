import assert from "node:assert/strict";
import { test } from "node:test";
import {
  attempt,
  blockIdText,
  concatBytes,
  crc32,
  epoch,
  seededRandom,
  shardId,
  writerId,
} from "@holdfast/base";
import type { Content, ContentPart } from "@holdfast/namespace";
import fc from "fast-check";
import { ReadAhead } from "./read-ahead.ts";
import type { BlockSource, FetchBlock } from "./read-content.ts";
import { blockCount, blockId, readContent } from "./read-content.ts";

const blockBytes = 10;

const sourceOf = ({ fetch }: Stored): BlockSource => ({
  fetch,
  recycle: () => undefined,
  readAhead: new ReadAhead(10 * blockBytes),
});

interface Stored {
  readonly content: Content;
  readonly whole: Uint8Array;
  readonly fetch: FetchBlock;
  readonly blocks: Map<string, Uint8Array>;
}

function storedContent(partSizes: readonly number[]): Stored {
  const random = seededRandom(partSizes.length);
  const id = { home: shardId(1), writer: writerId(2), attempt: attempt(99) };
  const bodies = partSizes.map((bytes) => random.bytes(bytes));
  const parts = bodies.map((body, i): ContentPart => {
    const stream = { writer: writerId(2), attempt: attempt(i) };
    const sums = { crc32: crc32(body), md5: new Uint8Array(16), checksum: undefined, salts: [] };
    return { number: 2 * i + 1, ...stream, bytes: body.length, blockBytes, ...sums };
  });
  const blocks = new Map<string, Uint8Array>();
  for (const [i, part] of parts.entries())
    for (let sequence = 0; sequence < blockCount(part); sequence++)
      blocks.set(
        blockIdText(blockId(id, part, sequence)),
        (bodies[i] ?? new Uint8Array(0)).slice(sequence * blockBytes, (sequence + 1) * blockBytes),
      );
  const fetch: FetchBlock = (name) => {
    const body = blocks.get(blockIdText(name));
    return body === undefined
      ? Promise.reject(new Error("missing"))
      : Promise.resolve({ body, crc32: crc32(body) });
  };
  const whole = concatBytes([...bodies, new Uint8Array(0)]);
  const redundancy = { dataFragments: 1, parityFragments: 0 };
  const content = {
    id,
    bytes: whole.length,
    parts,
    redundancy,
    evidenceEpoch: epoch(1),
    deadSinceMs: undefined,
  };
  return { content, whole, fetch, blocks };
}

async function collect(stored: Stored, offset: number, bytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [new Uint8Array(0), new Uint8Array(0)];
  const damaged = (part: ContentPart): Error => new Error(`part ${part.number} damaged`);
  for await (const piece of readContent(stored.content, { offset, bytes }, sourceOf(stored), damaged))
    pieces.push(piece);
  return concatBytes(pieces);
}

test("read content: every range of every content is exactly its bytes", async () => {
  const cases = fc
    .tuple(fc.array(fc.integer({ min: 0, max: 45 }), { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat())
    .map(([sizes, a, b]) => ({ sizes, a, b }));
  await fc.assert(
    fc.asyncProperty(cases, async ({ sizes, a, b }) => {
      const stored = storedContent(sizes);
      const offset = a % (stored.whole.length + 1);
      const bytes = b % (stored.whole.length - offset + 1);
      assert.deepEqual(await collect(stored, offset, bytes), stored.whole.slice(offset, offset + bytes));
    }),
    { numRuns: 200 },
  );
});

test("read content: a part read whole that does not have its checksum breaks off (S1)", async () => {
  const stored = storedContent([25, 25]);
  const second = stored.content.parts[1];
  assert.ok(second !== undefined);
  // A wrong block with a right checksum of its own, as a mixed-up replica would give it.
  stored.blocks.set(blockIdText(blockId(stored.content.id, second, 1)), new Uint8Array(blockBytes));
  await assert.rejects(collect(stored, 0, 50), /part 3 damaged/);
  assert.deepEqual(await collect(stored, 0, 25), stored.whole.slice(0, 25));
});

test("read content: a block of the wrong length breaks off rather than shifting the rest", async () => {
  const stored = storedContent([25]);
  const [part] = stored.content.parts;
  assert.ok(part !== undefined);
  stored.blocks.set(blockIdText(blockId(stored.content.id, part, 1)), new Uint8Array(blockBytes - 1));
  await assert.rejects(collect(stored, 12, 2), /damaged/);
});

test("read content: a missing block is an error, never a short success", async () => {
  const stored = storedContent([30]);
  const [part] = stored.content.parts;
  assert.ok(part !== undefined);
  stored.blocks.delete(blockIdText(blockId(stored.content.id, part, 2)));
  await assert.rejects(collect(stored, 0, 30), /missing/);
});

test("without memory to read ahead, blocks are fetched one by one; what was taken is given back, also by who leaves early", async () => {
  const stored = storedContent([10 * blockBytes]);
  const range = { offset: 0, bytes: 10 * blockBytes };
  for (const [aheadBytes, fetchedMax] of [
    [0, 1],
    [blockBytes, 2],
    [100 * blockBytes, 2],
  ] as const) {
    let fetched = 0;
    const fetch: FetchBlock = (id) => {
      fetched++;
      return stored.fetch(id);
    };
    const readAhead = new ReadAhead(aheadBytes);
    const damaged = (): Error => new Error("damaged");
    const source = { fetch, recycle: () => undefined, readAhead };
    const early = readContent(stored.content, range, source, damaged);
    await early.next();
    assert.equal(fetched, fetchedMax);
    await early.return();
    assert.ok(readAhead.take(aheadBytes));
    readAhead.giveBack(aheadBytes);
    const pieces: Uint8Array[] = [];
    for await (const piece of readContent(stored.content, range, source, damaged)) pieces.push(piece);
    assert.deepEqual(concatBytes(pieces), stored.whole);
    assert.ok(readAhead.take(aheadBytes));
  }
});
