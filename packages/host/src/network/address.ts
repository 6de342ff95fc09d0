import { BlockList } from "node:net";

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Of `host:port` or `[address]:port`; undefined when it is neither. */
export function parseAddress(address: string): HostAndPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

export function formatAddress({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** A literal address of this machine alone; names are none, whatever they lead to. */
export function isLoopback(host: string): boolean {
  return loopback.check(host, "ipv4") || loopback.check(host, "ipv6");
}
