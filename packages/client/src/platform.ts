/** What the client needs of its surroundings; the entry points for Node and browsers bring it. */

import type { Transport } from "./transport.ts";

export interface Platform {
  readonly transport: Transport;
  /** The same function each time: signing keys are remembered with it. */
  readonly sha256: (data: Uint8Array) => Uint8Array;
  /** CRC-32 (IEEE) of the data behind `seedCrc`'s; start with 0. */
  readonly crc32: (data: Uint8Array, seedCrc: number) => number;
  readonly wallMs: () => number;
  /** Resolves after `delayMs`, or as soon as `signal` is aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  /** Undefined where there is no file system. */
  readonly localFiles: LocalFiles | undefined;
}

export interface LocalFiles {
  open(path: string): Promise<LocalFile>;
  /** Puts the file in place when all chunks came; leaves what was there when they fail. */
  save(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
}

export interface LocalFile {
  /** Its length when it was opened. */
  readonly bytes: number;
  read(offset: number, bytes: number): AsyncIterable<Uint8Array>;
}
