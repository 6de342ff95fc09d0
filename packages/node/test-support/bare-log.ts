import { groupId, logIndex, StoreError } from "@holdfast/base";
import type { Appended, ReplicatedLog, StateMachine } from "@holdfast/ports";

/** A log that keeps nothing but applies at once; it refuses while `isFull`. */
export class BareLog<Result> implements ReplicatedLog<Result> {
  readonly group = groupId(0);
  appliedIndex = logIndex(0);
  isFull = false;
  /** Called with each command before it is applied; may append others in front of it. */
  onAppend: (command: Uint8Array) => void = () => undefined;
  readonly #machine: StateMachine<Result>;

  constructor(machine: StateMachine<Result>) {
    this.#machine = machine;
  }

  append(command: Uint8Array): Promise<Appended<Result>> {
    if (this.isFull) return Promise.reject(new StoreError("OutOfSpace", "The log cannot grow."));
    this.onAppend(command);
    const index = logIndex(this.appliedIndex + 1);
    this.appliedIndex = index;
    return Promise.resolve({ index, result: this.#machine.apply({ index, command }) });
  }

  readBarrier(): undefined {
    return undefined;
  }
}
