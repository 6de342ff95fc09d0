/** The least that a durable append costs: O_DSYNC on a zero-filled file, one write per batch, and nothing else. */

import { constants, writeSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";

const fileBytes = 128 * 1024 * 1024;
const pageBytes = 4096;
/** The system's cache keeps what one write left as one piece, and writes all of it for each small write into it: so small pieces. */
const zerosBytes = pageBytes;

/** What is queued while a write is in flight goes into the next. */
export class BareLogLoop {
  readonly #file: FileHandle;
  #queue: { readonly payload: Buffer; readonly resolve: () => void }[] = [];
  #isWriting = false;
  #offset = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<BareLogLoop> {
    const zeros = await open(path, "w");
    const page = Buffer.alloc(zerosBytes);
    for (let at = 0; at < fileBytes; at += zerosBytes) writeSync(zeros.fd, page, 0, zerosBytes, at);
    await zeros.sync();
    await zeros.close();
    return new BareLogLoop(await open(path, constants.O_RDWR | constants.O_DSYNC));
  }

  append(payload: Buffer): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ payload, resolve });
    if (!this.#isWriting) {
      this.#isWriting = true;
      setImmediate(() => void this.#pump());
    }
    return promise;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      const bytes = Buffer.concat(batch.map(({ payload }) => payload));
      if (this.#offset + bytes.length > fileBytes) this.#offset = 0;
      await this.#file.write(bytes, 0, bytes.length, this.#offset);
      this.#offset += Math.ceil(bytes.length / pageBytes) * pageBytes;
      for (const { resolve } of batch) resolve();
    }
    this.#isWriting = false;
  }
}
