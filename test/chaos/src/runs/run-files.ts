/** One run: a cluster of real servers, clients, a nemesis, and the judgement of their history. */

import { appendFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MiB, seededRandom, uniform } from "@holdfast/base";
import type { HistoryVerdict, Operation } from "@holdfast/linearizability";
import { checkHistory, formatHistory } from "@holdfast/linearizability";
import type { AppliedSkew } from "../store/clock-trouble.ts";
import { Contents } from "../store/contents.ts";
import type { FileWorld } from "../store/file-client.ts";
import { FileClient } from "../store/file-client.ts";
import { lastLook } from "../store/last-look.ts";
import { Prober } from "../store/prober.ts";
import { SmallDisk } from "../store/small-disk.ts";
import { StolenTime } from "../store/stolen-time.ts";
import { StoreCluster } from "../store/store-cluster.ts";
import type { StoreFault } from "../store/store-nemesis.ts";
import { StoreNemesis } from "../store/store-nemesis.ts";
import { Weather } from "../store/weather.ts";

export interface FilesRunOptions {
  /** Of what the nemesis and the clients draw; real processes make each run another one all the same. */
  readonly seed: number;
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  readonly seconds: number;
  /** The faults to draw from, as far as they are possible. */
  readonly faults: readonly StoreFault[];
}

export interface FilesRunResult {
  readonly operations: number;
  readonly answers: number;
  readonly unknown: number;
  /** By code: what clients were told instead of an answer. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Wrong clocks, in the order in which they were. */
  readonly skews: readonly AppliedSkew[];
  /** Starts on a flipped bit that a node refused. */
  readonly refusedStarts: number;
  /** In which this process was kept from running, in milliseconds; deadlines do not count it. */
  readonly stolenMs: number;
  /** The longest time that a node owed an answer and gave none, in milliseconds. */
  readonly longestMs: number;
  /** From the end of the last fault until every node served every key it was asked for, in milliseconds. */
  readonly wellAfterMs: number;
  readonly verdict: HistoryVerdict;
  /** What else must not be, each said once. */
  readonly problems: readonly string[];
  /** Where the history, the journals and the data lie if there is a problem. */
  readonly kept: string | undefined;
}

const clientsCount = 6;
const bucket = "chaos";
/** Fresh keys now and then: what is unknown for ever makes a long history of one key hard to judge. */
const keysLastMs = 4000;
/** Stored in all, so that a run takes a bounded part of the disk. */
const roomBytes = 96 * MiB;
const probedInARow = 16;
const calmMs = 20_000;
const problemsMax = 20;

export async function runFiles(options: FilesRunOptions): Promise<FilesRunResult> {
  const { size } = options;
  const draw = drawOf(options.seed);
  const smallNode = draw(size);
  let disk: SmallDisk | undefined;
  const cluster = await StoreCluster.open({
    size,
    consensus: options.consensus,
    prepare: async (node, folder) => {
      if (node === smallNode && SmallDisk.isPossible) disk = await SmallDisk.mount(folder);
    },
  });
  let isClean = false;
  try {
    const smallDisk = disk === undefined ? undefined : { node: smallNode, disk };
    const result = await new FilesRun(cluster, smallDisk, options, draw).run();
    isClean = result.kept === undefined;
    return result;
  } finally {
    await cluster.close(true);
    if (!isClean) await disk?.keep(`${cluster.data(smallNode)}-kept`);
    await disk?.unmount();
    if (isClean) await cluster.close(false);
  }
}

function drawOf(seed: number): (count: number) => number {
  const random = seededRandom(seed);
  return (count) => uniform(random, count);
}

class FilesRun {
  readonly #cluster: StoreCluster;
  readonly #options: FilesRunOptions;
  readonly #nemesis: StoreNemesis;
  readonly #weather: Weather;
  readonly #draw: (count: number) => number;
  readonly #contents = new Contents();
  readonly #history: Operation[] = [];
  readonly #problems = new Set<string>();
  readonly #beganMs = performance.now();
  readonly #stolen = new StolenTime();
  #roomBytes = roomBytes;

