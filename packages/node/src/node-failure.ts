import { StoreError } from "@holdfast/base";
import { StateDamagedError, StateUnwrittenError } from "./state-store/state-damage.ts";

/** Why a node can serve no longer. */
export class NodeFailure extends StoreError {
  /** It needs nobody's decision to be started again: at once, or when its disk has room. */
  readonly startsAnew: boolean;

  constructor(cause: unknown) {
    const message =
      cause instanceof StoreError
        ? cause.message
        : `The node can no longer trust its disk or its state, and stops: ${String(cause)}`;
    super("Unavailable", message, { cause });
    this.startsAnew = cause instanceof StateDamagedError || cause instanceof StateUnwrittenError;
  }
}
