/**
 * Why the log refused.
 * - `poisoned`: a write or sync failed; what was in flight is unknown for ever, nothing is written any more (S11).
 * - `no-space`, `queue-full`: nothing was written; the same append works again when there is room.
 * - `too-large`, `not-contiguous`: nothing was written; the same append can never work as it is.
 * - `closed`: after `close`.
 * - `compacted`: the entries asked for lie at or below the checkpoint, or were never there.
 * - `damaged`: stored bytes do not match their checksum.
 * - `foreign`: a segment of another log lies in the folder.
 */
export type WalErrorKind =
  | "poisoned"
  | "no-space"
  | "queue-full"
  | "too-large"
  | "not-contiguous"
  | "closed"
  | "compacted"
  | "damaged"
  | "foreign";

/** An expected failure of the write-ahead log. */
export class WalError extends Error {
  override readonly name = "WalError";
  readonly kind: WalErrorKind;

  constructor(kind: WalErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
