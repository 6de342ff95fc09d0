/**
 * Writers of nodes that are gone for long: as long as they are open, what they left unfinished is kept (S4). The shard's leader has
 * them closed, by replicated command. Closing one that lives after all is safe: it finds itself closed, fails what it had under
 * way and opens another.
 */

import type { WriterId } from "@holdfast/base";
import { clusterTimeMs } from "@holdfast/namespace";
import type { StateReader } from "@holdfast/ports";
import type { OpenWriter } from "@holdfast/shard";
import { listWriters } from "@holdfast/shard";

interface Watched {
  /** What its record said when the watch began. */
  readonly lastSeenMs: number;
  /** Of this process' own time. */
  readonly sinceMs: number;
}

export class SilentWriters {
  readonly #silentMs: number;
  /** Empty while this node does not lead. */
  #watched: ReadonlyMap<WriterId, Watched> = new Map();

  /** `silentMs`: how long one has to be silent, by cluster time and by the leader's own watch. */
  constructor(silentMs: number) {
    this.#silentMs = silentMs;
  }

  /** The watch ends, and begins in full if this node should lead again (S15). */
  onNotLeading(): void {
    this.#watched = new Map();
  }

  /** On the leader: those to be closed. `isLive`: the node is one of the cluster's and was heard of lately. */
  look(state: StateReader, nowMs: number, isLive: (node: string) => boolean): readonly OpenWriter[] {
    const watched = new Map<WriterId, Watched>();
    const silent: OpenWriter[] = [];
    const clusterMs = clusterTimeMs(state);
    for (const found of listWriters(state)) {
      const { writer, node, lastSeenMs } = found;
      if (isLive(node)) continue;
      const before = this.#watched.get(writer);
      const watch = before?.lastSeenMs === lastSeenMs ? before : { lastSeenMs, sinceMs: nowMs };
      watched.set(writer, watch);
      const isSilent = clusterMs - lastSeenMs > this.#silentMs && nowMs - watch.sinceMs >= this.#silentMs;
      if (isSilent) silent.push(found);
    }
    this.#watched = watched;
    return silent;
  }
}
