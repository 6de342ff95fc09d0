import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { ballot, groupId, logIndex, utf8 } from "@holdfast/base";
import { encodeMembership, replicaId } from "@holdfast/consensus";
import { nodeHashing, openKeyValue } from "@holdfast/host";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import { checkStateApart } from "./check-state.ts";

const keys = 5000;
const warnings: string[] = [];
const journal = { warn: (event: string) => void warnings.push(event) };

function membershipOf(voters: number): Uint8Array {
  const ids = Array.from({ length: voters }, (_, i) => replicaId(i + 1));
  return encodeMembership({ voters: ids, outgoing: [], learners: [] });
}

/** A store with one group, of so many voters, that was filled by `fill`. */
async function stored(
  context: TestContext,
  voters: number,
  change: (state: GroupState) => void = () => undefined,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-check-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const states = new StateStore(openKeyValue(folder), nodeHashing);
  const state = states.group(groupId(1));
  for (let i = 0; i < keys; i++) state.put(utf8(`key-${i}`), utf8(`value ${i} `.repeat(20)));
  state.advance({ index: logIndex(1), ballot: ballot(1), membership: membershipOf(voters) });
  change(state);
  await states.flush();
  await states.close();
  return folder;
}

/** Cuts the file to a part of its pages, as if the rest of them had never been. */
async function cut(folder: string, part: number): Promise<void> {
  const path = join(folder, "data.mdb");
  const { size } = await stat(path);
  const file = await open(path, "r+");
  await file.truncate(4096 * Math.floor((size * part) / 4096));
  await file.close();
}

/** Turns a bit of the first place at which the bytes are. */
async function flip(folder: string, bytes: string): Promise<void> {
  const file = await open(join(folder, "data.mdb"), "r+");
  const all = await file.readFile();
  const at = all.indexOf(bytes);
  assert.ok(at >= 0, `${bytes} is in the file`);
  await file.write(Uint8Array.of((all[at] ?? 0) ^ 1), 0, 1, at);
  await file.close();
}

suite("a state store is looked through in a process of its own", () => {
  test("one that is whole", async (t) => {
    warnings.length = 0;
    assert.equal(await checkStateApart(await stored(t, 3), journal), undefined);
    assert.deepEqual(warnings, []);
  });

  test("a bit in a value, and one in a key", async (t) => {
    for (const [bytes, found] of [
      ["value 77 value 77", /1 values of group 1 are not what was stored/],
      ["key-77", /group 1/],
    ] as const) {
      const folder = await stored(t, 3);
      await flip(folder, bytes);
      assert.match((await checkStateApart(folder, journal)) ?? "nothing", found, bytes);
    }
  });

  test("pages that are not there: what ends the process that looks ends nobody else", async (t) => {
    for (const part of [0.3, 0.6, 0.9]) {
      const folder = await stored(t, 3);
      await cut(folder, part);
      assert.match(
        (await checkStateApart(folder, journal)) ?? "nothing",
        /ended with SIG|cannot be read/,
        `${part}`,
      );
    }
  });

  test("what nobody else has is left alone", async (t) => {
    const folder = await stored(t, 1);
    await flip(folder, "value 77 value 77");
    assert.equal(await checkStateApart(folder, journal), undefined);
  });
});

test("watchdog: a process that goes round in circles ends with SIGABRT, one that is fed does not", async () => {
  const program = `
    const { Watchdog } = await import(${JSON.stringify(new URL("./watchdog.ts", import.meta.url).href)});
    const watchdog = new Watchdog(700);
    const endsAtMs = performance.now() + 2500;
    while (performance.now() < endsAtMs) if (process.argv[1] === "fed") watchdog.feed();
  `;
  const flags = ["--conditions=holdfast-source", "--input-type=module", "--eval", program];
  const end = async (how: string): Promise<readonly unknown[]> =>
    once(spawn(process.execPath, [...flags, how], { stdio: "ignore" }), "exit");
  assert.deepEqual(await Promise.all([end("fed"), end("left alone")]), [
    [0, null],
    [null, "SIGABRT"],
  ]);
});
