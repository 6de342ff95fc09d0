/**
 * Compares the digests of the groups here with those that other replicas have at the same index (S12), now and then and in each scrub.
 * A state that a majority of the voters differs from is condemned; where no majority says whose is wrong, people are told.
 */

import type { GroupId, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode } from "@holdfast/base";
import type { Clock, Journal, Metrics, Network } from "@holdfast/ports";
import { allMetrics, emptyBody, NetworkError } from "@holdfast/ports";
import type { NodeGroups, ServedReplica } from "../groups/node-groups.ts";
import { Rounds } from "../maintenance/rounds.ts";
import type { DigestVerdict, VoterDigests } from "./digest-verdict.ts";
import { digestVerdict } from "./digest-verdict.ts";
import type { StateReloads } from "./state-reloads.ts";
import type { DigestAt, GroupDigests } from "./state-wire.ts";
import { askedGroupsMax, stateAnswerCodec, stateQuestionCodec } from "./state-wire.ts";

export interface DigestComparerParts {
  readonly network: Network;
  readonly groups: Pick<NodeGroups, "openGroups" | "served" | "voterHomes">;
  readonly reloads: Pick<StateReloads, "condemn">;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: Metrics;
}

/** A replica here, and where the voters of its group live. */
interface Compared {
  readonly group: GroupId;
  readonly served: ServedReplica;
  readonly voters: readonly NodeId[];
  /** When the others are asked. */
  readonly digests: readonly DigestAt[];
}

const intervalMs = 60_000;

export class DigestComparer {
  readonly #parts: DigestComparerParts;
  readonly #rounds: Rounds;
  /** By group: what is wrong, where nobody knows whose. */
  readonly #apart = new Map<GroupId, string>();

  constructor(parts: DigestComparerParts) {
    this.#parts = parts;
    this.#rounds = new Rounds(parts, "comparing digests", async () => {
      await this.compare();
      return intervalMs;
    });
    parts.metrics.watch(allMetrics.stateDigestsApart, {}, () => this.#apart.size);
  }

  start(): void {
    this.#rounds.start(intervalMs);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Groups whose replicas are apart while no majority says which is right, in sentences; as the last comparison found. */
  get apart(): readonly string[] {
    return [...this.#apart.values()];
  }

  /** Compares all groups now; what is wrong, in sentences. */
  async compare(): Promise<readonly string[]> {
    const compared = this.#compared();
    for (const group of this.#apart.keys())
      if (!compared.some((each) => each.group === group)) this.#apart.delete(group);
    const answers = await this.#askOthers(compared);
    return compared.flatMap((each) => {
      const others = each.voters.flatMap((node) => digestsOf(answers, node, each.group));
      const problem = this.#judge(each, others);
      return problem === undefined ? [] : [problem];
    });
  }

  #compared(): readonly Compared[] {
    const { groups } = this.#parts;
    return groups.openGroups.flatMap((group) => {
      const served = groups.served(group);
      const voters = groups.voterHomes(group);
      if (served === undefined || voters === undefined) return [];
      return [{ group, served, voters, digests: served.digests }];
    });
  }

  /** By node; of one that does not answer there is nothing. */
  async #askOthers(compared: readonly Compared[]): Promise<ReadonlyMap<NodeId, readonly GroupDigests[]>> {
    const { self } = this.#parts.network;
    const asked = new Map<NodeId, GroupId[]>();
    for (const { group, voters } of compared)
      for (const node of voters) if (node !== self) asked.set(node, [...(asked.get(node) ?? []), group]);
    const answers = await Promise.all(
      Array.from(asked, async ([node, groups]) => [node, await this.#ask(node, groups)] as const),
    );
    return new Map(answers);
  }

  async #ask(node: NodeId, groups: readonly GroupId[]): Promise<readonly GroupDigests[]> {
    const { network } = this.#parts;
    const known: GroupDigests[] = [];
    try {
      for (let i = 0; i < groups.length; i += askedGroupsMax) {
        const head = encode(stateQuestionCodec, {
          kind: "digests",
          groups: groups.slice(i, i + askedGroupsMax),
        });
        const answer = await network.exchange(node, { head, body: emptyBody }, this.#rounds.signal);
        const said = decode(stateAnswerCodec, answer.head);
        if (said.kind === "digests") known.push(...said.groups);
      }
    } catch (error) {
      if (!(error instanceof NetworkError) && !(error instanceof DecodeError)) throw error;
    }
    return known;
  }

  #judge({ group, served, voters, digests }: Compared, others: readonly VoterDigests[]): string | undefined {
    const { groups, network } = this.#parts;
    // It may have ended, or have been opened anew, while the others were asked.
    if (groups.served(group) !== served) return undefined;
    const isVoter = voters.includes(network.self);
    const verdict = digestVerdict(joined(digests, served.digests), others, {
      voters: voters.length,
      isVoter,
    });
    const problem = this.#carryOut(group, served, verdict);
    if (verdict.kind !== "apart") this.#apart.delete(group);
    return problem;
  }

  #carryOut(group: GroupId, { state }: ServedReplica, verdict: DigestVerdict): string | undefined {
    const { reloads, journal } = this.#parts;
    switch (verdict.kind) {
      case "together":
        return undefined;
      case "outvoted": {
        const { index, by } = verdict;
        reloads.condemn(state, `at index ${index} it is not the state that nodes ${by.join(", ")} have`, by);
        return `The state of group ${group} is not that of the other replicas at index ${index}: it is loaded anew.`;
      }
      case "apart": {
        const { index, from } = verdict;
        const problem = `The replicas of group ${group} here and on ${from.join(", ")} have different states at index ${index}, and no majority says which is right.`;
        if (!this.#apart.has(group)) journal.error("replicas apart", { group, index, nodes: from.join(" ") });
        this.#apart.set(group, problem);
        return problem;
      }
    }
  }
}

/** Of the same replica, earlier and now. */
function joined(earlier: readonly DigestAt[], now: readonly DigestAt[]): readonly DigestAt[] {
  const known = new Set(now.map(({ index }) => index));
  return [...earlier.filter(({ index }) => !known.has(index)), ...now].sort((a, b) => a.index - b.index);
}

function digestsOf(
  answers: ReadonlyMap<NodeId, readonly GroupDigests[]>,
  node: NodeId,
  group: GroupId,
): readonly VoterDigests[] {
  const found = answers.get(node)?.find((each) => each.group === group);
  return found === undefined ? [] : [{ node, digests: found.digests }];
}
