/**
 * Worker threads that hash. Started when first needed, at most two; a worker without work does not keep the process
 * alive, one with work does. When a worker dies, the digests it had fail and a new one is started for the next.
 */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { DigestAlgorithm } from "@holdfast/ports";
import type { DigestReply, DigestRequest } from "./digest-messages.ts";

const workersMax = Math.max(1, Math.min(2, availableParallelism() - 1));

/** What a digest in a worker hears. */
export interface DigestListener {
  /** A chunk is hashed; its memory may be used again. */
  onUpdated(data: Uint8Array): void;
  onFinished(digest: Uint8Array): void;
  onFailed(error: Error): void;
}

/** One digest's way to its worker. */
export interface DigestChannel {
  /** The data's memory is given away, unless it is shared. */
  update(data: Uint8Array): void;
  finish(): void;
  cancel(): void;
}

interface Member {
  readonly worker: Worker;
  readonly listeners: Map<number, DigestListener>;
}

export class DigestPool {
  readonly #members: Member[] = [];
  #idLast = 0;

  begin(algorithm: DigestAlgorithm, listener: DigestListener): DigestChannel {
    const member = this.#leastBusy();
    const id = ++this.#idLast;
    member.listeners.set(id, listener);
    member.worker.ref();
    const post = (request: DigestRequest, transfer: ArrayBuffer[] = []): void => {
      if (member.listeners.has(id)) member.worker.postMessage(request, transfer);
    };
    post({ kind: "begin", id, algorithm });
    return {
      update: (data) =>
        post({ kind: "update", id, data }, data.buffer instanceof ArrayBuffer ? [data.buffer] : []),
      finish: () => post({ kind: "finish", id }),
      cancel: () => {
        post({ kind: "cancel", id });
        forget(member, id);
      },
    };
  }

  #leastBusy(): Member {
    const [least] = this.#members.toSorted((a, b) => a.listeners.size - b.listeners.size);
    if (least !== undefined && (least.listeners.size === 0 || this.#members.length >= workersMax))
      return least;
    return this.#start();
  }

  #start(): Member {
    // Sources and build alike: the compiler does not rewrite such names.
    const fromSources = import.meta.url.endsWith(".ts");
    const worker = new Worker(new URL(`./digest-worker${fromSources ? ".ts" : ".js"}`, import.meta.url), {
      name: "digest",
      // Not the process' own: not all of its options are for a worker.
      execArgv: fromSources ? ["--conditions=holdfast-source"] : [],
    });
    const member: Member = { worker, listeners: new Map() };
    worker.on("message", (reply: DigestReply) => onReply(member, reply));
    worker.on("error", (error) =>
      this.#onEnd(member, error instanceof Error ? error : new Error(String(error))),
    );
    worker.on("exit", () => this.#onEnd(member, new Error("the hashing thread ended")));
    worker.unref();
    this.#members.push(member);
    return member;
  }

  #onEnd(member: Member, error: Error): void {
    const position = this.#members.indexOf(member);
    if (position >= 0) this.#members.splice(position, 1);
    const listeners = [...member.listeners.values()];
    member.listeners.clear();
    for (const listener of listeners) listener.onFailed(error);
  }
}

function onReply(member: Member, reply: DigestReply): void {
  const listener = member.listeners.get(reply.id);
  if (reply.kind === "updated") {
    listener?.onUpdated(reply.data);
    return;
  }
  forget(member, reply.id);
  listener?.onFinished(reply.digest);
}

function forget(member: Member, id: number): void {
  member.listeners.delete(id);
  if (member.listeners.size === 0) member.worker.unref();
}
