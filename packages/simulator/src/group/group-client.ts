/**
 * A client of a simulated group: one operation at a time, a write with the same attempt again and again until an answer
 * comes (S15), or a read at any replica. Gives up after a while: then the outcome is unknown.
 */

import type { Random } from "@holdfast/base";
import { chance, present, uniform } from "@holdfast/base";
import type { Envelope, ReplicaId } from "@holdfast/consensus";
import type { GroupChecks } from "./group-checks.ts";
import type { MachineKind } from "./group-machine.ts";
import type { GroupPlan } from "./group-plan.ts";
import type { SimulatedReplica } from "./simulated-replica.ts";

export interface ClientWorld<Message extends Envelope> {
  readonly plan: GroupPlan;
  readonly machine: MachineKind;
  readonly random: Random;
  readonly checks: GroupChecks;
  now(): number;
  running(): readonly SimulatedReplica<Message>[];
}

const patienceTicks = 400;
const keysCount = 4;

interface Operation {
  readonly kind: "open writer" | "write" | "read";
  readonly key: number;
  readonly value: number;
  readonly beganAt: number;
  readonly answeredBefore: number;
  triedAt: number;
}

export class GroupClient<Message extends Envelope> {
  readonly #client: number;
  /** Undefined until it is open, where writers are opened. */
  #writer: number | undefined;
  readonly #world: ClientWorld<Message>;
  #attempt = 0;
  #operation: Operation | undefined;
  #leader: ReplicaId | undefined;
  /** Answered operations. */
  answersCount = 0;

  constructor(client: number, world: ClientWorld<Message>) {
    this.#client = client;
    this.#writer = world.machine.openWriter === undefined ? client : undefined;
    this.#world = world;
  }

  /** Begins something, unless it waits for an answer. */
  begin(): void {
    if (this.#operation !== undefined) return;
    const { plan, random, checks } = this.#world;
    const write = this.#writer === undefined ? "open writer" : "write";
    const kind = uniform(random, 100) < plan.readsPercent ? "read" : write;
    if (kind === "write") this.#attempt++;
    const beganAt = this.#world.now();
    this.#operation = {
      kind,
      key: uniform(random, keysCount),
      value: uniform(random, 1_000_000),
      beganAt,
      answeredBefore: checks.answeredIndex,
      triedAt: beganAt,
    };
    this.#try(this.#operation);
  }

  pass(): void {
    const operation = this.#operation;
    if (operation === undefined) return;
    const now = this.#world.now();
    if (now - operation.beganAt > patienceTicks) this.#operation = undefined;
    else if (now - operation.triedAt >= this.#world.plan.retryTicks) this.#try(operation);
  }

  #try(operation: Operation): void {
    operation.triedAt = this.#world.now();
    const replica = this.#pickReplica();
    if (replica === undefined) return;
    if (operation.kind === "read") this.#read(replica, operation);
    else this.#write(replica, operation);
  }

  #write(replica: SimulatedReplica<Message>, operation: Operation): void {
    const attempt = this.#attempt;
    const command = this.#command(operation);
    const answer = replica.propose(command, (executed) => {
      if (executed === undefined || this.#attempt !== attempt) return;
      if (operation.kind === "open writer") this.#writer ??= executed;
      this.#answer(operation, executed);
    });
    if (answer.kind === "proposed") return;
    this.#leader = answer.kind === "not-leader" ? answer.leader : undefined;
    // Soon again, elsewhere.
    operation.triedAt -= this.#world.plan.retryTicks - 3;
  }

  #command({ kind, key, value }: Operation): Uint8Array {
    const { machine } = this.#world;
    if (kind === "open writer") return present(machine.openWriter, "writers are opened")(this.#client);
    const writer = present(this.#writer, "writer");
    return machine.encodeWrite({ writer, attempt: this.#attempt, key, value });
  }

  #read(replica: SimulatedReplica<Message>, operation: Operation): void {
    replica.read((index) => {
      if (index !== undefined) this.#answer(operation, index);
    });
  }

  #answer(operation: Operation, index: number): void {
    if (this.#operation !== operation) return;
    const { kind, answeredBefore } = operation;
    this.#world.checks.onAnswer(`a ${kind} of client ${this.#client}`, index, answeredBefore);
    this.answersCount++;
    this.#operation = undefined;
  }

  #pickReplica(): SimulatedReplica<Message> | undefined {
    const all = this.#world.running();
    // Those that left the group, or wait to join it, answer nobody.
    const serving = all.filter(({ status }) => status.leader !== undefined);
    const running = serving.length > 0 ? serving : all;
    const { random } = this.#world;
    const known = chance(random, 0.7) ? running.find(({ id }) => id === this.#leader) : undefined;
    return known ?? running[uniform(random, Math.max(1, running.length))];
  }
}
