/** Where a node listens: `host:port`, `:port`, `port`, `[::1]:port`. Port 0 takes a free one. */

import { UsageError } from "../command-line/failure.ts";

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const pattern = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^[\]:\s/]*)):)?(\d{1,5})$/;

export function parseListenAddress(text: string): ListenAddress {
  const match = pattern.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    throw new UsageError(
      `"${text}" is no address to listen on; expected HOST:PORT, for example 127.0.0.1:9000`,
    );
  }
  const host = match[1] ?? match[2];
  return { host: host === undefined || host === "" ? "127.0.0.1" : host, port };
}

export function listenAddressText(address: ListenAddress): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** As a client on this machine reaches it. */
export function urlOf(address: ListenAddress): string {
  return `http://${listenAddressText(isEverywhere(address) ? { ...address, host: "127.0.0.1" } : address)}`;
}

/** Whether one of them would be in the other's way; free ports never are. */
export function collide(one: ListenAddress, other: ListenAddress): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || isEverywhere(one) || isEverywhere(other);
}

function isEverywhere({ host }: ListenAddress): boolean {
  return host === "0.0.0.0" || host === "::";
}
