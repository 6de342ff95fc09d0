/** What all stages of a check work with: the stores, the pace, and the counts. */

import type { BucketId, ContentId, GroupId } from "@holdfast/base";
import { contentIdText, StoreError } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Bucket } from "@holdfast/namespace";
import { findBucketById } from "@holdfast/namespace";
import type { Clock, Hashing, StateReader } from "@holdfast/ports";
import type { GroupState } from "@holdfast/state";
import type { BucketDirectory } from "../buckets/bucket-directory.ts";
import type { NodeBlocks } from "../replication/node-blocks.ts";
import type { ShardReplica } from "../shard-replica.ts";
import type { FsckProblem, FsckProgress, FsckStage, FsckSummary, ProblemKind } from "./findings.ts";

export interface InspectionParts {
  readonly shards: readonly ShardReplica[];
  /** Of all groups on this node, the system group's first. */
  readonly states: readonly GroupState[];
  readonly system: StateReader;
  readonly directory: BucketDirectory;
  readonly blocks: BlockStore;
  /** Which blocks should be here, and where else they are. */
  readonly placed: Pick<NodeBlocks, "placement" | "slots" | "incomplete">;
  readonly hashing: Hashing;
  readonly clock: Clock;
  /** Aborted when the node stops. */
  readonly stopping: AbortSignal;
}

interface ProblemDetails {
  readonly files?: readonly string[];
  readonly content?: ContentId;
  readonly block?: string;
}

export class Inspection {
  readonly parts: InspectionParts;
  readonly deep: boolean;
  readonly #signal: AbortSignal | undefined;
  files = 0;
  contents = 0;
  blocks = 0;
  bytes = 0;
  unreferencedBytes = 0;
  awaitingErasureBytes = 0;
  incompleteReplicas = 0;
  #problems = 0;

  constructor(parts: InspectionParts, deep: boolean, signal: AbortSignal | undefined) {
    this.parts = parts;
    this.deep = deep;
    this.#signal = signal;
  }

  /** Lets everything else on this node go on; throws when the check is over. */
  async pause(): Promise<void> {
    await new Promise<void>((resolve) => this.parts.clock.soon(resolve));
    this.#signal?.throwIfAborted();
    if (this.parts.stopping.aborted)
      throw new StoreError("Stopped", "The node stopped while it was being checked. Check it again.");
  }

  problem(
    problem: ProblemKind,
    message: string,
    { files = [], content, block }: ProblemDetails = {},
  ): FsckProblem {
    return {
      kind: "problem",
      problem,
      message,
      files,
      ...(content === undefined ? {} : { content: contentIdText(content) }),
      ...(block === undefined ? {} : { block }),
    };
  }

  /** To be called for every problem that leaves the check. */
  countProblem(): void {
    this.#problems++;
  }

  progress(stage: FsckStage): FsckProgress {
    const { files, contents, blocks, bytes } = this;
    const blocksStored = this.parts.blocks.usage().blocks;
    return { kind: "progress", stage, files, contents, blocks, bytes, blocksStored };
  }

  summary(): FsckSummary {
    const { files, contents, blocks, bytes } = this;
    const { unreferencedBytes, awaitingErasureBytes, incompleteReplicas } = this;
    const problems = this.#problems;
    return {
      kind: "summary",
      clean: problems === 0,
      files,
      contents,
      blocks,
      bytes,
      problems,
      unreferencedBytes,
      awaitingErasureBytes,
      incompleteReplicas,
    };
  }

  /** Those with a replica here: their files are judged here. */
  get shardsHere(): readonly ShardReplica[] {
    return this.parts.shards.filter(({ isHere }) => isHere);
  }

  shardOf(id: ContentId): ShardReplica | undefined {
    return this.parts.shards[id.home];
  }

  bucket(id: BucketId): Bucket | undefined {
    return findBucketById(this.parts.system, id);
  }

  damagedState(group: GroupId): FsckProblem {
    return this.problem(
      "state-damaged",
      `The state of group ${group} cannot be read to its end: what lies behind the damage was not checked.`,
    );
  }
}
