/**
 * The expected failures of the block engine. None of them crosses the wire: the node maps them to StoreError.
 *
 * - `missing`: no such block is stored here. Never evidence that it does not exist (S3).
 * - `corrupt`: the block was stored here, and its bytes are damaged; another slot has to give them.
 * - `conflict`: another body is stored under this id (S1).
 * - `refused`: the body is not what its checksum says, or too large, or the id has no form.
 * - `no-space`: the disk is full; nothing was stored, later it may be.
 * - `busy`: out of file handles, or a compaction already runs; nothing was done, later it may be.
 * - `poisoned`: a sync or a write failed in this process; it writes no more (S11), reads go on.
 * - `unusable`: what lies in the folder is of another store or of a newer program.
 * - `closed`: the store was closed.
 */
export type BlockErrorKind =
  | "missing"
  | "corrupt"
  | "conflict"
  | "refused"
  | "no-space"
  | "busy"
  | "poisoned"
  | "unusable"
  | "closed";

export class BlockError extends Error {
  override readonly name = "BlockError";
  readonly kind: BlockErrorKind;

  constructor(kind: BlockErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
