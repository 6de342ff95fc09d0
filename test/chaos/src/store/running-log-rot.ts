/**
 * Bits of a running node's log turn over. The node reads little of its log while it runs: it meets them when it is started
 * again, and has to say so. What bodies of batches lose it has to get back from the others, so that the start after that finds
 * nothing missing. With a header it may lose what it promised, and then it has to refuse (S10): it gets back what it had.
 */

import { existsSync } from "node:fs";
import { cp, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { LogBatch } from "./log-batches.ts";
import { findBatches } from "./log-batches.ts";
import type { StoreCluster } from "./store-cluster.ts";

export interface RunningLogRotOptions {
  readonly cluster: StoreCluster;
  /** Below `count`. */
  readonly draw: (count: number) => number;
  readonly say: (text: string) => void;
  readonly problem: (text: string) => void;
}

interface FlippedBit {
  readonly path: string;
  readonly offset: number;
  readonly mask: number;
}

/** Among so many of the newest batches, whose entries the state may not have yet. */
const newestCount = 64;
/** The last batches may not be followed by one that proves that they were synced (S10): what is wrong there is a torn tail. */
const unprovenCount = 4;
/** One strike in so many is at headers. */
const headersOneIn = 4;
const earlyBits = 1;
const lateBits = 2;
/** What a node lacks it gets with the next message of each group's leader. */
const repairMs = 3000;

export class RunningLogRot {
  readonly #options: RunningLogRotOptions;
  #turn: number;
  /** Starts on flipped bits that a node refused. */
  refusedStarts = 0;

  constructor(options: RunningLogRotOptions) {
    this.#options = options;
    this.#turn = options.draw(headersOneIn);
  }

  /** False: there was nothing that could turn over. `whenDown` is called when the node begins to be in trouble. */
  async at(node: number, isOver: Promise<void>, whenDown: () => void): Promise<boolean> {
    const { cluster, say } = this.#options;
    const part = this.#turn++ % headersOneIn === 0 ? "header" : "body";
    const early = await this.#flip(node, part, { count: earlyBits, among: Number.POSITIVE_INFINITY });
    await isOver;
    const late = await this.#flip(node, part, { count: lateBits, among: newestCount });
    whenDown();
    await cluster.kill(node);
    const bits = [...early, ...late].filter(({ path }) => existsSync(path));
    say(`${bits.length} of ${early.length + late.length} bits are still in the log of node ${node}`);
    if (bits.length === 0) await cluster.start(node);
    else if (await this.#startOn(node, bits)) await this.#judgeRepair(node);
    return bits.length > 0;
  }

  async #flip(
    node: number,
    part: "header" | "body",
    { count, among }: { readonly count: number; readonly among: number },
  ): Promise<readonly FlippedBit[]> {
    const { cluster, draw, say } = this.#options;
    const found = (await findBatches(join(cluster.data(node), "log"))).slice(0, -unprovenCount);
    // A batch that proves the one before it has no body.
    const batches = found.filter(({ bodyBytes }) => part === "header" || bodyBytes > 0);
    const flipped: FlippedBit[] = [];
    for (let i = 0; i < count && batches.length > 0; i++) {
      const back = draw(Math.min(among, batches.length));
      const batch = batches[batches.length - 1 - back];
      if (batch === undefined) continue;
      const bit = drawBit(batch, part, draw);
      if (!(await turnOver(bit))) continue;
      say(
        `bit ${bit.mask} at ${bit.offset} of ${bit.path}: a ${part}, ${back} batches before the last proven ones`,
      );
      flipped.push(bit);
    }
    return flipped;
  }

  /** False: it refused to, and got back what it had. */
  async #startOn(node: number, bits: readonly FlippedBit[]): Promise<boolean> {
    const { cluster, say, problem } = this.#options;
    const said = await this.#journalEnd(node);
    const folder = join(cluster.data(node), "log");
    const before = join(cluster.folder, "log-before");
    await cp(folder, before, { recursive: true });
    const isStarted = await cluster.start(node).then(
      () => true,
      async (error: unknown) => {
        this.#refused(node, error);
        // What it found is written down in its log by now.
        await rm(folder, { recursive: true });
        await cp(before, folder, { recursive: true });
        for (const bit of bits) await turnOver(bit);
        await cluster.start(node);
        return false;
      },
    );
    await rm(before, { recursive: true });
    if (!(await said()).includes("log batches damaged"))
      problem(`node ${node} was started on a log with flipped bits, and says nothing of them`);
    if (isStarted) say(`node ${node} serves on a log with flipped bits`);
    return isStarted;
  }

  #refused(node: number, error: unknown): void {
    const { say, problem } = this.#options;
    this.refusedStarts++;
    say(`node ${node} refuses a log with flipped bits: ${String(error)}`);
    if (!String(error).includes("DataCorrupt"))
      problem(`node ${node} ends on a log with flipped bits: ${String(error)}`);
  }

  /** The start after that lacks nothing. */
  async #judgeRepair(node: number): Promise<void> {
    const { cluster, problem } = this.#options;
    await delay(repairMs);
    await cluster.kill(node);
    const said = await this.#journalEnd(node);
    await cluster.start(node);
    const lacking = (await said()).split("\n").filter((line) => line.includes("log damaged"));
    if (lacking.length > 0)
      problem(`node ${node} still lacks what rot took from its log: ${lacking.join("; ")}`);
  }

  /** What the node's journal says from now on. */
  async #journalEnd(node: number): Promise<() => Promise<string>> {
    const path = this.#options.cluster.journal(node);
    const { size } = await stat(path);
    return async () => (await readFile(path)).subarray(size).toString();
  }
}

function drawBit(
  { path, offset, headerBytes, bodyBytes }: LogBatch,
  part: "header" | "body",
  draw: (count: number) => number,
): FlippedBit {
  const [from, bytes] = part === "header" ? [offset, headerBytes] : [offset + headerBytes, bodyBytes];
  return { path, offset: from + draw(bytes), mask: 1 << draw(8) };
}

/** Twice is as before. False: the file is gone. */
async function turnOver({ path, offset, mask }: FlippedBit): Promise<boolean> {
  const file = await open(path, "r+").catch(() => undefined);
  if (file === undefined) return false;
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] = (byte[0] ?? 0) ^ mask;
    await file.write(byte, 0, 1, offset);
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
}
