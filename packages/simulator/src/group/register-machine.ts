/**
 * The replicated state machine of a simulated group: registers, and for each writer its last attempt with the result
 * (S15). Small, so that a seed spends its time in the protocol.
 */

import type { Codec } from "@holdfast/base";
import { decode, encode, integer, record } from "@holdfast/base";
import type { Executed, GroupMachine, MachineKind, MachineSnapshot, WriteCommand } from "./group-machine.ts";

const commandCodec: Codec<WriteCommand> = record({
  writer: integer,
  attempt: integer,
  key: integer,
  value: integer,
});

interface WriterRecord {
  readonly attempt: number;
  /** Index of the entry that carried it out. */
  readonly index: number;
}

interface Registers {
  readonly values: ReadonlyMap<number, number>;
  readonly writers: ReadonlyMap<number, WriterRecord>;
  readonly digest: number;
}

export const registerMachine: MachineKind = {
  empty: snapshotOf({ values: new Map(), writers: new Map(), digest: 0 }),
  openWriter: undefined,
  encodeWrite: (command) => encode(commandCodec, command),
};

function snapshotOf(registers: Registers): MachineSnapshot {
  return { open: () => new RegisterMachine(registers) };
}

class RegisterMachine implements GroupMachine {
  readonly #values: Map<number, number>;
  readonly #writers: Map<number, WriterRecord>;
  /** Of every entry so far and what it did: equal states have equal ones. */
  #digest: number;

  constructor({ values, writers, digest }: Registers) {
    this.#values = new Map(values);
    this.#writers = new Map(writers);
    this.#digest = digest;
  }

  get digest(): number {
    return this.#digest;
  }

  apply(index: number, payload: Uint8Array): Executed | undefined {
    const { writer, attempt, key, value } = decode(commandCodec, payload);
    const known = this.#writers.get(writer);
    if (known !== undefined && attempt <= known.attempt)
      return attempt === known.attempt ? { writer, attempt, index: known.index } : undefined;
    this.#writers.set(writer, { attempt, index });
    this.#values.set(key, value);
    for (const part of [index, writer, attempt, key, value])
      this.#digest = Math.imul(this.#digest ^ part, 0x0100_0193) ^ (this.#digest >>> 13);
    return { writer, attempt, index };
  }

  snapshot(): MachineSnapshot {
    return snapshotOf({
      values: new Map(this.#values),
      writers: new Map(this.#writers),
      digest: this.#digest,
    });
  }
}
