/**
 * The block engine: bursts of puts that share a commit, erasures, volumes that fill up, steps of compaction, flushes of
 * the index. An acknowledged block is whole, an erased one gone, and one that was under way is there whole or not at
 * all. With `losesIndex` every crash takes the index too: the volumes alone have to give the same (S7).
 */

import type { BlockId, ContentId, Random } from "@holdfast/base";
import {
  attempt,
  blockIdText,
  crc32,
  equalBytes,
  KiB,
  present,
  seededRandom,
  shardId,
  uniform,
  writerId,
} from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import { BlockError, openBlockStore } from "@holdfast/blocks";
import type { NodePorts } from "@holdfast/node";
import { violated } from "../model/violation.ts";
import { smallNode } from "./small-node.ts";
import type { Subject, Work } from "./subject.ts";

type BlockState = "stored" | "absent" | "either";
export type BlockExpectation = ReadonlyMap<string, BlockState>;

export interface BlockSubjectOptions {
  readonly seed: number;
  readonly burstsCount: number;
  readonly losesIndex: boolean;
}

const contentsCount = 4;
const blocksPerContent = 3;
const bodyBytesMax = 5000;

export function blockSubject(options: BlockSubjectOptions): Subject<BlockExpectation> {
  const { seed, losesIndex } = options;
  return {
    name: `blocks (work ${seed}${losesIndex ? ", without the index" : ""})`,
    node: smallNode,
    begin: () => new BlockWork(options),
    recover: async (ports, expected) => {
      const store = await open(losesIndex ? { ...ports, openKeyValue: emptied(ports) } : ports);
      return judge(store, expected);
    },
    finish: async (machine, expected) => {
      machine.kill();
      const work = new BlockWork({ ...options, burstsCount: 2 }, expected);
      await work.run(machine.ports());
      await judge(await open(machine.ports()), work.expected());
    },
  };
}

function emptied({ openKeyValue }: NodePorts): NodePorts["openKeyValue"] {
  return async (folder) => {
    const store = await openKeyValue(folder);
    const everything = [...store.range({ from: new Uint8Array([0]) })];
    if (everything.length > 0) await store.write(everything.map(({ key }) => ({ key, value: undefined })));
    return store;
  };
}

async function open(ports: NodePorts): Promise<BlockStore> {
  const { disk, clock, random, hashing, journal } = ports;
  return openBlockStore({
    disk,
    index: await ports.openKeyValue("block-index"),
    clock,
    random,
    hashing,
    journal,
    folder: "blocks",
    volumeBytesMax: 40 * KiB,
    frameSizes: { framedBytesMin: KiB, keptBytesMax: 16 * KiB },
    groupBytesMax: 12 * KiB,
    indexFlushBytes: 1500,
    copyBytesMax: 8 * KiB,
  });
}

class BlockWork implements Work<BlockExpectation> {
  readonly #random: Random;
  readonly #burstsCount: number;
  readonly #states: Map<string, BlockState>;

  constructor({ seed, burstsCount }: BlockSubjectOptions, expected?: BlockExpectation) {
    this.#random = seededRandom(seed);
    this.#burstsCount = burstsCount;
    this.#states = new Map(expected ?? allBlocks.map((id) => [blockIdText(id), "absent"]));
  }

  expected(): BlockExpectation {
    return new Map(this.#states);
  }

  async run(ports: NodePorts): Promise<void> {
    const store = await open(ports);
    for (let burst = 0; burst < this.#burstsCount; burst++) {
      const calls: Promise<unknown>[] = [];
      for (let number = 0; number < contentsCount; number++) {
        const dice = uniform(this.#random, 8);
        if (dice === 0) calls.push(this.#erase(store, number));
        for (let i = 1; i < dice - 3; i++)
          calls.push(this.#put(store, block(number, uniform(this.#random, blocksPerContent))));
      }
      if (uniform(this.#random, 2) === 0) calls.push(compactOne(store));
      await Promise.all(calls);
    }
    await store.close();
  }

  async #put(store: BlockStore, id: BlockId): Promise<void> {
    const name = blockIdText(id);
    if (this.#states.get(name) === "absent") this.#states.set(name, "either");
    const bytes = bodyOf(id);
    const body = store.frames.take(bytes.length);
    store.frames.fill(body, 0, bytes);
    await store.put(id, body, crc32(body));
    store.frames.recycle(body);
    this.#states.set(name, "stored");
  }

  async #erase(store: BlockStore, number: number): Promise<void> {
    const names = allBlocks.filter((id) => id.content.attempt === number).map(blockIdText);
    for (const name of names) if (this.#states.get(name) === "stored") this.#states.set(name, "either");
    await store.erase(content(number));
    for (const name of names) this.#states.set(name, "absent");
  }
}

async function compactOne(store: BlockStore): Promise<void> {
  const [volume] = store.compactionCandidates(0.2);
  if (volume === undefined) return;
  const steps = store.compact(volume);
  for (let step = await steps.next(); step.done !== true; step = await steps.next());
}

async function judge(store: BlockStore, expected: BlockExpectation): Promise<BlockExpectation> {
  const shown = new Map<string, BlockState>();
  for (const id of allBlocks) {
    const name = blockIdText(id);
    const isThere = store.has(id);
    const state = present(expected.get(name), "block of the model");
    if (state !== "either" && (state === "stored") !== isThere)
      violated(`block ${name} is ${isThere ? "there" : "missing"}, ${state} is expected`);
    if (isThere) await checkBody(store, id);
    shown.set(name, isThere ? "stored" : "absent");
  }
  const storedCount = [...shown.values()].filter((state) => state === "stored").length;
  if (store.usage().blocks !== storedCount)
    violated(`the volumes count ${store.usage().blocks} blocks, ${storedCount} are there`);
  const listed = store.contents(undefined, 100).flatMap((one) => store.blocksOf(one));
  if (listed.length !== storedCount) violated(`${listed.length} blocks are listed, ${storedCount} are there`);
  return shown;
}

async function checkBody(store: BlockStore, id: BlockId): Promise<void> {
  try {
    const { body } = await store.read(id);
    if (!equalBytes(body, bodyOf(id))) violated(`block ${blockIdText(id)} has foreign bytes`);
  } catch (error) {
    if (error instanceof BlockError) violated(`block ${blockIdText(id)}: ${error.kind}: ${error.message}`);
    throw error;
  }
}

function content(number: number): ContentId {
  return { home: shardId(1), writer: writerId(7), attempt: attempt(number) };
}

function block(number: number, sequence: number): BlockId {
  return { content: content(number), part: 1, sequence, salt: 0 };
}

const allBlocks: readonly BlockId[] = Array.from({ length: contentsCount * blocksPerContent }, (_, i) =>
  block(Math.floor(i / blocksPerContent), i % blocksPerContent),
);

/** The one body that a block id may have (S1). */
function bodyOf(id: BlockId): Uint8Array {
  const random = seededRandom(crc32(new TextEncoder().encode(blockIdText(id))));
  return random.bytes(uniform(random, bodyBytesMax));
}
