import type { Closing } from "./closing.ts";
import type { NodeOptions, NodePorts } from "./node-options.ts";

/** What the parts of a node are opened with. */
export interface Opening {
  readonly ports: NodePorts;
  readonly options: NodeOptions;
  /** What is opened is closed by it, last first. */
  readonly closing: Closing;
  /** The log or the state can be used no more. */
  readonly onFailure: (cause: unknown) => void;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}
