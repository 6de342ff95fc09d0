import type { PageMemory } from "../page-memory.ts";

/** Memory without an address: where it lies makes no difference here. */
export const plainMemory: PageMemory = {
  allocate: (bytes) => new Uint8Array(new SharedArrayBuffer(bytes)),
  copy: (source, target, at) => target.set(source, at),
};
