/** The line that says where a store serves, which scripts wait for. */

import { printable } from "../command-line/format.ts";

export interface ServedAt {
  readonly s3: string;
  readonly http: string;
}

export interface ReadyStore extends ServedAt {
  /** How many were started. */
  readonly nodes: number;
  readonly data: string;
}

export function readyLine({ s3, http, nodes, data }: ReadyStore, json: boolean): string {
  if (json) return `${JSON.stringify({ kind: "ready", s3, http, nodes, data })}\n`;
  return `ready s3=${s3} http=${http} nodes=${nodes} data=${printable(data)}\n`;
}
