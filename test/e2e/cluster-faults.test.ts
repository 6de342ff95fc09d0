// What operators are told while a cluster of three is in trouble: doctor, cluster status, /readyz and /metrics, on both sides.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Holdfast } from "holdfast";
import { run } from "./cli-process.ts";

const deadlineMs = 30_000;

interface Told {
  readonly ready: boolean;
  readonly writable: boolean;
  readonly reason: string | undefined;
  /** `check severity`, of what is not well. */
  readonly doctor: readonly string[];
  readonly doctorCode: number | null;
  readonly verdict: string;
  readonly nodesUp: number;
  readonly leaderless: number;
}

async function toldBy(endpoint: string): Promise<Told> {
  const [ready, doctor, status, metrics] = await Promise.all([
    fetch(`${endpoint}/readyz`).then(
      async (answer): Promise<{ ready: boolean; writable: boolean; reason?: string }> =>
        JSON.parse(await answer.text()),
    ),
    run(["doctor", "--json"], { endpoint }),
    run(["cluster", "status"], { endpoint }),
    fetch(`${endpoint}/metrics`).then((answer) => answer.text()),
  ]);
  const findings = doctor.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ kind, severity }) => kind === "finding" && severity !== "ok");
  const ofProcess = new Set(["threads", "open-files", "node-runtime"]);
  const gauge = (name: string): number =>
    Number(new RegExp(`^holdfast_cluster_${name} (\\d+)$`, "m").exec(metrics)?.[1]);
  return {
    ready: ready.ready,
    writable: ready.writable,
    reason: ready.reason,
    doctor: findings
      .filter(({ check }) => !ofProcess.has(check))
      .map(({ check, severity }) => `${check} ${severity}`),
    doctorCode: doctor.code,
    verdict: status.stdout.trimEnd().split("\n").at(-1) ?? "",
    nodesUp: gauge("nodes_up"),
    leaderless: gauge("leaderless_groups"),
  };
}

/**
 * What the four of them say once they agree on what is expected. They are asked one after another, and a group may change
 * its leader in between: every one of them must get there, and all at once.
 */
async function untilTold(endpoint: string, expected: Omit<Told, "reason">): Promise<Told> {
  const endsAtMs = Date.now() + deadlineMs;
  for (;;) {
    const told = await toldBy(endpoint);
    const { reason: _, ...rest } = told;
    if (isDeepStrictEqual(rest, expected)) return told;
    if (Date.now() >= endsAtMs) assert.deepEqual(rest, expected);
    await wait(50);
  }
}

const allIsWell: Omit<Told, "reason"> = {
  ready: true,
  writable: true,
  doctor: [],
  doctorCode: 0,
  verdict: "all is well",
  nodesUp: 3,
  leaderless: 0,
};

suite("a cluster of three tells the truth", () => {
  test("while one node is cut off, on both sides, and when it is back", async () => {
    await using holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
    const [first = "", , third = ""] = holdfast.endpoints;
    await untilTold(first, allIsWell);

    await holdfast.partition([2], [0, 1]);
    await untilTold(first, {
      ready: true,
      writable: true,
      doctor: ["nodes warning"],
      doctorCode: 0,
      verdict: "served, but not all is well: 1 warning",
      nodesUp: 2,
      leaderless: 0,
    });
    const { reason } = await untilTold(third, {
      ready: false,
      writable: false,
      doctor: ["ready error", "nodes warning", "nodes warning", "system-group error", "shards error"],
      doctorCode: 1,
      verdict: "not well: 2 errors; some requests are not served",
      nodesUp: 1,
      leaderless: 17,
    });
    assert.match(reason ?? "", /^The system group has no leader that this node knows of/);

    await holdfast.heal();
    await untilTold(third, allIsWell);
    await untilTold(first, allIsWell);
  });
});
