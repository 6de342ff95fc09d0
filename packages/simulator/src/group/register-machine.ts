/**
 * The replicated state machine of a simulated group: registers, and for each writer its last attempt with the result
 * (S15). Small, so that a seed spends its time in the protocol.
 */

import type { Codec } from "@holdfast/base";
import { decode, encode, integer, record } from "@holdfast/base";

export interface RegisterCommand {
  readonly writer: number;
  readonly attempt: number;
  readonly key: number;
  readonly value: number;
}

const commandCodec: Codec<RegisterCommand> = record({
  writer: integer,
  attempt: integer,
  key: integer,
  value: integer,
});

export function encodeCommand(command: RegisterCommand): Uint8Array {
  return encode(commandCodec, command);
}

interface WriterRecord {
  readonly attempt: number;
  /** Index of the entry that carried it out. */
  readonly index: number;
}

export interface RegisterSnapshot {
  readonly registers: ReadonlyMap<number, number>;
  readonly writers: ReadonlyMap<number, WriterRecord>;
  readonly digest: number;
}

export const emptySnapshot: RegisterSnapshot = { registers: new Map(), writers: new Map(), digest: 0 };

export class RegisterMachine {
  readonly #registers: Map<number, number>;
  readonly #writers: Map<number, WriterRecord>;
  /** Of every entry so far and what it did: equal states have equal ones. */
  #digest: number;

  constructor({ registers, writers, digest }: RegisterSnapshot) {
    this.#registers = new Map(registers);
    this.#writers = new Map(writers);
    this.#digest = digest;
  }

  get digest(): number {
    return this.#digest;
  }

  /** The index at which the attempt was carried out, now or earlier; undefined for one that came too late. */
  apply(index: number, payload: Uint8Array): number | undefined {
    const { writer, attempt, key, value } = decode(commandCodec, payload);
    const known = this.#writers.get(writer);
    if (known !== undefined && attempt <= known.attempt)
      return attempt === known.attempt ? known.index : undefined;
    this.#writers.set(writer, { attempt, index });
    this.#registers.set(key, value);
    for (const part of [index, writer, attempt, key, value])
      this.#digest = Math.imul(this.#digest ^ part, 0x0100_0193) ^ (this.#digest >>> 13);
    return index;
  }

  read(key: number): number | undefined {
    return this.#registers.get(key);
  }

  snapshot(): RegisterSnapshot {
    return {
      registers: new Map(this.#registers),
      writers: new Map(this.#writers),
      digest: this.#digest,
    };
  }
}
