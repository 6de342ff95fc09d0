/**
 * An open file over a bare descriptor and the callback API: the cheapest way Node has. Every write here is one system
 * call for up to 1,024 buffers; short writes go on where they stopped.
 */

import { close, fdatasync, fstat, ftruncate, read, write, writev } from "node:fs";
import type { DiskFile } from "@holdfast/ports";
import { DiskError, pageBytes } from "@holdfast/ports";
import { diskError } from "./disk-errors.ts";
import { liesOnPages } from "./page-memory.ts";
import { countFreshBytes } from "./young-memory.ts";

/** Linux' IOV_MAX: more buffers in one call are refused. */
const buffersPerWriteMax = 1024;

interface OpenedFile {
  readonly path: string;
  readonly descriptor: number;
  /** The same file once more, opened with O_DIRECT. */
  readonly direct: number | undefined;
  /** Where the system has no O_DSYNC, a sync behind each write takes its place. */
  readonly syncAfterWrite: boolean;
}

export class RealDiskFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #directDescriptor: number | undefined;
  /** Not after it was refused once: not all file systems take what they were opened for. */
  #takesDirect: boolean;
  readonly #syncAfterWrite: boolean;
  #closed = false;
  /** Calls under way: the descriptor must not be closed, and its number reused, below them. */
  #active = 0;
  #whenIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ path, descriptor, direct, syncAfterWrite }: OpenedFile) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#directDescriptor = direct;
    this.#takesDirect = direct !== undefined;
    this.#syncAfterWrite = syncAfterWrite;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    countFreshBytes(length);
    // Not zeroed first, of its own memory, and no Buffer, whose slice would be a view.
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    const filled = await this.readInto(offset, bytes);
    return filled === length ? bytes : bytes.slice(0, filled);
  }

  readInto(offset: number, target: Uint8Array, pastCache: boolean = false): Promise<number> {
    return this.#run(async () => {
      let filled = 0;
      while (filled < target.length) {
        const count = await this.#readSome(target.subarray(filled), offset + filled, pastCache);
        if (count === 0) break;
        filled += count;
      }
      return filled;
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
    const direct = this.#directDescriptor;
    if (direct !== undefined) await this.#call((done) => close(direct, done));
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

  #readSome(target: Uint8Array, position: number, pastCache: boolean): Promise<number> {
    const readFrom = (descriptor: number): Promise<number> =>
      this.#call((done) => read(descriptor, target, 0, target.length, position, done));
    return pastCache ? this.#direct(position, [target], readFrom) : readFrom(this.#descriptor);
  }

  #writeSome(buffers: readonly Uint8Array[], position: number): Promise<number> {
    return this.#direct(position, buffers, (descriptor) => this.#writeTo(descriptor, buffers, position));
  }

  /** By the direct descriptor, if memory and place are such that it can be. */
  async #direct(
    position: number,
    buffers: readonly Uint8Array[],
    transfer: (descriptor: number) => Promise<number>,
  ): Promise<number> {
    const direct = this.#directDescriptor;
    const fits = position % pageBytes === 0 && buffers.every(liesOnPages);
    if (direct === undefined || !this.#takesDirect || !fits) return transfer(this.#descriptor);
    try {
      return await transfer(direct);
    } catch (error) {
      // Refused for what it is, not failed: nothing of it was done.
      if (!isRefusal(error)) throw error;
      this.#takesDirect = false;
      return transfer(this.#descriptor);
    }
  }

  #writeTo(descriptor: number, buffers: readonly Uint8Array[], position: number): Promise<number> {
    const [first] = buffers;
    if (buffers.length === 1 && first !== undefined) {
      return this.#call((done) => write(descriptor, first, 0, first.length, position, done));
    }
    const some = buffers.slice(0, buffersPerWriteMax);
    return this.#call((done) => writev(descriptor, some, position, done));
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

/** EINVAL: the memory or the place is not aligned as this file system wants it. */
function isRefusal(error: unknown): boolean {
  const { cause } = error instanceof DiskError ? error : {};
  return cause instanceof Error && "code" in cause && cause.code === "EINVAL";
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
