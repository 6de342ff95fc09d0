/**
 * One direction between two simulated nodes, and what is on its way there. As over TCP, a blocked path loses nothing: what
 * was sent waits, and goes on in order when it opens, unless an end of the connection gives up before.
 */

import type { Timer } from "../clock.ts";
import type { Timeline } from "./timeline.ts";

export interface PathOptions {
  readonly simulation: Timeline;
  readonly latencyMs: () => number;
  /** After so long without a sign of life the receiving side gives up. */
  readonly silenceMsMax: number;
}

export class NetworkPath {
  readonly #options: PathOptions;
  readonly #flows = new Set<Resumable>();
  /** Called when the receiving side has not heard from the sending one for too long. */
  readonly #listeners = new Set<() => void>();
  #isBlocked = false;
  #silence: Timer | undefined;

  constructor(options: PathOptions) {
    this.#options = options;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Whether the receiving side hears nothing of the sending one, not even that it is alive. */
  get isSilent(): boolean {
    return this.#silence !== undefined;
  }

  set(state: { readonly isBlocked: boolean; readonly isSilent: boolean }): void {
    this.#isBlocked = state.isBlocked;
    if (!state.isSilent) {
      this.#silence?.cancel();
      this.#silence = undefined;
    } else if (this.#silence === undefined) this.#becomeSilent();
    if (!this.#isBlocked) for (const flow of this.#flows) flow.goOn();
  }

  /** Returns what ends it. */
  onSilence(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  flow<Item>(onItem: (item: Item) => void): NetworkFlow<Item> {
    const { simulation, latencyMs } = this.#options;
    const flow = new NetworkFlow<Item>({ path: this, simulation, latencyMs, onItem });
    this.#flows.add(flow);
    return flow;
  }

  forget(flow: Resumable): void {
    this.#flows.delete(flow);
  }

  #becomeSilent(): void {
    const { simulation, silenceMsMax } = this.#options;
    this.#silence = simulation.after(silenceMsMax, () => {
      for (const listener of this.#listeners) listener();
    });
  }
}

interface Resumable {
  goOn(): void;
}

interface FlowOptions<Item> {
  readonly path: NetworkPath;
  readonly simulation: Timeline;
  readonly latencyMs: () => number;
  readonly onItem: (item: Item) => void;
}

interface OnItsWay<Item> {
  readonly item: Item;
  readonly bytes: number;
  readonly dueMs: number;
}

/** Items that arrive in the order in which they were sent. */
export class NetworkFlow<Item> {
  readonly #options: FlowOptions<Item>;
  #queue: OnItsWay<Item>[] = [];
  #queuedBytes = 0;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  #lastDueMs = 0;
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: FlowOptions<Item>) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  send(item: Item, bytes: number): void {
    if (this.#ended) return;
    const { simulation, latencyMs } = this.#options;
    // What is sent together arrives together.
    if (simulation.nowMs > this.#lastSentMs) this.#lastDueMs = simulation.nowMs + latencyMs();
    this.#lastSentMs = simulation.nowMs;
    this.#queue.push({ item, bytes, dueMs: this.#lastDueMs });
    this.#queuedBytes += bytes;
    this.goOn();
  }

  /** The last that arrives: behind so many of the items that are on their way. The others are lost; returns their number. */
  finish(keptCount: number, last: Item): number {
    const lost = this.#queue.splice(keptCount);
    for (const { bytes } of lost) this.#queuedBytes -= bytes;
    this.send(last, 0);
    return lost.length;
  }

  get itemsOnTheirWay(): number {
    return this.#queue.length;
  }

  /** Nothing arrives any more. */
  end(): void {
    this.#ended = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#timer?.cancel();
    this.#options.path.forget(this);
  }

  /** To be called when the path has opened. */
  goOn(): void {
    const { path, simulation } = this.#options;
    const first = this.#queue[0];
    if (this.#timer !== undefined || first === undefined || path.isBlocked) return;
    this.#timer = simulation.after(Math.max(0, first.dueMs - simulation.nowMs), () => {
      this.#timer = undefined;
      this.#deliver();
      this.goOn();
    });
  }

  #deliver(): void {
    const { path, simulation, onItem } = this.#options;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (path.isBlocked || first.dueMs > simulation.nowMs) return;
      this.#queue.shift();
      this.#queuedBytes -= first.bytes;
      onItem(first.item);
    }
  }
}
