/** Adds up sorted names per folder. Memory holds the folders above the name that came last. */

export interface Usage {
  readonly bytes: number;
  readonly files: number;
}

export interface FolderRow extends Usage {
  /** Below the place that was asked for, with "/" at its end; "" for the place itself. */
  readonly folder: string;
}

interface OpenFolder {
  readonly folder: string;
  bytes: number;
  files: number;
}

export class FolderUsage {
  readonly #depth: number;
  /** From the place itself down. */
  readonly #open: OpenFolder[] = [{ folder: "", bytes: 0, files: 0 }];

  /** Folders down to so many levels get rows of their own. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  /** In the order of the store's keys. Returns the folders that have ended before this name. */
  add(relative: string, bytes: number): readonly FolderRow[] {
    const ended: FolderRow[] = [];
    while (this.#open.length > 1 && !relative.startsWith(this.#open.at(-1)?.folder ?? "")) this.#close(ended);
    for (let at = this.#open.at(-1)?.folder ?? ""; this.#open.length <= this.#depth; ) {
      const slash = relative.indexOf("/", at.length);
      if (slash === -1) break;
      at = relative.slice(0, slash + 1);
      this.#open.push({ folder: at, bytes: 0, files: 0 });
    }
    for (const folder of this.#open) {
      folder.bytes += bytes;
      folder.files += 1;
    }
    return ended;
  }

  /** The rest, the place itself last. */
  end(): readonly FolderRow[] {
    const ended: FolderRow[] = [];
    while (this.#open.length > 1) this.#close(ended);
    return [...ended, ...this.#open];
  }

  get total(): Usage {
    return this.#open[0] ?? { bytes: 0, files: 0 };
  }

  #close(ended: FolderRow[]): void {
    const folder = this.#open.pop();
    if (folder !== undefined) ended.push(folder);
  }
}
