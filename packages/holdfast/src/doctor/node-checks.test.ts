import assert from "node:assert/strict";
import { test } from "node:test";
import { GiB, MiB } from "@holdfast/base";
import type { ClusterStatus } from "@holdfast/client";
import { fileSystemFinding, spaceFinding } from "./file-system.ts";
import type { Finding } from "./finding.ts";
import { nodeFindings, runtimeFinding } from "./node-checks.ts";

const healthy: ClusterStatus = {
  clusterId: "c",
  nodeId: "n",
  wallMs: 1,
  startedAtMs: 1,
  clock: { standing: "together", aheadMs: 12 },
  shards: [],
  log: { failed: false, queuedBytes: 0, segments: 1, segmentsBytes: 64 * MiB },
  checkpoint: { lagEntries: 10, lagBytes: 4096 },
  blocks: { blocks: 1, volumes: 1, liveBytes: MiB, deadBytes: 0, damagedFound: 0, failed: false },
  disk: { freeBytes: 80 * GiB, totalBytes: 100 * GiB, reserveBytes: 5 * GiB },
  scrub: { running: undefined, last: undefined },
  replicas: { damaged: [], reloaded: 0, lastReloaded: undefined, apart: [] },
  ready: true,
  writable: true,
  code: undefined,
  reason: undefined,
  server: { version: "1.0.0", nodeVersion: "24.1.0", threadPoolSize: 16, openFilesMax: 65_536 },
};

const dayMs = 24 * 60 * 60_000;
const scrubbed = {
  startedAtMs: 1,
  finishedAtMs: dayMs,
  blocks: 7,
  bytes: MiB,
  damagedBlocks: 0,
  damaged: [],
  stateProblems: [],
};

function findings(changes: Partial<ClusterStatus>): ReadonlyMap<string, Finding> {
  return new Map(
    nodeFindings({ ...healthy, ...changes }, "1.0.0").map((finding) => [finding.check, finding]),
  );
}

test("doctor: a healthy node has nothing but good findings", () => {
  for (const { check, severity } of findings({}).values()) assert.equal(severity, "ok", check);
});

test("doctor: each trouble is found, explained, and has a next step", () => {
  const { log, blocks, disk, replicas, server } = healthy;
  const damaged = { group: 2, reason: "a value of it does not match its checksum" };
  assert.ok(server !== undefined);
  const troubles: readonly [string, Finding["severity"], Partial<ClusterStatus>][] = [
    ["disk", "error", { disk: { ...disk, freeBytes: 5 * GiB } }],
    ["disk", "warning", { disk: { ...disk, freeBytes: 9 * GiB } }],
    ["log", "error", { log: { ...log, failed: true } }],
    ["blocks", "error", { blocks: { ...blocks, damagedFound: 2 } }],
    ["blocks", "error", { blocks: { ...blocks, failed: true } }],
    ["checkpoint", "warning", { checkpoint: { lagEntries: 2_000_000, lagBytes: 1 } }],
    ["checkpoint", "warning", { checkpoint: { lagEntries: 1, lagBytes: GiB } }],
    ["scrub", "warning", { wallMs: 20 * dayMs }],
    ["scrub", "warning", { wallMs: 40 * dayMs, scrub: { running: undefined, last: scrubbed } }],
    ["scrub", "error", { scrub: { running: undefined, last: { ...scrubbed, damagedBlocks: 1 } } }],
    ["replicas", "error", { replicas: { ...replicas, damaged: [damaged] } }],
    ["replicas", "error", { replicas: { ...replicas, apart: ["The replicas of group 1 differ."] } }],
    ["replicas", "warning", { replicas: { ...replicas, reloaded: 2, lastReloaded: damaged } }],
    ["node-clock", "error", { clock: { standing: "apart", aheadMs: -61_000 } }],
    ["node-clock", "warning", { clock: { standing: "unsure", aheadMs: 0 } }],
    ["version", "warning", { server: { ...server, version: "2.0.0" } }],
    ["node-runtime", "error", { server: { ...server, nodeVersion: "22.17.9" } }],
    ["threads", "warning", { server: { ...server, threadPoolSize: 4 } }],
    ["open-files", "warning", { server: { ...server, openFilesMax: 1024 } }],
  ];
  for (const [check, severity, changes] of troubles) {
    const all = findings(changes);
    const found = all.get(check);
    assert.equal(found?.severity, severity, check);
    assert.ok((found?.why ?? "").length > 20 && (found?.next ?? "").length > 10, check);
    assert.equal([...all.values()].filter((other) => other.severity !== "ok").length, 1, check);
  }
});

test("doctor: file systems that keep nothing, that are far, and that go with a container", () => {
  const severity = (type: number): string => fileSystemFinding(type, "linux").severity;
  assert.equal(severity(0xef53), "ok");
  assert.equal(severity(0x01021994), "error");
  assert.equal(severity(0x6969), "warning");
  assert.equal(severity(0x794c7630), "warning");
  assert.equal(severity(0x1234), "ok");
  assert.equal(fileSystemFinding(0x01021994, "darwin").severity, "ok");
});

test("doctor: space below the reserve, which is 5 % and at least 1 GiB", () => {
  assert.equal(spaceFinding(6 * GiB, 100 * GiB).severity, "ok");
  assert.equal(spaceFinding(5 * GiB, 100 * GiB).severity, "error");
  assert.equal(spaceFinding(GiB, 2 * GiB).severity, "error");
});

test("doctor: Node from 22.18 on will do", () => {
  for (const version of ["22.18.0", "24.0.0", "23.1.0"])
    assert.equal(runtimeFinding("runtime", version).severity, "ok", version);
  for (const version of ["22.17.0", "20.20.0", "18.0.0"])
    assert.equal(runtimeFinding("runtime", version).severity, "error", version);
});
