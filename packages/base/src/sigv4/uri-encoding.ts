/** Percent-encoding as SigV4 asks for it: everything but `A-Za-z0-9-._~`, upper-case hex, UTF-8. */

import { utf8 } from "../bytes.ts";

const plain = /^[A-Za-z0-9\-._~]*$/;
const plainPath = /^[A-Za-z0-9\-._~/]*$/;

/** For one name or value of a query, or one segment of a path: "/" is encoded too. */
export function uriEncode(text: string): string {
  return plain.test(text) ? text : text.replace(/[^A-Za-z0-9\-._~]/gu, percentEncode);
}

/** For a whole path: "/" stays. */
export function uriEncodePath(text: string): string {
  return plainPath.test(text) ? text : text.replace(/[^A-Za-z0-9\-._~/]/gu, percentEncode);
}

/**
 * An encoded path in its one canonical spelling: decoded and encoded again, byte for byte, so that `%2f`, `%2F`, `%41`
 * and a client that leaves "(" alone all agree with S3. Nothing is normalized: dot segments and "//" stay.
 */
export function recodePath(path: string): string {
  return plainPath.test(path) ? path : path.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~/]/gu, recode);
}

/** As recodePath, for one name or value of a query, where "+" means a space. */
export function recodeQueryPart(part: string): string {
  return plain.test(part) ? part : part.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/gu, recodeForm);
}

function recodeForm(piece: string): string {
  return piece === "+" ? "%20" : recode(piece);
}

function recode(piece: string): string {
  if (piece.length !== 3 || !piece.startsWith("%")) return percentEncode(piece);
  const character = String.fromCharCode(Number.parseInt(piece.slice(1), 16));
  return plain.test(character) ? character : piece.toUpperCase();
}

function percentEncode(character: string): string {
  let text = "";
  for (const byte of utf8(character)) text += `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
  return text;
}
