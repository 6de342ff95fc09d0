/** The contract's values inside messages. */

import type { Codec } from "@holdfast/base";
import { ballot, byteView, DecodeError, logIndex } from "@holdfast/base";
import type { Entry, EntryKind } from "./entry.ts";
import type { Membership } from "./membership.ts";
import { decodeMembership, encodeMembership } from "./membership.ts";

const entryKinds: readonly EntryKind[] = ["command", "membership", "empty"];

/** Indexes follow from the first. Payloads are views of the message. */
export const entriesCodec: Codec<readonly Entry[]> = {
  write: (writer, values) => {
    writer.varint(values.length);
    writer.varint(values[0]?.index ?? 0);
    for (const entry of values) {
      writer.u8(entryKinds.indexOf(entry.kind));
      writer.varint(entry.ballot);
      writer.bytes(entry.payload);
    }
  },
  read: (reader) => {
    const count = reader.varint();
    if (count > reader.remaining) throw new DecodeError(`${count} entries in ${reader.remaining} bytes`);
    const first = reader.varint();
    // One encoding per value.
    if (count === 0 && first !== 0) throw new DecodeError(`no entries from ${first} on`);
    if (!Number.isSafeInteger(first + count)) throw new DecodeError("index above 2^53 - 1");
    const values: Entry[] = [];
    for (let i = 0; i < count; i++) {
      const kind = entryKinds[reader.u8()];
      if (kind === undefined) throw new DecodeError("an entry of no known kind");
      const entryBallot = ballot(reader.varint());
      values.push({ index: logIndex(first + i), ballot: entryBallot, kind, payload: reader.bytes() });
    }
    return values;
  },
};

export const membershipBytesCodec: Codec<Membership> = {
  write: (writer, value) => writer.bytes(encodeMembership(value)),
  read: (reader) => decodeMembership(byteView.read(reader)),
};
