/** The unit in which disks and the memory they reach directly are divided. Every system's pages are multiples of it. */
export const pageBytes: number = 4096;

/** Memory that hashing threads and disks take where it lies. */
export interface PageMemory {
  /** Zeroed, shared, and from a page boundary on. `bytes` is a multiple of `pageBytes`. */
  allocate(bytes: number): Uint8Array;
  /** As `target.set(source, at)`: engines copy into shared memory byte by byte where the two are aligned differently. */
  copy(source: Uint8Array, target: Uint8Array, at: number): void;
}
