import type { DiskFile } from "@holdfast/ports";
import { WalError } from "./log-error.ts";
import type { SegmentHeader } from "./segment-header.ts";

/** One file of the log. Its handle stays open until the segment is retired and the last reader has left. */
export class Segment {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly #file: DiskFile;
  #readersCount = 0;
  #retired = false;

  constructor(header: SegmentHeader, path: string, file: DiskFile) {
    this.header = header;
    this.path = path;
    this.#file = file;
  }

  get sequence(): number {
    return this.header.sequence;
  }

  /** Durable when it resolves: the file was opened with `syncWrites`. */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#file.write(offset, [bytes]);
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#retired) throw new WalError("closed", `${this.path} is closed`);
    this.#readersCount++;
    try {
      return await this.#file.read(offset, length);
    } finally {
      this.#readersCount--;
      if (this.#retired && this.#readersCount === 0) await this.#file.close();
    }
  }

  async retire(): Promise<void> {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#readersCount === 0) await this.#file.close();
  }
}
