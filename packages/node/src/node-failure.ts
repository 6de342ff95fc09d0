import { StoreError } from "@holdfast/base";
import { StateDamagedError } from "./state-store/state-damage.ts";

/** Why a node can serve no longer. */
export class NodeFailure extends StoreError {
  /** What it cannot use it makes anew: it is to be started again at once, by nobody's decision. */
  readonly startsAnew: boolean;

  constructor(cause: unknown) {
    super("Unavailable", `The node can no longer trust its disk or its state, and stops: ${String(cause)}`, {
      cause,
    });
    this.startsAnew = cause instanceof StateDamagedError;
  }
}
