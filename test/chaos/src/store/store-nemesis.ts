/** What goes wrong with a store while clients work: one fault after another, each ended before the next. */

import { cp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ClockSkew } from "./clock-skew.ts";
import { drawDrift, drawJump } from "./clock-skew.ts";
import type { AppliedSkew } from "./clock-trouble.ts";
import { ClockTrouble } from "./clock-trouble.ts";
import { flipBit } from "./flip-bit.ts";
import { leadingNode } from "./leading-node.ts";
import { RunningLogRot } from "./running-log-rot.ts";
import type { SmallDisk } from "./small-disk.ts";
import type { StoreCluster } from "./store-cluster.ts";
import type { Weather } from "./weather.ts";

export interface StoreNemesisOptions {
  readonly cluster: StoreCluster;
  readonly weather: Weather;
  /** Below `count`. */
  readonly draw: (count: number) => number;
  /** The node whose disk can be filled; undefined without one. */
  readonly smallDisk: { readonly node: number; readonly disk: SmallDisk } | undefined;
  /** The faults to draw from, as far as they are possible. */
  readonly faults: readonly StoreFault[];
  /** Where files are stored. */
  readonly bucket: string;
  /** By the clock that deadlines go by. */
  readonly nowMs: () => number;
  readonly say: (text: string) => void;
  /** Something that must not be. */
  readonly problem: (text: string) => void;
}

interface Trouble {
  readonly begin: () => Promise<void> | void;
  readonly end: () => Promise<void> | void;
}

export const storeFaults = [
  "kill",
  "kill leader",
  "pause",
  "isolate",
  "one-way",
  "quorum",
  "clock jump",
  "clock drift",
  "bit in a volume",
  "bit in the log",
  "bit in the running log",
  "bit in the state",
  "full disk",
] as const;

export type StoreFault = (typeof storeFaults)[number];

/** Longer than elections take; now and then longer than anybody may wait for the others. */
const lastsMsMin = 2000;
const lastsMsRange = 5000;
const longMs = 12_000;
const longOneIn = 4;
const startedAnewOneIn = 3;
/** Rot is at one node of a run: the copies at the others have to do. */
const rottenBitsMax = 3;
/** Most pages of a state store are out of use at any moment. */
const stoppedBits = { log: 1, state: 10 } as const;

export class StoreNemesis {
  readonly #options: StoreNemesisOptions;
  readonly #rottenNode: number;
  readonly #clocks: ClockTrouble;
  readonly #runningLogRot: RunningLogRot;
  #turn: number;
  #queue: StoreFault[] = [];
  readonly counts: Map<StoreFault, number> = new Map();
  #refusedStarts = 0;

  constructor(options: StoreNemesisOptions) {
    this.#options = options;
    this.#rottenNode = options.draw(options.cluster.size);
    this.#clocks = new ClockTrouble(options);
    this.#runningLogRot = new RunningLogRot(options);
    this.#turn = options.draw(4);
  }

  get skews(): readonly AppliedSkew[] {
    return this.#clocks.applied;
  }

  /** Starts on a flipped bit that a node refused. */
  get refusedStarts(): number {
    return this.#refusedStarts + this.#runningLogRot.refusedStarts;
  }

  /** One fault, from its beginning to its end. `lasts`: resolves after about so many milliseconds. */
  async strike(lasts: (ms: number) => Promise<void>): Promise<void> {
    const { cluster, draw, weather, smallDisk, say } = this.#options;
    const fault = this.#next();
    const durationMs = draw(longOneIn) === 0 ? longMs : lastsMsMin + draw(lastsMsRange);
    const victim = draw(cluster.size);
    const struck = fault === "full disk" ? smallDisk?.node : victim;
    say(`${fault}: node ${struck}, ${durationMs} ms`);
    const hasStruck = await this.#carryOut(fault, victim, () => lasts(durationMs));
    if (hasStruck) this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    weather.set([]);
    say(`${fault}: over`);
  }

