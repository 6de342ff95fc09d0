/**
 * An open file over a bare descriptor and the callback API: the cheapest way Node has. Every write here is one system
 * call for up to 1,024 buffers; short writes go on where they stopped.
 */

import { close, fdatasync, fstat, ftruncate, read, write, writev } from "node:fs";
import type { DiskFile } from "@holdfast/ports";
import { DiskError } from "@holdfast/ports";
import { diskError } from "./disk-errors.ts";
import { countFreshBytes } from "./young-memory.ts";

/** Linux' IOV_MAX: more buffers in one call are refused. */
const buffersPerWriteMax = 1024;

export class RealDiskFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  /** Where the system has no O_DSYNC, a sync behind each write takes its place. */
  readonly #syncAfterWrite: boolean;
  #closed = false;
  /** Calls under way: the descriptor must not be closed, and its number reused, below them. */
  #active = 0;
  #whenIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, descriptor: number, syncAfterWrite: boolean) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#syncAfterWrite = syncAfterWrite;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#run(async () => {
      countFreshBytes(length);
      // Not zeroed first, of its own memory, and no Buffer, whose slice would be a view.
      const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
      let filled = 0;
      while (filled < length) {
        const count = await this.#readSome(bytes, filled, offset + filled);
        if (count === 0) break;
        filled += count;
      }
      return filled === length ? bytes : bytes.slice(0, filled);
    });
  }

  write(offset: number, buffers: readonly Uint8Array[]): Promise<void> {
    return this.#run(async () => {
      let position = offset;
      let rest = buffers.filter((buffer) => buffer.length > 0);
      while (rest.length > 0) {
        const written = await this.#writeSome(rest, position);
        position += written;
        rest = unwritten(rest, written);
      }
      if (this.#syncAfterWrite) await this.#call((done) => fdatasync(this.#descriptor, done));
    });
  }

  /** fdatasync: bytes and length; not the times. */
  sync(): Promise<void> {
    return this.#run(() => this.#call((done) => fdatasync(this.#descriptor, done)));
  }

  size(): Promise<number> {
    return this.#run(
      async () => (await this.#call<{ size: number }>((done) => fstat(this.#descriptor, done))).size,
    );
  }

  truncate(bytes: number): Promise<void> {
    return this.#run(() => this.#call((done) => ftruncate(this.#descriptor, bytes, done)));
  }

  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async #closeOnce(): Promise<void> {
    this.#closed = true;
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    await this.#call((done) => close(this.#descriptor, done));
  }

  async #run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new DiskError("io", this.path, `${this.path} is closed`);
    this.#active++;
    try {
      return await action();
    } finally {
      this.#active--;
      if (this.#active === 0) this.#whenIdle?.();
    }
  }

  #readSome(bytes: Uint8Array, from: number, position: number): Promise<number> {
    return this.#call((done) => read(this.#descriptor, bytes, from, bytes.length - from, position, done));
  }

  #writeSome(buffers: readonly Uint8Array[], position: number): Promise<number> {
    const [first] = buffers;
    if (buffers.length === 1 && first !== undefined) {
      return this.#call((done) => write(this.#descriptor, first, 0, first.length, position, done));
    }
    const some = buffers.slice(0, buffersPerWriteMax);
    return this.#call((done) => writev(this.#descriptor, some, position, done));
  }

  #call<T = void>(start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      start((error, result) => {
        if (error === null) resolve(result as T);
        else reject(diskError(error, this.path));
      });
    });
  }
}

/** What is left of the buffers when so many bytes are written; exported for tests. */
export function unwritten(buffers: readonly Uint8Array[], written: number): Uint8Array[] {
  let done = 0;
  let left = written;
  for (let next = buffers[done]; next !== undefined && left >= next.length; next = buffers[done]) {
    left -= next.length;
    done++;
  }
  const rest = buffers.slice(done);
  const [first] = rest;
  if (first !== undefined && left > 0) rest[0] = first.subarray(left);
  return rest;
}
