/** What the client needs of its surroundings; the entry points for Node and browsers bring it. */

import type { OpenChannel } from "./message-channel.ts";
import type { Transport } from "./transport.ts";

export interface Platform {
  readonly transport: Transport;
  /** Undefined where every operation is a request. */
  readonly streaming?: Streaming | undefined;
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

/** What streams need besides. */
export interface Streaming {
  readonly openChannel: OpenChannel;
  /** Runs `action` when what is due now is done: the moment to send what one turn gathered. */
  readonly soon: (action: () => void) => void;
  /** That nobody can foresee. */
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface LocalFiles {
  open(path: string): Promise<LocalFile>;
  /** Puts the file in place when all chunks came; leaves what was there when they fail. */
  save(path: string, chunks: AsyncIterable<Uint8Array>, options: SaveOptions): Promise<void>;
  /** Held by one download at a time: InvalidRequest while another has it. */
  openPartial(path: string, content: PartialContent, resume: boolean): Promise<PartialFile>;
}

/** IncompleteBody as soon as a reading notices that the file was changed since it was opened. */
export interface LocalFile {
  /** Its length when it was opened. */
  readonly bytes: number;
  read(offset: number, bytes: number): AsyncIterable<Uint8Array>;
  /** The same in one piece. */
  load(offset: number, bytes: number): Promise<Uint8Array>;
}

/** What a file on this machine is given besides its bytes; the platform's own choice where undefined. */
export interface LocalAttributes {
  /** Permission bits. */
  readonly mode?: number | undefined;
  readonly modifiedAtSeconds?: number | undefined;
}

export interface SaveOptions extends LocalAttributes {
  /** Whether bytes and name are on stable storage when it resolves. */
  readonly sync: boolean;
}

/** The one content that a partial file belongs to: pieces of any other are not taken. */
export interface PartialContent {
  /** `bucket/key`. */
  readonly name: string;
  readonly etag: string;
  readonly bytes: number;
  readonly crc32: number;
  readonly pieceBytes: number;
}

/** A file of which pieces come in any order, over several runs if need be. */
export interface PartialFile {
  /** CRC-32 of the pieces that an earlier run wrote, by number from 0: to be compared with what is there now. */
  readonly pieces: ReadonlyMap<number, number>;
  read(offset: number, bytes: number): AsyncIterable<Uint8Array>;
  write(offset: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Remembers a piece that was written whole. */
  note(piece: number, crc32: number): Promise<void>;
  /** In place under its own name, and on stable storage. */
  finish(attributes: LocalAttributes): Promise<void>;
  /** Leaves what there is for a later run. */
  keep(): Promise<void>;
  /** Leaves nothing. */
  discard(): Promise<void>;
}
