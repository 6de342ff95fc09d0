/** Another process, seen through its inspector (the Chrome DevTools protocol over a WebSocket). */

import { once } from "node:events";
import type { Profiler } from "node:inspector";

const samplingMicros = 200;

export interface CpuMicros {
  readonly main: number;
  readonly all: number;
}

interface Answer {
  readonly id: number;
  readonly result: never;
}

export class InspectedProcess {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (result: never) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as Answer;
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  static async open(port: number): Promise<InspectedProcess> {
    const answer = await fetch(`http://127.0.0.1:${port}/json`);
    const [target] = (await answer.json()) as { readonly webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error("the inspector has nothing to show");
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await once(socket, "open");
    return new InspectedProcess(socket);
  }

  /** Used since the process began. */
  async cpuMicros(): Promise<CpuMicros> {
    const expression = "JSON.stringify([process.threadCpuUsage(), process.cpuUsage()])";
    const { result } = await this.#call<{ readonly result: { readonly value: string } }>("Runtime.evaluate", {
      expression,
    });
    const [main = 0, all = 0] = (JSON.parse(result.value) as { user: number; system: number }[]).map(
      ({ user, system }) => user + system,
    );
    return { main, all };
  }

  /** All of it; what is gone is given back to the system as far as V8 does. */
  async collectGarbage(): Promise<void> {
    await this.#call("HeapProfiler.collectGarbage");
  }

  async beginProfile(): Promise<void> {
    await this.#call("Profiler.enable");
    await this.#call("Profiler.setSamplingInterval", { interval: samplingMicros });
    await this.#call("Profiler.start");
  }

  async endProfile(): Promise<Profiler.Profile> {
    return (await this.#call<{ readonly profile: Profiler.Profile }>("Profiler.stop")).profile;
  }

  close(): void {
    this.#socket.close();
  }

  #call<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#lastId;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}
