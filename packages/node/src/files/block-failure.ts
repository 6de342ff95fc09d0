import { StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";

/** Whether a block could not be had at all: its content may have died. Of slots on other nodes nobody knows more than "Unavailable". */
export function isLost(cause: unknown): boolean {
  if (cause instanceof StoreError) return cause.code === "Unavailable";
  return cause instanceof BlockError && (cause.kind === "missing" || cause.kind === "corrupt");
}

/** The end of a reader that took longer than dead content is kept (S6). */
export function contentGone(cause: unknown): StoreError {
  return new StoreError(
    "DataCorrupt",
    "The file was replaced or deleted while it was read, and what it was is erased. Read it again.",
    { cause, retryable: true },
  );
}

/** What clients see of a failure of the block engine; slots on several nodes say it in their own StoreErrors. */
export function blockFailure(cause: unknown): unknown {
  if (!(cause instanceof BlockError)) return cause;
  switch (cause.kind) {
    case "no-space":
      return new StoreError(
        "OutOfSpace",
        "The node's disk is full: nothing was stored. Delete files or add space.",
        { cause },
      );
    case "busy":
      return new StoreError("Overloaded", "The node has too many files open. Try again in a moment.", {
        cause,
      });
    case "poisoned":
    case "unusable":
      return new StoreError("Unavailable", "The node's disk failed: it takes no writes. See its log.", {
        cause,
      });
    case "closed":
      return new StoreError("Stopped", "The node is stopping.", { cause });
    case "missing":
    case "corrupt":
      return new StoreError(
        "DataCorrupt",
        "A block of this file is damaged or missing. Run `holdfast fsck`.",
        { cause },
      );
    case "conflict":
    case "refused":
      return new StoreError("Internal", "The block engine refused a block.", {
        cause,
        outcome: "not-applied",
      });
  }
}
