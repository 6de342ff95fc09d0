/** The failures that somebody asked a simulated disk for and that have not struck yet, and the count of those that have. */

import type { DiskErrorKind } from "../disk.ts";
import { DiskError } from "../disk.ts";
import type { FaultCounts, StruckFault } from "./fault-counts.ts";

export type DiskOperation = "open" | "read" | "write" | "sync" | "sync-directory";

interface Fault {
  readonly operation: DiskOperation;
  readonly path: RegExp | undefined;
  readonly kind: DiskErrorKind;
}

/** A write that goes astray and says nothing: to another place, or to none. */
export type Straying = { readonly kind: "misdirected"; readonly byBytes: number } | { readonly kind: "lost" };

export class DiskFaults {
  readonly #struck: FaultCounts;
  #faults: Fault[] = [];
  #strayings: { readonly path: RegExp | undefined; readonly straying: Straying }[] = [];

  constructor(struck: FaultCounts) {
    this.#struck = struck;
  }

  add(fault: Fault): void {
    this.#faults.push(fault);
  }

  addStraying(straying: Straying, path: RegExp | undefined): void {
    this.#strayings.push({ path, straying });
  }

  clear(): void {
    this.#faults = [];
    this.#strayings = [];
  }

  /** The failure that this call has to meet, once. */
  take(operation: DiskOperation, path: string): DiskError | undefined {
    const position = this.#faults.findIndex(
      (fault) => fault.operation === operation && fault.path?.test(path) !== false,
    );
    const [fault] = position < 0 ? [] : this.#faults.splice(position, 1);
    if (fault === undefined) return undefined;
    this.#struck.add(failures[operation]);
    return new DiskError(fault.kind, path, `injected: ${operation} of ${path} failed`);
  }

  takeStraying(path: string): Straying | undefined {
    const position = this.#strayings.findIndex((fault) => fault.path?.test(path) !== false);
    const [fault] = position < 0 ? [] : this.#strayings.splice(position, 1);
    if (fault !== undefined) this.#struck.add(`${fault.straying.kind}-write`);
    return fault?.straying;
  }
}

const failures: Readonly<Record<DiskOperation, StruckFault>> = {
  open: "failed-open",
  read: "failed-read",
  write: "failed-write",
  sync: "failed-sync",
  "sync-directory": "failed-folder-sync",
};
