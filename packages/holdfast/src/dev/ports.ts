/** Where node i of `holdfast dev` listens: S3 on base + 10 i, HTTP on the next port, other nodes on the one behind that. */

import { UsageError } from "../command-line/failure.ts";

const portsApart = 10;

/** Base 0 takes free ports for everything. */
export function portFlags(base: number, number: number): readonly string[] {
  const first = base + portsApart * number;
  const rpc = `127.0.0.1:${base === 0 ? 0 : first + 2}`;
  return [...clientPortFlags(base, number), "--rpc", rpc];
}

/** Of a node that others know: they would look for it at its old port. */
export function clientPortFlags(base: number, number: number): readonly string[] {
  const first = base + portsApart * number;
  const address = (offset: number): string => `127.0.0.1:${base === 0 ? 0 : first + offset}`;
  return ["--s3", address(0), "--http", address(1)];
}

/** UsageError when the highest node would need ports that there are not. */
export function requirePorts(base: number, numberMax: number): void {
  const last = base + portsApart * numberMax + 2;
  if (base !== 0 && last > 65_535)
    throw new UsageError(`--base-port ${base} is too high: node ${numberMax} would listen on port ${last}`);
}
