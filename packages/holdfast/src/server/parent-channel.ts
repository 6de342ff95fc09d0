/**
 * A node that another process of ours started (`holdfast dev`) hears of that process' end by a channel between them,
 * whichever way it ends: the kernel closes the channel even of a process that was killed.
 */

import type { Explanation } from "../command-line/failure.ts";
import { explain } from "../command-line/failure.ts";
import type { ServedAt } from "./ready-line.ts";

export type ChildReport =
  | ({ readonly kind: "ready" } & ServedAt)
  | { readonly kind: "failed"; readonly explanation: Explanation };

export interface ParentChannel {
  readonly connected: boolean;
  /** Resolves when the parent is gone; never without a parent. */
  readonly gone: Promise<void>;
  reportReady(at: ServedAt): Promise<void>;
  reportFailure(error: unknown): Promise<void>;
  /** Lets the process end. */
  close(): void;
}

export function openParentChannel(): ParentChannel {
  const connected = process.send !== undefined;
  const gone = new Promise<void>((resolve) => {
    if (connected) process.once("disconnect", () => resolve());
  });
  return {
    connected,
    gone,
    reportReady: (at) => send({ kind: "ready", ...at }),
    reportFailure: (error) => send({ kind: "failed", explanation: explain(error) }),
    close: () => {
      if (process.connected) process.disconnect();
    },
  };
}

/** A parent that is gone hears nothing, and its end is what `gone` tells. */
function send(report: ChildReport): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) return resolve();
    process.send(report, undefined, undefined, () => resolve());
  });
}
