/** JSON schemas of the documents that the native API takes and gives. */

type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const integer: Schema = { type: "integer", minimum: 0 };
const fraction: Schema = { type: "number" };
const timeMs: Schema = { type: "integer", description: "Milliseconds since 1970 UTC" };
const crc32: Schema = { type: "string", pattern: "^[0-9a-f]{8}$", description: "CRC-32 (IEEE) of all bytes" };
const etag: Schema = { type: "string", description: "Without quotes" };

function object(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  return {
    type: "object",
    properties,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
  };
}

function list(items: Schema): Schema {
  return { type: "array", items };
}

function reference(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const bucketSettings = {
  redundancy: { type: "string", description: "replicas:N or erasure:K+M" },
  blockBytes: integer,
};

const member = {
  id: text,
  zone: text,
  weight: integer,
  draining: flag,
  addresses: object({ rpc: text, http: text, s3: text }),
};

const fsckCounts = { files: integer, contents: integer, blocks: integer, bytes: integer };
const scrubCounts = { blocks: integer, bytes: integer, damagedBlocks: integer };

export const schemas: Readonly<Record<string, Schema>> = {
  Error: object({
    code: text,
    message: text,
    retryable: { type: "boolean", description: "Whether the same request may succeed later" },
    outcome: { type: "string", enum: ["not-applied", "applied", "unknown"] },
    fields: { type: "object", additionalProperties: { type: ["string", "number", "boolean"] } },
    requestId: text,
  }),
  Bucket: object({ name: text, owner: text, createdAtMs: timeMs, settings: object(bucketSettings) }),
  BucketList: object({ buckets: list(reference("Bucket")) }),
  CreateBucket: object({ settings: object(bucketSettings, ["redundancy", "blockBytes"]) }, ["settings"]),
  StoredFile: object(
    { bucket: text, key: text, version: text, bytes: integer, etag, crc32, modifiedAtMs: timeMs },
    ["crc32"],
  ),
  DeletedFile: object({ existed: { type: "boolean" } }),
  DeleteFiles: object({ files: list(object({ key: text, ifMatch: etag }, ["ifMatch"])) }),
  DeletedFiles: object({
    results: list({
      oneOf: [object({ existed: { type: "boolean" } }), object({ error: { type: "object" } })],
    }),
  }),
  ListedFile: object(
    {
      key: text,
      bytes: integer,
      etag,
      modifiedAtMs: timeMs,
      crc32,
      contentType: text,
      userMetadata: { type: "object", additionalProperties: text },
    },
    ["crc32", "contentType", "userMetadata"],
  ),
  FilePage: object({ files: list(reference("ListedFile")), prefixes: list(text), next: text }, ["next"]),
  Upload: object({ bucket: text, key: text, uploadId: text, createdAtMs: timeMs }),
  UploadPage: object({ uploads: list(reference("Upload")), next: object({ key: text, uploadId: text }) }, [
    "next",
  ]),
  Part: object({ part: integer, bytes: integer, etag, crc32, modifiedAtMs: timeMs }, ["crc32"]),
  PartPage: object({ upload: reference("Upload"), parts: list(reference("Part")), next: integer }, ["next"]),
  CompleteUpload: object({ parts: list(object({ part: integer, etag, crc32 }, ["crc32"])), crc32 }, [
    "crc32",
  ]),
  StoredFileOrUpload: { oneOf: [reference("StoredFile"), reference("Upload")] },
  FsckEvent: { oneOf: [reference("FsckFinding"), reference("FsckProgress"), reference("FsckSummary")] },
  FsckFinding: object(
    {
      kind: { type: "string", enum: ["problem", "note"] },
      problem: { type: "string", description: "What kind of problem, of a problem" },
      note: { type: "string", description: "What kind of note, of a note" },
      message: text,
      files: list(text),
      content: text,
      block: text,
      bytes: integer,
    },
    ["problem", "note", "files", "content", "block", "bytes"],
  ),
  FsckProgress: object({
    kind: { type: "string", const: "progress" },
    stage: { type: "string", enum: ["state", "files", "references", "contents", "blocks"] },
    ...fsckCounts,
    blocksStored: integer,
  }),
  FsckSummary: object({
    kind: { type: "string", const: "summary" },
    clean: { type: "boolean" },
    ...fsckCounts,
    problems: integer,
    unreferencedBytes: integer,
    awaitingErasureBytes: integer,
    incompleteReplicas: integer,
  }),
  DamagedReplica: object({ group: integer, reason: text }),
  Scrub: object(
    {
      running: object({ startedAtMs: timeMs, ...scrubCounts, blocksStored: integer }),
      last: object({
        startedAtMs: timeMs,
        finishedAtMs: timeMs,
        ...scrubCounts,
        repairedBlocks: integer,
        damaged: list(object({ block: text, files: list(text) })),
        stateProblems: list(text),
      }),
    },
    ["running", "last"],
  ),
  Layout: object({
    epoch: integer,
    partitionCount: integer,
    nodeCount: integer,
    zoneCount: integer,
    tables: list(
      object({
        width: integer,
        jointCount: integer,
        nodes: list(
          object({
            id: text,
            zone: text,
            weight: integer,
            draining: flag,
            slotCount: integer,
            share: fraction,
            wantedSlots: fraction,
            deviation: fraction,
          }),
        ),
        zones: list(object({ zone: text, nodeCount: integer, slotCount: integer })),
        maxOverShare: fraction,
        zonesPerPartitionMin: integer,
        zoneRuleBrokenCount: integer,
      }),
    ),
    drawing: text,
  }),
  LayoutProposal: object(
    {
      join: list(object({ zone: text, weight: integer })),
      leave: list(text),
      weights: list(object({ node: text, weight: integer })),
      widths: list(integer),
    },
    ["join", "leave", "weights", "widths"],
  ),
  LayoutPreview: object({
    changes: flag,
    movement: object({
      movedCount: integer,
      leastCount: integer,
      tables: list(
        object({ width: integer, movedCount: integer, leastCount: integer, movedFraction: fraction }),
      ),
      nodes: list(object({ id: text, inCount: integer, outCount: integer })),
    }),
    after: reference("Layout"),
  }),
  Cluster: object({
    clusterId: text,
    nodeId: { type: "string", description: "Of the node that answers" },
    consensus: { type: "string", enum: ["raft", "multipaxos"] },
    epoch: integer,
    nodes: list(
      object({
        ...member,
        state: { type: "string", enum: ["up", "down"], description: "down: not heard of lately" },
        isMember: { type: "boolean", description: "The layout lists it" },
        slots: integer,
        shardReplicas: integer,
        owedPartitions: { ...integer, description: "That are moving to it" },
      }),
    ),
    system: reference("Group"),
    shards: list({ allOf: [object({ shard: integer }), reference("Group")] }),
    partitions: object(
      {
        stable: integer,
        joint: { ...integer, description: "That are moving" },
        change: { ...integer, description: "The epoch at which the layout change under way began" },
        unclosedShards: { ...list(integer), description: "That the change waits for" },
        incomplete: integer,
      },
      ["change"],
    ),
    repairQueue: { ...integer, description: "Blocks that some slot lacks, as far as this node knows" },
  }),
  Group: object(
    {
      leader: { type: "string", description: "Missing while there is none, and where no replica is here" },
      voters: list(text),
      learners: list(text),
      applied: { ...integer, description: "Of the replica on this node; missing without one" },
    },
    ["leader", "applied"],
  ),
  ClusterMember: object(member),
  NodeChange: object({ zone: text, weight: integer, draining: flag }, ["zone", "weight", "draining"]),
  RemovedNode: object({ existed: flag }),
  IssueJoinToken: object({ lifetimeMs: integer }, ["lifetimeMs"]),
  JoinToken: object({ token: text, expiresAtMs: timeMs }),
  RevertLayout: object({ change: integer }),
  RevertedLayout: object({ reverted: flag }),
  ClusterStatus: object(
    {
      clusterId: text,
      nodeId: text,
      wallMs: { ...timeMs, description: "The node's clock: milliseconds since 1970 UTC" },
      startedAtMs: timeMs,
      clock: {
        ...object({ standing: text, aheadMs: integer }),
        description:
          "Among the other nodes' clocks: together, unsure, apart, or alone where none can be asked",
      },
      shards: list(object({ shard: integer, appliedIndex: integer })),
      log: object({ failed: flag, queuedBytes: integer, segments: integer, segmentsBytes: integer }),
      checkpoint: object({ lagEntries: integer, lagBytes: integer }),
      blocks: object({
        blocks: integer,
        volumes: integer,
        liveBytes: integer,
        deadBytes: integer,
        damagedFound: integer,
        failed: flag,
      }),
      disk: object({ freeBytes: integer, totalBytes: integer, reserveBytes: integer }),
      scrub: reference("Scrub"),
      replicas: object(
        {
          damaged: list(reference("DamagedReplica")),
          reloaded: integer,
          lastReloaded: reference("DamagedReplica"),
          apart: list(text),
        },
        ["lastReloaded"],
      ),
      ready: { type: "boolean", description: "Linearizable reads and deletes are served" },
      writable: { type: "boolean", description: "New data is taken too" },
      code: { type: "string", description: "Why not ready or not writable: an error code" },
      reason: text,
      server: object({ version: text, nodeVersion: text, threadPoolSize: integer, openFilesMax: integer }, [
        "openFilesMax",
      ]),
    },
    ["code", "reason", "server"],
  ),
};
