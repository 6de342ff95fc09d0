/**
 * Three voters of @coaty/consensus.raft, the port of etcd's raft to TypeScript, in one process: its core alone, with its own
 * memory storage, no network. Installed in bench/peers, outside the workspaces.
 */

import Module from "node:module";
import { requireOfPeers } from "./install-peers.ts";

export interface PeerGroup {
  /** Proposes its command so often at the leader and runs until nobody has anything to do; gives how many it committed. */
  commit(count: number): number;
}

interface Message {
  readonly to: string;
}

interface Entry {
  readonly index: number;
  readonly data: unknown;
}

interface Ready {
  readonly entries: readonly Entry[];
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly hardState: { isEmptyHardState(): boolean };
}

interface Storage {
  readonly snapshot: { readonly metadata: { confState: unknown } };
  Append(entries: readonly Entry[]): unknown;
  SetHardState(state: unknown): unknown;
  Compact(index: number): unknown;
}

interface RawNode {
  propose(data: unknown): Error | null;
  campaign(): unknown;
  step(message: Message): unknown;
  hasReady(): boolean;
  ready(): Ready;
  advance(ready: Ready): void;
}

interface Library {
  readonly newNode: (id: string, storage: Storage) => RawNode;
  readonly newStorage: (voters: readonly string[]) => Storage;
}

const ids = ["1", "2", "3"];
/** Entries that the memory storage keeps: what it holds must not grow with the run. */
const keptEntries = 20_000;

class Node {
  readonly raw: RawNode;
  readonly storage: Storage;
  #compacted = 0;

  constructor({ newNode, newStorage }: Library, id: string) {
    this.storage = newStorage(ids);
    this.raw = newNode(id, this.storage);
  }

  /** Does what there is to do; gives the commands that it may apply. */
  work(send: (message: Message) => void): number {
    const ready = this.raw.ready();
    if (ready.entries.length > 0) this.storage.Append(ready.entries);
    if (!ready.hardState.isEmptyHardState()) this.storage.SetHardState(ready.hardState);
    for (const message of ready.messages) send(message);
    this.raw.advance(ready);
    const last = ready.committedEntries.at(-1)?.index ?? 0;
    if (last - this.#compacted > 2 * keptEntries) {
      this.#compacted = last - keptEntries;
      this.storage.Compact(this.#compacted);
    }
    let count = 0;
    for (const { data } of ready.committedEntries) if (typeof data === "string") count++;
    return count;
  }
}

export function coatyGroup(command: string): PeerGroup {
  const library = load();
  const nodes = new Map(ids.map((id) => [id, new Node(library, id)]));
  const [leader] = nodes.values();
  if (leader === undefined) throw new Error("no nodes");
  let queue: Message[] = [];
  const run = (): number => {
    let committed = 0;
    for (let isBusy = true; isBusy; ) {
      isBusy = false;
      for (const node of nodes.values())
        for (; node.raw.hasReady(); isBusy = true) {
          const count = node.work((message) => queue.push(message));
          if (node === leader) committed += count;
        }
      const arriving = queue;
      queue = [];
      for (const message of arriving) nodes.get(message.to)?.raw.step(message);
    }
    return committed;
  };
  leader.raw.campaign();
  run();
  return {
    commit: (count) => {
      for (let i = 0; i < count; i++) {
        const error = leader.raw.propose(command);
        if (error !== null) throw error;
      }
      return run();
    },
  };
}

function load(): Library {
  const require = requireOfPeers("@coaty/consensus.raft");
  const database = require.resolve("sqlite3");
  require.cache[database] = Object.assign(new Module(database), { exports: {}, loaded: true });
  const part = (name: string): Record<string, never> =>
    require(`@coaty/consensus.raft/ported/${name}.js`) as Record<string, never>;
  return libraryOf({
    ...part("raftpb/raft.pb"),
    ...part("storage"),
    ...part("raft"),
    ...part("rawnode"),
    ...part("logger"),
  });
}

interface Exports {
  readonly ConfState: new (fields: { readonly voters: readonly string[] }) => unknown;
  readonly MemoryStorage: { NewMemoryStorage(): Storage };
  readonly RaftConfig: new (fields: Readonly<Record<string, unknown>>) => unknown;
  readonly RawNode: { NewRawNode(config: unknown): RawNode };
  readonly discardLogger: unknown;
}

function libraryOf(exported: Readonly<Record<string, never>>): Library {
  const { ConfState, MemoryStorage, RaftConfig, RawNode, discardLogger } = exported as unknown as Exports;
  return {
    newStorage: (voters) => {
      const storage = MemoryStorage.NewMemoryStorage();
      storage.snapshot.metadata.confState = new ConfState({ voters });
      return storage;
    },
    newNode: (id, storage) =>
      RawNode.NewRawNode(
        new RaftConfig({
          id,
          storage,
          electionTick: 10,
          heartbeatTick: 1,
          maxSizePerMsg: 1024 * 1024,
          maxInflightMsgs: 256,
          maxUncommittedEntriesSize: 64 * 1024 * 1024,
          checkQuorum: true,
          preVote: true,
          logger: discardLogger,
        }),
      ),
  };
}
