/** A proxy on every way from one node to another, so that ways can be cut, or stalled in one direction. */

import { present } from "@holdfast/base";
import { PairProxy } from "./pair-proxy.ts";

/** On the way from the first to the second. */
export type Way = (from: number, to: number) => boolean;

export class Links {
  /** By the node that dials, then the one that listens; none from a node to itself. */
  readonly #proxies: readonly (readonly (PairProxy | undefined)[])[];

  private constructor(proxies: readonly (readonly (PairProxy | undefined)[])[]) {
    this.#proxies = proxies;
  }

  /** `ports`: where each node listens for the others. */
  static async open(ports: readonly number[]): Promise<Links> {
    const proxies = ports.map((_, from) =>
      Promise.all(ports.map(async (port, to) => (from === to ? undefined : await PairProxy.open(port)))),
    );
    return new Links(await Promise.all(proxies));
  }

  /** Where `from` dials to reach `to`. */
  port(from: number, to: number): number {
    return present(this.#proxies[from]?.[to], "a proxy").port;
  }

  cut(concerned: Way): void {
    this.#each((proxy, from, to) => {
      if (concerned(from, to) || concerned(to, from)) proxy.set("cut");
    });
  }

  /** Nothing passes on these ways, and the connections do not end. */
  stall(concerned: Way): void {
    this.#each((proxy, from, to) => {
      if (concerned(from, to)) proxy.set("stalled-there");
      else if (concerned(to, from)) proxy.set("stalled-back");
    });
  }

  heal(): void {
    this.#each((proxy) => proxy.set("open"));
  }

  close(): void {
    this.#each((proxy) => proxy.close());
  }

  #each(action: (proxy: PairProxy, from: number, to: number) => void): void {
    for (const [from, row] of this.#proxies.entries())
      for (const [to, proxy] of row.entries()) if (proxy !== undefined) action(proxy, from, to);
  }
}
