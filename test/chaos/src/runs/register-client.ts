/** One client of the register service: one operation after another, at any node, each recorded with what it saw. */

import type { Operation } from "@holdfast/linearizability";
import type { AnswerBody, RequestBody } from "../wire/messages.ts";
import { RegisterConnection } from "../wire/register-connection.ts";

const answerDeadlineMs = 5000;

export interface ClientWorld {
  readonly ports: readonly number[];
  /** Of one clock for all clients. */
  nowMs(): number;
  /** Below `count`. */
  draw(count: number): number;
  /** The register for the next operation. */
  key(): string;
  record(operation: Operation): void;
}

export class RegisterClient {
  readonly #name: string;
  readonly #world: ClientWorld;
  readonly #connections = new Map<number, RegisterConnection>();
  readonly #known = new Map<string, string | null>();
  #node: number;
  #valuesCount = 0;
  answersCount = 0;

  constructor(name: string, world: ClientWorld) {
    this.#name = name;
    this.#world = world;
    this.#node = world.draw(world.ports.length);
  }

  /** Reads, writes, and writes on condition, at random. */
  async operate(): Promise<void> {
    const key = this.#world.key();
    const choice = this.#world.draw(10);
    if (choice < 5) return this.#read(key);
    const known = this.#known.get(key);
    return this.#write(key, choice < 7 || known === undefined ? undefined : { expected: known });
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  async #read(key: string): Promise<void> {
    const called = this.#world.nowMs();
    // Any node answers reads.
    const answer = await this.#askAt(this.#world.draw(this.#world.ports.length), { kind: "Read", key });
    if (answer.kind !== "Value") return;
    const value = answer.value ?? null;
    this.#known.set(key, value);
    this.answersCount++;
    const returned = this.#world.nowMs();
    this.#world.record({ client: this.#name, key, kind: "read", value, called, returned });
  }

  async #write(key: string, condition: { readonly expected: string | null } | undefined): Promise<void> {
    const world = this.#world;
    const value = `${this.#name}-${++this.#valuesCount}`;
    const expected = condition === undefined ? undefined : (condition.expected ?? "");
    const called = world.nowMs();
    const answer = await this.#askAt(this.#node, { kind: "Write", key, value, expected });
    const outcome = outcomeOf(answer);
    if (answer.kind === "NotLeader") this.#node = answer.leader ?? world.draw(world.ports.length);
    else if (outcome === undefined || outcome === "unknown") this.#node = world.draw(world.ports.length);
    if (outcome === undefined) return;
    if (outcome === "ok") this.#known.set(key, value);
    if (outcome === "refused") this.#known.delete(key);
    if (outcome !== "unknown") this.answersCount++;
    const returned = outcome === "unknown" ? Number.POSITIVE_INFINITY : world.nowMs();
    world.record({ client: this.#name, key, kind: "write", value, condition, outcome, called, returned });
  }

  async #askAt(node: number, body: RequestBody): Promise<AnswerBody> {
    const connection = await this.#connection(node);
    return connection === undefined ? { kind: "Unavailable" } : connection.ask(body, answerDeadlineMs);
  }

  async #connection(node: number): Promise<RegisterConnection | undefined> {
    const known = this.#connections.get(node);
    if (known?.isOpen === true) return known;
    const opened = await RegisterConnection.open(this.#world.ports[node] ?? 0);
    if (opened !== undefined) this.#connections.set(node, opened);
    return opened;
  }
}

/** Undefined: nothing was changed, nothing is to be recorded. */
function outcomeOf(answer: AnswerBody): "ok" | "refused" | "unknown" | undefined {
  switch (answer.kind) {
    case "Written":
      return "ok";
    case "Unexpected":
      return "refused";
    case "Unknown":
      return "unknown";
    case "Value":
    case "Flooded":
    case "NotLeader":
    case "Unavailable":
      return undefined;
  }
}
