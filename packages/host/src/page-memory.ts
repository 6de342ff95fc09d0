/**
 * The PageMemory port. Memory that may grow is mapped by V8 page by page, where other memory lies anywhere: only the system
 * call tells that apart, so it is known here which memory begins at a page.
 */

import { assert } from "@holdfast/base";
import type { PageMemory } from "@holdfast/ports";
import { pageBytes } from "@holdfast/ports";
import { countSharedBytes } from "./young-memory.ts";

const mapped = new WeakSet<ArrayBufferLike>();

export const realPageMemory: PageMemory = {
  allocate: (bytes) => {
    assert(bytes % pageBytes === 0, "whole pages");
    countSharedBytes(bytes);
    const memory = new SharedArrayBuffer(bytes, { maxByteLength: bytes });
    mapped.add(memory);
    return new Uint8Array(memory, 0, bytes);
  },
  // `fill` is one memmove, which `set` is not when a target in shared memory lies askew to its source.
  copy: (source, target, at) => {
    if (source.length > 0) asBuffer(target).fill(asBuffer(source), at, at + source.length);
  },
};

/** Whether it is whole pages of such memory. */
export function liesOnPages({ buffer, byteOffset, length }: Uint8Array): boolean {
  return mapped.has(buffer) && byteOffset % pageBytes === 0 && length % pageBytes === 0;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
