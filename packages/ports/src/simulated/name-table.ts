/**
 * The names of a simulated disk's files, twice: as the running system sees them and as they are on the platter. A
 * change becomes durable by syncing its folder; a power loss keeps or loses each unsynced change by itself, but never
 * half of one: a rename is done or not.
 */

import { folderOf } from "../disk-path.ts";
import type { Fate } from "./fate.ts";

type Change<Node> =
  | { readonly kind: "set"; readonly path: string; readonly node: Node }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly path: string; readonly node: Node };

export class NameTable<Node> {
  #current = new Map<string, Node>();
  #durable = new Map<string, Node>();
  #pending: Change<Node>[] = [];
  readonly #folders = new Set<string>([""]);
  /** Folders whose making is under way: a power loss may take them, and nothing in them is durable. */
  readonly #newFolders = new Set<string>();

  find(path: string): Node | undefined {
    return this.#current.get(path);
  }

  get nodes(): IterableIterator<Node> {
    return this.#current.values();
  }

  /** Also those that only a power loss would bring back. */
  get durableNodes(): IterableIterator<Node> {
    return this.#durable.values();
  }

  hasFolder(folder: string): boolean {
    return this.#folders.has(folder);
  }

  makeFolder(folder: string): void {
    for (let path = folder; path !== ""; path = folderOf(path)) {
      if (!this.#folders.has(path)) this.#newFolders.add(path);
      this.#folders.add(path);
    }
  }

  /** The call that made it has ended: it is durable, and so are those above it. */
  keepFolder(folder: string): void {
    for (let path = folder; path !== ""; path = folderOf(path)) this.#newFolders.delete(path);
  }

  list(folder: string): string[] {
    const names: string[] = [];
    for (const path of [...this.#current.keys(), ...this.#folders]) {
      if (path !== "" && folderOf(path) === folder)
        names.push(folder === "" ? path : path.slice(folder.length + 1));
    }
    return names.sort();
  }

  set(path: string, node: Node): void {
    this.#change({ kind: "set", path, node });
  }

  remove(path: string): void {
    this.#change({ kind: "remove", path });
  }

  rename(from: string, to: string, node: Node): void {
    this.#change({ kind: "rename", from, path: to, node });
  }

  /** The changes to a folder so far, for `sync`; a rename belongs to the folder it leads to. */
  pendingIn(folder: string): readonly Change<Node>[] {
    return this.#pending.filter((change) => folderOf(change.path) === folder);
  }

  /** Makes these changes durable, in order. */
  sync(changes: readonly Change<Node>[]): void {
    for (const change of changes) {
      const position = this.#pending.indexOf(change);
      if (position < 0) continue;
      // An unsynced creation of the old name, in another folder, must not bring it back later.
      const obsolete = change.kind === "rename" ? change.from : undefined;
      this.#pending = this.#pending.filter(
        (other, i) => i !== position && !(i < position && other.path === obsolete && other.kind === "set"),
      );
      apply(this.#durable, change);
    }
  }

  /** A failed sync: the changes stay in sight, and no later sync makes them durable (S11). */
  failSync(changes: readonly Change<Node>[]): void {
    this.#pending = this.#pending.filter((change) => !changes.includes(change));
  }

  /** Gives the number of changes that were lost. */
  powerLoss(fate: Fate): number {
    fate.begin();
    let lostCount = this.#loseFolders(fate);
    for (const change of this.#pending) {
      if (!this.#folders.has(folderOf(change.path)) || fate.kept(1) === 0) lostCount++;
      else apply(this.#durable, change);
    }
    this.#pending = [];
    this.#current = new Map(this.#durable);
    return lostCount;
  }

  /** The same names for other nodes. */
  fork(twinOf: (node: Node) => Node): NameTable<Node> {
    const twin = new NameTable<Node>();
    for (const [path, node] of this.#current) twin.#current.set(path, twinOf(node));
    for (const [path, node] of this.#durable) twin.#durable.set(path, twinOf(node));
    twin.#pending = this.#pending.map((change) =>
      change.kind === "remove" ? change : { ...change, node: twinOf(change.node) },
    );
    for (const folder of this.#folders) twin.#folders.add(folder);
    for (const folder of this.#newFolders) twin.#newFolders.add(folder);
    return twin;
  }

  #loseFolders(fate: Fate): number {
    let lostCount = 0;
    for (const folder of [...this.#newFolders].sort()) {
      const isOrphan = !this.#folders.has(folderOf(folder));
      if (!isOrphan && fate.kept(1) === 1) continue;
      this.#folders.delete(folder);
      lostCount++;
    }
    this.#newFolders.clear();
    return lostCount;
  }

  #change(change: Change<Node>): void {
    this.#pending.push(change);
    apply(this.#current, change);
  }
}

function apply<Node>(names: Map<string, Node>, change: Change<Node>): void {
  if (change.kind === "remove") {
    names.delete(change.path);
    return;
  }
  if (change.kind === "rename" && names.get(change.from) === change.node) names.delete(change.from);
  names.set(change.path, change.node);
}
