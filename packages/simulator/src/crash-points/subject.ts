import type { NodeOptions, NodePorts } from "@holdfast/node";
import type { SimulatedMachine } from "../machine/simulated-machine.ts";

/**
 * Something that works on a machine and has to stand any crash. `Expected` is what may be found afterwards: a value that
 * is never changed.
 */
export interface Subject<Expected> {
  readonly name: string;
  readonly node: Required<Omit<NodeOptions, "entrance" | "rejoining" | "joinSettleMs">>;
  /** One piece of work, the same each time, from an empty machine on. */
  begin(): Work<Expected>;
  /**
   * Opens what a crash has left, and throws a Violation when that is none of what is expected. Gives what it found: the
   * next start has to find the same. Leaves everything open: the next crash comes at once.
   */
  recover(ports: NodePorts, expected: Expected): Promise<Expected>;
  /** Looks closer at what a recovery left, goes on working, and stops; once per crash point. */
  finish?(machine: SimulatedMachine, expected: Expected): Promise<void>;
}

export interface Work<Expected> {
  run(ports: NodePorts): Promise<void>;
  /** What a crash at this instant may leave. */
  expected(): Expected;
}
