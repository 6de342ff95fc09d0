/** The canonical request of SigV4, as S3 forms it: the path is encoded once and never normalized. */

import { recodePath, recodeQueryPart } from "./uri-encoding.ts";

/** What a signature covers, as it stands on the wire. */
export interface SignableRequest {
  readonly method: string;
  /** Still percent-encoded, without the query. */
  readonly path: string;
  /** Behind the "?", still encoded; "" when there is none. */
  readonly query: string;
  /** Lower-case names; `host` must be there. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export function canonicalRequest(
  request: SignableRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  let headers = "";
  for (const name of signedHeaders) headers += `${name}:${canonicalValue(request.headers[name] ?? "")}\n`;
  const path = recodePath(request.path === "" ? "/" : request.path);
  const query = canonicalQuery(request.query);
  return `${request.method}\n${path}\n${query}\n${headers}\n${signedHeaders.join(";")}\n${payloadHash}`;
}

/** Sorted by encoded name, then by encoded value; "a" reads "a="; the signature itself is left out. */
export function canonicalQuery(query: string): string {
  if (query === "") return "";
  const pairs: { readonly name: string; readonly value: string }[] = [];
  for (const piece of query.split("&")) {
    if (piece === "") continue;
    const split = piece.indexOf("=");
    const name = recodeQueryPart(split < 0 ? piece : piece.slice(0, split));
    if (name === "X-Amz-Signature") continue;
    pairs.push({ name, value: split < 0 ? "" : recodeQueryPart(piece.slice(split + 1)) });
  }
  pairs.sort((a, b) => compareAscii(a.name, b.name) || compareAscii(a.value, b.value));
  return pairs.map(({ name, value }) => `${name}=${value}`).join("&");
}

function compareAscii(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function canonicalValue(value: string): string {
  return /^\s|\s$|\s{2}/.test(value) ? value.trim().replace(/\s+/g, " ") : value;
}
