import type { StatePosition } from "./state-position.ts";

/** A whole, durable state beside the one in use. */
export interface StagedGroupState {
  readonly position: StatePosition;
  /**
   * It becomes the state in one step, and `applied` its position; resolves when that is durable. Digest walks of the state
   * before end. To be called once, for a position behind the applied one.
   */
  install(): Promise<void>;
  /** Resolves when it is durable that it is gone. Does nothing when another one has replaced it. */
  discard(): Promise<void>;
}
