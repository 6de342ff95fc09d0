import { StoreError } from "@holdfast/base";
import { BlockError } from "@holdfast/blocks";

/** What clients see of a failure of the block engine. */
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
