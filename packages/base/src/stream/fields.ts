/**
 * What an operation or an answer says besides its body: the headers that it has over HTTP. Usual names are one byte.
 *
 *   fields: count, then for each: number of the name (1), or 0 and the name as text; value as text
 */

import type { ByteReader, Codec } from "../codec.ts";
import { DecodeError, text } from "../codec.ts";
import { streamLimits } from "./limits.ts";

/** Lower-case names. */
export type Fields = Readonly<Record<string, string | undefined>>;

/** Numbered from 1 on: append, never reorder. */
const usualNames = [
  "content-type",
  "content-length",
  "content-range",
  "content-disposition",
  "content-language",
  "cache-control",
  "expires",
  "range",
  "etag",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "accept-ranges",
  "x-holdfast-bytes",
  "x-holdfast-content-encoding",
  "x-holdfast-crc32",
  "x-holdfast-error",
  "x-holdfast-modified-at-ms",
  "x-holdfast-outcome",
  "x-holdfast-request-id",
  "x-holdfast-version",
] as const;

const numberOfName: ReadonlyMap<string, number> = new Map(usualNames.map((name, i) => [name, i + 1]));

export const fieldsCodec: Codec<Fields> = {
  write: (writer, fields) => {
    const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
    writer.varint(names.length);
    for (const name of names) {
      const number = numberOfName.get(name) ?? 0;
      writer.u8(number);
      if (number === 0) writer.text(name);
      writer.text(fields[name] ?? "");
    }
  },
  read: (reader) => {
    const fields: Record<string, string | undefined> = {};
    const begin = reader.offset;
    const count = reader.varint();
    if (count > reader.remaining) throw new DecodeError(`${count} fields in ${reader.remaining} bytes`);
    for (let i = 0; i < count; i++) {
      const name = readName(reader);
      // Of two conditions neither may be dropped.
      if (Object.hasOwn(fields, name)) throw new DecodeError(`the field ${name} is given twice`);
      fields[name] = text.read(reader);
    }
    if (reader.offset - begin > streamLimits.headBytesMax) throw new DecodeError("fields that are too long");
    return fields;
  },
};

function readName(reader: ByteReader): string {
  const number = reader.u8();
  if (number === 0) return checkedName(text.read(reader));
  const name = usualNames[number - 1];
  if (name === undefined) throw new DecodeError(`unknown name of a field: ${number}`);
  return name;
}

/** As HTTP allows them (RFC 9110 section 5.1), in lower case. */
function checkedName(name: string): string {
  if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && name !== "__proto__") return name;
  throw new DecodeError("malformed name of a field");
}