  constructor(
    cluster: StoreCluster,
    smallDisk: { readonly node: number; readonly disk: SmallDisk } | undefined,
    options: FilesRunOptions,
    draw: (count: number) => number,
  ) {
    this.#cluster = cluster;
    this.#options = options;
    this.#draw = draw;
    const weather = new Weather(options.size, () => this.#fairMs());
    this.#weather = weather;
    const { faults } = options;
    this.#nemesis = new StoreNemesis({
      cluster,
      weather,
      draw,
      smallDisk,
      faults,
      bucket,
      nowMs: () => this.#fairMs(),
      say: (text) => this.#say(text),
      problem: (text) => this.#problem(text),
    });
  }

  async run(): Promise<FilesRunResult> {
    const stores = await Promise.all(this.#cluster.nodes.map((node) => this.#cluster.connect(node, 0)));
    const patient = await Promise.all(this.#cluster.nodes.map((node) => this.#cluster.connect(node, 10_000)));
    await patient[0]?.createBucket(bucket, { redundancy: `replicas:${this.#options.size}` });
    const world = this.#world(stores);
    const clients = Array.from({ length: clientsCount }, (_, i) => new FileClient(i, world));
    const probers = stores.map((store, node) => this.#prober(node, store));
    let isOver = false;
    const work = clients.map(async (client) => {
      while (!isOver) await client.operate();
    });
    const probing = probers.map((prober) => prober.run());
    await this.#strike();
    const wellAfterMs = await this.#untilWell(probers);
    isOver = true;
    for (const prober of probers) prober.stop();
    await Promise.all([...work, ...probing]);
    await this.#lastLook(patient);
    for (const store of [...stores, ...patient]) store.close();
    return this.#result(clients, probers, wellAfterMs);
  }

  async #strike(): Promise<void> {
    const endsAt = this.#nowMs() + 1000 * this.#options.seconds;
    await delay(1000);
    while (this.#nowMs() < endsAt) {
      await this.#nemesis.strike((ms) => delay(Math.min(ms, Math.max(1000, endsAt - this.#nowMs()))));
      await delay(500 + this.#draw(1500));
    }
  }

  /** Milliseconds until every node served a round of keys. */
  async #untilWell(probers: readonly Prober[]): Promise<number> {
    const beganMs = this.#fairMs();
    for (const prober of probers) prober.servedInARow = 0;
    while (probers.some(({ servedInARow }) => servedInARow < probedInARow)) {
      if (this.#fairMs() - beganMs > 2 * calmMs) break;
      await delay(20);
    }
    const afterMs = this.#fairMs() - beganMs;
    if (afterMs > calmMs)
      this.#problem(`not every node served within ${calmMs} ms after all faults were healed`);
    return Math.round(afterMs);
  }

  async #lastLook(stores: Parameters<typeof lastLook>[0]["stores"]): Promise<void> {
    try {
      await lastLook({
        stores,
        bucket,
        keys: [...new Set(this.#history.map(({ key }) => key))],
        contents: this.#contents,
        nowMs: () => this.#nowMs(),
        record: (operation) => this.#history.push(operation),
        problem: (text) => this.#problem(text),
      });
    } catch (error) {
      this.#problem(`the last look ended early: ${String(error)}`);
    }
  }

  async #result(
    clients: readonly FileClient[],
    probers: readonly Prober[],
    wellAfterMs: number,
  ): Promise<FilesRunResult> {
    this.#stolen.stop();
    for (const end of this.#cluster.ends) this.#problem(end);
    const history = this.#history;
    const verdict = checkHistory(history);
    const problems = [...this.#problems].slice(0, problemsMax);
    const isClean = verdict.problems.length === 0 && problems.length === 0;
    const { folder } = this.#cluster;
    if (!isClean) await writeFile(join(folder, "history.jsonl"), formatHistory(history));
    const refusals = new Map<string, number>();
    for (const client of clients)
      for (const [code, count] of client.refusals) refusals.set(code, (refusals.get(code) ?? 0) + count);
    return {
      operations: history.length,
      answers: clients.reduce((sum, { answersCount }) => sum + answersCount, 0),
      unknown: history.filter(({ returned }) => returned === Number.POSITIVE_INFINITY).length,
      refusals: Object.fromEntries(refusals),
      faults: Object.fromEntries<number>(this.#nemesis.counts satisfies ReadonlyMap<StoreFault, number>),
      skews: this.#nemesis.skews,
      refusedStarts: this.#nemesis.refusedStarts,
      longestMs: Math.round(Math.max(...probers.map(({ longestMs }) => longestMs))),
      wellAfterMs,
      stolenMs: Math.round(this.#stolen.totalMs),
      verdict,
      problems,
      kept: isClean ? undefined : folder,
    };
  }

  #world(stores: FileWorld["stores"]): FileWorld {
    return {
      stores,
      bucket,
      contents: this.#contents,
      nowMs: () => this.#nowMs(),
      draw: this.#draw,
      prefix: () => `${String(Math.floor(this.#nowMs() / keysLastMs)).padStart(4, "0")}/`,
      record: (operation) => this.#history.push(operation),
      problem: (text) => this.#problem(text),
      takeRoom: (bytes) => {
        if (bytes > this.#roomBytes) return false;
        this.#roomBytes -= bytes;
        return true;
      },
    };
  }

  #prober(node: number, store: FileWorld["stores"][number]): Prober {
    return new Prober({
      node,
      store,
      bucket,
      weather: this.#weather,
      nowMs: () => this.#fairMs(),
      onProblem: (text) => this.#problem(text),
      say: (text) => this.#say(text),
    });
  }

  #problem(text: string): void {
    if (this.#problems.has(text)) return;
    this.#problems.add(text);
    this.#say(`PROBLEM ${text}`);
  }

  /** By the history's clock, and by the journals'. */
  #say(text: string): void {
    const line = `${Math.round(this.#nowMs())} (${Math.round(this.#stolen.totalMs)} stolen) ${new Date().toISOString()} ${text}\n`;
    appendFileSync(join(this.#cluster.folder, "faults.log"), line);
  }

  #nowMs(): number {
    return performance.now() - this.#beganMs;
  }

  /** Without what other work on this machine took. */
  #fairMs(): number {
    return this.#nowMs() - this.#stolen.totalMs;
  }
}
