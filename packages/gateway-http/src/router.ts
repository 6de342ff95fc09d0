/** Finds the operation that a method and a path name. */

import type { Operation } from "./operation.ts";

export interface Route {
  readonly operations: ReadonlyMap<string, Operation>;
  /** Still percent-encoded; "" where the path has none. */
  readonly bucket: string;
  readonly key: string;
  readonly node: string;
}

interface RoutePattern {
  readonly pattern: RegExp;
  readonly operations: Map<string, Operation>;
}

export class Router {
  readonly #patterns = new Map<string, RoutePattern>();

  constructor(operations: readonly Operation[]) {
    for (const operation of operations) {
      const { path, method } = operation;
      const known = this.#patterns.get(path) ?? {
        pattern: patternOf(path),
        operations: new Map<string, Operation>(),
      };
      known.operations.set(method, operation);
      this.#patterns.set(path, known);
    }
  }

  /** Undefined when no operation has such a path, whatever the method. */
  find(path: string): Route | undefined {
    for (const { pattern, operations } of this.#patterns.values()) {
      const found = pattern.exec(path);
      if (found === null) continue;
      const { bucket = "", key = "", node = "" } = found.groups ?? {};
      return { operations, bucket, key, node };
    }
    return undefined;
  }
}

function patternOf(path: string): RegExp {
  const source = path
    .replace("{bucket}", "(?<bucket>[^/]+)")
    .replace("{node}", "(?<node>[^/]+)")
    .replace("{key}", "(?<key>.+)");
  return new RegExp(`^${source}$`, "s");
}
