/** The line that says where a store serves, which scripts wait for. */

import { printable } from "../command-line/format.ts";

export interface ServedAt {
  readonly s3: string;
  readonly http: string;
}

export function readyLine(store: ServedAt & { readonly data: string }, json: boolean): string {
  const { s3, http, data } = store;
  if (json) return `${JSON.stringify({ kind: "ready", s3, http, nodes: 1, data })}\n`;
  return `ready s3=${s3} http=${http} nodes=1 data=${printable(data)}\n`;
}
