/**
 * The names of a simulated disk's files, twice: as the running system sees them and as they are on the platter. A
 * change becomes durable by syncing its folder; a power loss keeps or loses each unsynced change by itself, but never
 * half of one: a rename is done or not.
 */

import type { Random } from "@holdfast/base";
import { chance, uniform } from "@holdfast/base";
import { folderOf } from "../disk-path.ts";

type Change<Node> =
  | { readonly kind: "set"; readonly path: string; readonly node: Node }
  | { readonly kind: "remove"; readonly path: string }
  | { readonly kind: "rename"; readonly from: string; readonly path: string; readonly node: Node };

export class NameTable<Node> {
  #current = new Map<string, Node>();
  #durable = new Map<string, Node>();
  #pending: Change<Node>[] = [];
  /** Folders are durable with the call that makes them. */
  readonly #folders = new Set<string>([""]);

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
    for (let path = folder; path !== ""; path = folderOf(path)) this.#folders.add(path);
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

  powerLoss(random: Random): void {
    // As for files: sometimes everything, sometimes nothing, mostly chance.
    const mood = uniform(random, 4);
    for (const change of this.#pending) {
      if (mood === 0 || (mood > 1 && chance(random, 0.5))) apply(this.#durable, change);
    }
    this.#pending = [];
    this.#current = new Map(this.#durable);
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
