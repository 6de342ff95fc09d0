/** A state machine that keeps the texts it was given, over a store that outlives the process and keeps what was flushed. */

import assert from "node:assert/strict";
import { ballot, concatBytes, logIndex, utf8, utf8Text } from "@holdfast/base";
import type { SnapshotPosition } from "@holdfast/consensus";
import { emptyMembership } from "@holdfast/consensus";
import type { CommittedEntry } from "@holdfast/ports";
import type { GroupMachine, MachineSnapshot, StagedState } from "../src/group-machine.ts";

interface SavedState {
  readonly position: SnapshotPosition;
  readonly texts: readonly string[];
}

const emptyState: SavedState = {
  position: { index: logIndex(0), ballot: ballot(0), membership: emptyMembership },
  texts: [],
};

/** What is durable of one group's state. */
export class ListStore {
  saved: SavedState = emptyState;
  staged: SavedState | undefined;
}

const chunkBytes = 1024;

export class ListMachine implements GroupMachine<string> {
  readonly #store: ListStore;
  #position: SnapshotPosition;
  #texts: string[];
  /** Thrown by the next `apply`. */
  failure: unknown;
  /** What the next snapshots end with. */
  snapshotFailure: Error | undefined;
  /** Snapshots that became the state. */
  installs = 0;

  constructor(store: ListStore) {
    this.#store = store;
    this.#position = store.saved.position;
    this.#texts = [...store.saved.texts];
  }

  get applied(): SnapshotPosition {
    return this.#position;
  }

  get texts(): readonly string[] {
    return this.#texts;
  }

  get staged(): StagedState | undefined {
    const { staged } = this.#store;
    return staged === undefined ? undefined : this.#stagedState(staged);
  }

  apply({ index, command }: CommittedEntry): string {
    if (this.failure !== undefined) throw this.failure;
    this.#texts.push(utf8Text(command));
    return `${utf8Text(command)} at ${index}`;
  }

  advance(position: SnapshotPosition): void {
    assert.equal(position.index, this.#position.index + 1, "entries are applied in order");
    this.#position = position;
  }

  flush(): void {
    this.#store.saved = { position: this.#position, texts: [...this.#texts] };
  }

  snapshot(): Promise<MachineSnapshot> {
    if (this.snapshotFailure !== undefined) return Promise.reject(this.snapshotFailure);
    const body = inChunks(utf8(JSON.stringify(this.#texts)));
    return Promise.resolve({ position: this.#position, body, close: () => undefined });
  }

  async stage(position: SnapshotPosition, body: AsyncIterable<Uint8Array>): Promise<StagedState> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const texts: unknown = JSON.parse(utf8Text(concatBytes(chunks)));
    assert.ok(Array.isArray(texts));
    const staged = { position, texts: texts.map(String) };
    this.#store.staged = staged;
    return this.#stagedState(staged);
  }

  #stagedState(staged: SavedState): StagedState {
    return {
      position: staged.position,
      install: () => {
        this.#store.saved = staged;
        this.#store.staged = undefined;
        this.#position = staged.position;
        this.#texts = [...staged.texts];
        this.installs++;
        return Promise.resolve();
      },
      discard: () => {
        if (this.#store.staged === staged) this.#store.staged = undefined;
        return Promise.resolve();
      },
    };
  }
}

async function* inChunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.slice(i, i + chunkBytes);
}
