// What operators are told while a cluster of three is in trouble: doctor, cluster status, /readyz and /metrics, on both sides.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { Holdfast } from "holdfast";
import { run } from "./cli-process.ts";

const deadlineMs = 30_000;

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const endsAtMs = Date.now() + deadlineMs;
  while (!(await holds())) {
    assert.ok(Date.now() < endsAtMs, what);
    await wait(50);
  }
}

interface Told {
  readonly ready: { readonly ready: boolean; readonly writable: boolean; readonly reason?: string };
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
      async (answer): Promise<Told["ready"]> => JSON.parse(await answer.text()),
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
    ready,
    doctor: findings
      .filter(({ check }) => !ofProcess.has(check))
      .map(({ check, severity }) => `${check} ${severity}`),
    doctorCode: doctor.code,
    verdict: status.stdout.trimEnd().split("\n").at(-1) ?? "",
    nodesUp: gauge("nodes_up"),
    leaderless: gauge("leaderless_groups"),
  };
}

suite("a cluster of three tells the truth", () => {
  test("while one node is cut off, on both sides, and when it is back", async () => {
    await using holdfast = await Holdfast.start({ nodes: 3, ephemeral: true });
    const [first = "", , third = ""] = holdfast.endpoints;
    const statusOf = async (endpoint: string) =>
      JSON.parse((await run(["cluster", "status", "--json"], { endpoint })).stdout);
    await until(async () => (await statusOf(first)).healthy, "all is well");
    assert.partialDeepStrictEqual(await toldBy(first), {
      ready: { ready: true, writable: true },
      doctor: [],
      doctorCode: 0,
      verdict: "all is well",
      nodesUp: 3,
      leaderless: 0,
    });

    await holdfast.partition([2], [0, 1]);
    await until(async () => {
      const [majority, alone] = [await statusOf(first), await statusOf(third)];
      const isLed = majority.shards.every(({ leader }: { leader?: string }) => leader !== undefined);
      return isLed && majority.findings.length > 0 && alone.system.leader === undefined;
    }, "both sides notice");
    assert.partialDeepStrictEqual(await toldBy(first), {
      ready: { ready: true, writable: true },
      doctor: ["nodes warning"],
      doctorCode: 0,
      verdict: "served, but not all is well: 1 warning",
      nodesUp: 2,
      leaderless: 0,
    });
    const alone = await toldBy(third);
    assert.partialDeepStrictEqual(alone, {
      ready: { ready: false, writable: false },
      doctor: ["ready error", "nodes warning", "nodes warning", "system-group error", "shards error"],
      doctorCode: 1,
      nodesUp: 1,
      leaderless: 17,
    });
    assert.match(alone.ready.reason ?? "", /^The system group has no leader that this node knows of/);
    assert.match(alone.verdict, /^not well: 2 errors; some requests are not served$/);

    await holdfast.heal();
    await until(async () => (await statusOf(third)).healthy, "all is well again");
    assert.partialDeepStrictEqual(await toldBy(third), {
      ready: { ready: true, writable: true },
      doctor: [],
      verdict: "all is well",
      nodesUp: 3,
      leaderless: 0,
    });
  });
});
