/** Codecs of what other nodes send: every number is bounded, and every list's count is judged before anything is made of it. */

import type { Codec } from "@holdfast/base";
import { DecodeError, integer } from "@holdfast/base";

export function atMost(max: number): Codec<number> {
  return {
    write: (writer, value) => integer.write(writer, value),
    read: (reader) => checked(integer.read(reader), max),
  };
}

export function shortList<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    write: (writer, values) => {
      writer.varint(values.length);
      for (const value of values) codec.write(writer, value);
    },
    read: (reader) => {
      const count = checked(integer.read(reader), max);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(codec.read(reader));
      return values;
    },
  };
}

function checked(value: number, max: number): number {
  if (value > max) throw new DecodeError(`${value}, at most ${max} is allowed`);
  return value;
}