  /** Each kind once before any comes again. */
  #next(): StoreFault {
    const { faults, draw, smallDisk } = this.#options;
    if (this.#queue.length === 0) {
      this.#queue = faults.filter((fault) => fault !== "full disk" || smallDisk !== undefined);
      for (let i = this.#queue.length - 1; i > 0; i--) {
        const j = draw(i + 1);
        const [a, b] = [this.#queue[i], this.#queue[j]];
        if (a !== undefined && b !== undefined) [this.#queue[i], this.#queue[j]] = [b, a];
      }
    }
    return this.#queue.pop() ?? "kill";
  }

  /** False: there was nothing that it could have struck. */
  async #carryOut(fault: StoreFault, victim: number, over: () => Promise<void>): Promise<boolean> {
    const { cluster, draw, weather } = this.#options;
    switch (fault) {
      case "kill":
        return this.#kill([victim], over);
      case "kill leader":
        return this.#kill([(await leadingNode(cluster)) ?? victim], over);
      case "quorum":
        return this.#kill(
          cluster.nodes.map((_, i) => (victim + i) % cluster.size).slice(0, Math.floor(cluster.size / 2) + 1),
          over,
        );
      case "pause":
        return this.#trouble(victim, over, {
          begin: () => cluster.pause(victim),
          end: () => cluster.resume(victim),
        });
      case "isolate":
        return this.#trouble(victim, over, {
          begin: () => cluster.cut((a, b) => a === victim || b === victim),
          end: () => cluster.heal(),
        });
      case "one-way":
        return this.#trouble(victim, over, {
          begin: () => cluster.stall((from, to) => from === victim && to !== victim),
          end: () => cluster.heal(),
        });
      case "clock jump":
        return this.#jump(victim, over());
      case "clock drift":
        return this.#skew(victim, drawDrift(this.#turn++, draw), over());
      case "bit in a volume":
        return this.#rot();
      case "bit in the log":
        return this.#rotStopped(victim, "log");
      case "bit in the running log":
        return this.#runningLogRot.at(victim, over(), () => weather.set([victim]));
      case "bit in the state":
        return this.#rotStopped(victim, "state");
      case "full disk":
        return this.#fill(over);
    }
  }

  async #trouble(victim: number, over: () => Promise<void>, { begin, end }: Trouble): Promise<boolean> {
    this.#options.weather.set([victim]);
    await begin();
    await over();
    await end();
    return true;
  }

  /** Of the node that leads the most, which has to give that up; now and then of one that is started with a wrong clock. */
  async #jump(victim: number, isOver: Promise<void>): Promise<boolean> {
    const { cluster, draw, weather, say } = this.#options;
    const skew = drawJump(this.#turn++, draw);
    if (draw(startedAnewOneIn) > 0) return this.#skew((await leadingNode(cluster)) ?? victim, skew, isOver);
    say(`node ${victim} is started anew for that`);
    weather.set([victim]);
    await cluster.kill(victim);
    cluster.setClock(victim, skew);
    await cluster.start(victim);
    return this.#skew(victim, skew, isOver);
  }

  /** Who has a wrong clock serves all the same. */
  async #skew(victim: number, skew: ClockSkew, isOver: Promise<void>): Promise<boolean> {
    this.#options.weather.strain();
    await this.#clocks.at(victim, skew, isOver);
    return true;
  }

  async #kill(victims: readonly number[], over: () => Promise<void>): Promise<boolean> {
    const { cluster, weather } = this.#options;
    weather.set(victims);
    await Promise.all(victims.map((node) => cluster.kill(node)));
    await over();
    // Together: alone none of them may be able to serve.
    await Promise.all(victims.map((node) => cluster.start(node)));
    return true;
  }

  async #rot(): Promise<boolean> {
    const { cluster, draw, say } = this.#options;
    const folder = join(cluster.data(this.#rottenNode), "blocks");
    let flipped = 0;
    for (let i = 0; i < rottenBitsMax; i++) if (await flipBit(folder, draw)) flipped++;
    say(`${flipped} bits turned over in volumes of node ${this.#rottenNode}`);
    return flipped > 0;
  }

  /** Of a node that is down. Where it refuses to start on that, it gets back what it had. */
  async #rotStopped(victim: number, part: "log" | "state"): Promise<boolean> {
    const { cluster, draw, weather, say } = this.#options;
    weather.set([victim]);
    await cluster.kill(victim);
    const data = cluster.data(victim);
    const folder = join(data, part === "state" ? await stateFolder(data) : part);
    const sound = join(cluster.folder, `sound-${part}`);
    await cp(folder, sound, { recursive: true });
    let hasFlipped = false;
    for (let i = 0; i < stoppedBits[part]; i++) if (await flipBit(folder, draw)) hasFlipped = true;
    try {
      await cluster.start(victim);
      say(`node ${victim} serves on a ${part} with flipped bits`);
    } catch (error) {
      this.#refusedStarts++;
      say(`node ${victim} does not start on a ${part} with flipped bits: ${String(error)}`);
      await rm(folder, { recursive: true });
      await cp(sound, folder, { recursive: true });
      await cluster.start(victim);
    }
    await rm(sound, { recursive: true });
    return hasFlipped;
  }

  async #fill(over: () => Promise<void>): Promise<boolean> {
    const { smallDisk } = this.#options;
    if (smallDisk === undefined) return false;
    const { node, disk } = smallDisk;
    return this.#trouble(node, over, { begin: () => disk.fill(), end: () => disk.empty() });
  }
}

/** Of the state store that counts: one that was made anew is in a folder with a higher number. */
async function stateFolder(data: string): Promise<string> {
  const generations = (await readdir(data)).flatMap((name) => {
    const found = /^state(?:-(\d+))?$/.exec(name);
    return found === null ? [] : [Number(found[1] ?? 0)];
  });
  const newest = Math.max(...generations);
  return newest === 0 ? "state" : `state-${newest}`;
}
