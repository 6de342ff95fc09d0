import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import { diskContract } from "../../contract/index.ts";
import type { DiskErrorKind, DiskFile } from "../disk.ts";
import { DiskError, readWhole, replaceWhole } from "../disk.ts";
import type { Fate } from "./fate.ts";
import { sectorBytes } from "./file-image.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { Simulation } from "./simulation.ts";

diskContract("simulated disk", () => new SimulatedDisk({ random: seededRandom(1) }));

const seeds = Array.from({ length: 60 }, (_, i) => i + 1);
const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function rejects(call: Promise<unknown>, kind: DiskErrorKind): Promise<void> {
  await assert.rejects(call, (error) => error instanceof DiskError && error.kind === kind);
}

/** Everything that outcomes over many seeds contain. */
async function outcomes<T>(run: (disk: SimulatedDisk) => Promise<T>): Promise<Set<T>> {
  const seen = new Set<T>();
  for (const seed of seeds) seen.add(await run(new SimulatedDisk({ random: seededRandom(seed) })));
  return seen;
}

async function createDurably(disk: SimulatedDisk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await disk.open(path, "create", { syncWrites: true });
  await file.write(0, [bytes]);
  await disk.syncDirectory("");
  return file;
}

const contentOf = async (disk: SimulatedDisk, path: string): Promise<string | undefined> => {
  const bytes = await readWhole(disk, path);
  return bytes === undefined ? undefined : utf8Text(bytes);
};

test("what was synced survives a power loss, by sync and by synced writes alike", async () => {
  const seen = await outcomes(async (disk) => {
    const file = await createDurably(disk, "a", utf8("synced write"));
    const other = await disk.open("b", "create");
    await other.write(0, [utf8("sync")]);
    await other.sync();
    await disk.syncDirectory("");
    disk.powerLoss();
    await rejects(file.read(0, 1), "io");
    return `${await contentOf(disk, "a")}, ${await contentOf(disk, "b")}`;
  });
  assert.deepEqual([...seen], ["synced write, sync"]);
});

test("unsynced writes are kept, lost or torn at sectors, each sector by itself", async () => {
  const shapes = new Set<string>();
  for (const seed of seeds) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) });
    const file = await createDurably(disk, "a", new Uint8Array(6 * sectorBytes).fill(1));
    await file.close();
    const unsynced = await disk.open("a", "write");
    await unsynced.write(0, [new Uint8Array(6 * sectorBytes).fill(2)]);
    disk.powerLoss();
    const bytes = (await readWhole(disk, "a")) ?? new Uint8Array(0);
    assert.equal(bytes.length, 6 * sectorBytes);
    let shape = "";
    for (let sector = 0; sector < 6; sector++) {
      const values = new Set(bytes.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
      assert.equal(values.size, 1, "a sector is never torn");
      shape += [...values].join();
    }
    shapes.add(shape);
  }
  assert.ok(shapes.has("111111") && shapes.has("222222"));
  // Reordered: a later sector survives without an earlier one.
  assert.ok([...shapes].some((shape) => shape.includes("12")));
  assert.ok(shapes.size > 10);
});

test("a sector holds a prefix of what was written to it, never a later write without an earlier one", async () => {
  const seen = await outcomes(async (disk) => {
    await createDurably(disk, "a", utf8("....."));
    const file = await disk.open("a", "write");
    await file.write(0, [utf8("A")]);
    await file.write(2, [utf8("B")]);
    await file.write(4, [utf8("C")]);
    disk.powerLoss();
    return contentOf(disk, "a");
  });
  assert.deepEqual(seen, new Set([".....", "A....", "A.B..", "A.B.C"]));
});

test("of an unsynced append the length may survive without the bytes", async () => {
  const seen = await outcomes(async (disk) => {
    const file = await createDurably(disk, "a", new Uint8Array(sectorBytes).fill(1));
    await file.close();
    const unsynced = await disk.open("a", "write");
    await unsynced.write(sectorBytes, [new Uint8Array(sectorBytes).fill(2)]);
    disk.powerLoss();
    const bytes = (await readWhole(disk, "a")) ?? new Uint8Array(0);
    return `${bytes.length}:${bytes.at(-1)}`;
  });
  assert.deepEqual([...seen].sort(), ["1024:0", "1024:2", "512:1"]);
});

test("a synced write is durable alone: an earlier one still under way may be lost behind it", async () => {
  const seen = new Set<string>();
  for (const seed of seeds) {
    const simulation = new Simulation({ random: seededRandom(seed), drain });
    const disk = new SimulatedDisk({ random: seededRandom(seed), simulation, latencyMs: { min: 1, max: 9 } });
    const opened = disk.open("a", "create", { syncWrites: true });
    const file = await simulation.runUntilSettled(opened);
    await simulation.runUntilSettled(disk.syncDirectory(""));
    let firstResolved = false;
    void file.write(0, [new Uint8Array(sectorBytes).fill(1)]).then(() => {
      firstResolved = true;
    });
    await simulation.runUntilSettled(file.write(sectorBytes, [new Uint8Array(sectorBytes).fill(2)]));
    disk.powerLoss();
    const bytes = disk.peek("a") ?? new Uint8Array(0);
    assert.equal(bytes[sectorBytes], 2);
    if (firstResolved) assert.equal(bytes[0], 1);
    seen.add(`${firstResolved} ${bytes[0]}`);
  }
  assert.deepEqual([...seen].sort(), ["false 0", "false 1", "true 1"]);
});

test("names are durable only after syncDirectory; a synced file without a name is lost", async () => {
  const seen = await outcomes(async (disk) => {
    const file = await disk.open("a", "create", { syncWrites: true });
    await file.write(0, [utf8("x")]);
    await (await disk.open("b", "create")).close();
    disk.powerLoss();
    return (await disk.list("")).join();
  });
  assert.deepEqual([...seen].sort(), ["", "a", "a,b", "b"]);
});

test("a rename is done or not, never half", async () => {
  const seen = await outcomes(async (disk) => {
    await createDurably(disk, "a", utf8("new"));
    await createDurably(disk, "b", utf8("old"));
    await disk.rename("a", "b");
    disk.powerLoss();
    return `${(await disk.list("")).join()} ${await contentOf(disk, "b")}`;
  });
  assert.deepEqual([...seen].sort(), ["a,b old", "b new"]);
});

test("a removed name may come back until the folder is synced, and not afterwards", async () => {
  const removed = (sync: boolean) =>
    outcomes(async (disk) => {
      await createDurably(disk, "a", utf8("x"));
      await disk.remove("a");
      if (sync) await disk.syncDirectory("");
      disk.powerLoss();
      return contentOf(disk, "a");
    });
  assert.deepEqual(await removed(false), new Set(["x", undefined]));
  assert.deepEqual(await removed(true), new Set([undefined]));
});

test("a rename between folders is durable with the folder it leads to, and does not resurrect the old name", async () => {
  const seen = await outcomes(async (disk) => {
    await disk.makeFolder("from");
    await disk.makeFolder("to");
    const file = await disk.open("from/a", "create");
    await file.write(0, [utf8("x")]);
    await file.sync();
    await disk.rename("from/a", "to/a");
    await disk.syncDirectory("to");
    await disk.syncDirectory("from");
    disk.powerLoss();
    return `${await contentOf(disk, "from/a")} ${await contentOf(disk, "to/a")}`;
  });
  assert.deepEqual([...seen], ["undefined x"]);
});

test("a rename synced late does not take away a newer file of the old name", async () => {
  const seen = await outcomes(async (disk) => {
    for (const folder of ["p", "q"]) await disk.makeFolder(folder);
    await (await disk.open("p/a", "create")).close();
    await disk.syncDirectory("p");
    await disk.rename("p/a", "q/a");
    await (await disk.open("p/a", "create")).close();
    await disk.syncDirectory("p");
    await disk.syncDirectory("q");
    disk.powerLoss();
    return `${(await disk.list("p")).join()} ${(await disk.list("q")).join()}`;
  });
  assert.deepEqual([...seen], ["a a"]);
});

test("replaceWhole leaves the old file or the new one, whole, wherever the power fails", async () => {
  const seen = new Set<string | undefined>();
  for (const seed of seeds) {
    const simulation = new Simulation({ random: seededRandom(seed), drain });
    const disk = new SimulatedDisk({ random: seededRandom(seed), simulation, latencyMs: { min: 1, max: 3 } });
    await simulation.runUntilSettled(replaceWhole(disk, "", "x", utf8("old")));
    let replaced = false;
    void replaceWhole(disk, "", "x", utf8("new bytes")).then(() => {
      replaced = true;
    });
    await simulation.runFor(uniform(simulation.random, 20));
    disk.powerLoss();
    const bytes = disk.peek("x");
    const content = bytes === undefined ? undefined : utf8Text(bytes);
    if (replaced) assert.equal(content, "new bytes");
    seen.add(content);
  }
  assert.deepEqual(seen, new Set(["new bytes", "old"]));
});

test("a killed process loses nothing written, and its handles, lock and pending calls are dead", async () => {
  const simulation = new Simulation({ random: seededRandom(1), drain });
  const disk = new SimulatedDisk({ random: seededRandom(1), simulation, latencyMs: { min: 5, max: 5 } });
  const mount = disk.mount();
  const file = await simulation.runUntilSettled(mount.open("a", "create"));
  await simulation.runUntilSettled(mount.lock());
  await rejects(disk.lock(), "locked");
  let settled = false;
  const mark = (): void => {
    settled = true;
  };
  file.write(0, [utf8("written")]).then(mark, mark);
  disk.kill();
  await simulation.runUntilIdle();
  assert.equal(settled, false);
  assert.equal(utf8Text(disk.peek("a") ?? new Uint8Array(0)), "written");
  await rejects(file.read(0, 1), "io");
  await rejects(mount.open("a", "read"), "io");
  await rejects(mount.lock(), "io");
  await (await simulation.runUntilSettled(disk.lock())).release();
});

test("a failed sync leaves bytes readable that no later sync makes durable (S11)", async () => {
  for (const syncWrites of [true, false]) {
    const seen = await outcomes(async (disk) => {
      await createDurably(disk, "a", utf8("old"));
      const file = await disk.open("a", "write", { syncWrites });
      disk.failNextSync(/^a$/);
      const write = file.write(0, [utf8("new")]);
      if (syncWrites) await rejects(write, "io");
      else {
        await write;
        await rejects(file.sync(), "io");
      }
      assert.equal(await contentOf(disk, "a"), "new");
      await file.sync();
      disk.powerLoss();
      return contentOf(disk, "a");
    });
    assert.deepEqual([...seen], ["old"]);
  }
});

test("a fault meets only the files it names, once", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  const [a, b] = [await disk.open("a", "create"), await disk.open("b", "create")];
  disk.failNextSync(/b/);
  disk.failNext("read", /a/);
  await a.sync();
  await rejects(b.sync(), "io");
  await b.sync();
  await rejects(a.read(0, 1), "io");
  await a.read(0, 1);
  disk.failNext("open", undefined, "too-many-files");
  await rejects(disk.open("c", "create"), "too-many-files");
  assert.deepEqual(await disk.list(""), ["a", "b"]);
});

test("rot flips one bit, and a power loss does not heal it", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(3) });
  await createDurably(disk, "a", new Uint8Array(2000));
  const place = disk.rot("a");
  disk.rot("a", 7);
  disk.powerLoss();
  const bytes = (await readWhole(disk, "a")) ?? new Uint8Array(0);
  const damaged = [...bytes.entries()].filter(([, byte]) => byte !== 0);
  assert.deepEqual(
    damaged.map(([i]) => i).sort((x, y) => x - y),
    [7, place].sort((x, y) => x - y),
  );
  for (const [, byte] of damaged) assert.equal(byte & (byte - 1), 0, "one bit");
});

test("a full disk takes what fits and says so; space tells", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1), capacityBytes: 1000 });
  const file = await disk.open("a", "create");
  await file.write(0, [new Uint8Array(600).fill(1)]);
  assert.deepEqual(await disk.space(), { freeBytes: 400, totalBytes: 1000 });
  await rejects(file.write(600, [new Uint8Array(300).fill(2), new Uint8Array(300).fill(3)]), "no-space");
  assert.equal(await file.size(), 1000);
  await rejects(file.truncate(1001), "no-space");
  await file.write(0, [new Uint8Array(1000).fill(4)]);
  disk.capacityBytes = 2000;
  await file.write(1000, [new Uint8Array(1000)]);
  await disk.remove("a");
  assert.equal((await disk.space()).freeBytes, 2000);
});

test("no more files than allowed are open at once; closing makes room", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1), filesOpenMax: 2 });
  const a = await disk.open("a", "create");
  await disk.open("b", "create");
  await rejects(disk.open("c", "create"), "too-many-files");
  assert.deepEqual(await disk.list(""), ["a", "b"]);
  await a.close();
  await disk.open("a", "read");
});

test("a misdirected write lands elsewhere and says nothing", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  const file = await createDurably(disk, "a", utf8("0123456789"));
  disk.misdirectNextWrite(4, /a/);
  await file.write(0, [utf8("XX")]);
  assert.equal(await contentOf(disk, "a"), "0123XX6789");
});

test("a slow disk takes its factor longer, and the same seed gives the same times", async () => {
  const durationMs = async (slowness: number): Promise<number> => {
    const simulation = new Simulation({ random: seededRandom(1), drain });
    const disk = new SimulatedDisk({ random: seededRandom(9), simulation, latencyMs: { min: 1, max: 5 } });
    disk.slowness = slowness;
    await simulation.runUntilSettled(replaceWhole(disk, "", "x", utf8("x")));
    return simulation.nowMs;
  };
  const once = await durationMs(1);
  assert.equal(await durationMs(1), once);
  assert.ok(Math.abs((await durationMs(100)) / once - 100) < 1e-6);
});

test("truncation: no order of syncs and power losses brings cut bytes back behind the end", async () => {
  for (const seed of seeds) {
    const random = seededRandom(seed);
    const disk = new SimulatedDisk({ random });
    const file = await createDurably(disk, "a", new Uint8Array(3000).fill(1));
    await file.close();
    const unsynced = await disk.open("a", "write");
    const synced = await disk.open("a", "write", { syncWrites: true });
    await unsynced.write(2000, [new Uint8Array(3000).fill(2)]);
    await unsynced.truncate(100);
    await synced.write(0, [new Uint8Array(10).fill(3)]);
    if (uniform(random, 2) === 0) await unsynced.sync();
    await unsynced.truncate(6000);
    await unsynced.sync();
    disk.powerLoss();
    const bytes = disk.peek("a") ?? new Uint8Array(0);
    assert.ok(
      bytes.length === 6000 && bytes.every((byte, i) => byte === (i < 10 ? 3 : i < 100 ? 1 : 0)),
      `seed ${seed}`,
    );
  }
});

test("a lost write is reported done; the file is as long as if it were there, and shows what was there before", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1) });
  const file = await createDurably(disk, "a", utf8("01234"));
  disk.loseNextWrite(/a/);
  await file.write(3, [utf8("XXXX")]);
  assert.equal(await contentOf(disk, "a"), "01234\0\0");
  disk.powerLoss();
  assert.equal(await contentOf(disk, "a"), "01234\0\0");
  assert.equal(disk.struck.of("lost-write"), 1);
});

test("a failed write may have written any sectors from its beginning on", async () => {
  const seen = await outcomes(async (disk) => {
    const file = await createDurably(disk, "a", new Uint8Array(2 * sectorBytes).fill(1));
    disk.failNext("write", /a/);
    await rejects(file.write(0, [new Uint8Array(2 * sectorBytes).fill(2)]), "io");
    const bytes = await file.read(0, 2 * sectorBytes);
    return `${bytes[0]}${bytes[sectorBytes]}`;
  });
  assert.deepEqual([...seen].sort(), ["11", "21", "22"]);
});

test("after a failed sync of a folder its new names are in sight, and no later sync makes them durable (S11)", async () => {
  const seen = await outcomes(async (disk) => {
    await (await disk.open("a", "create")).close();
    disk.failNext("sync-directory");
    await rejects(disk.syncDirectory(""), "io");
    await disk.syncDirectory("");
    const before = (await disk.list("")).join();
    disk.powerLoss();
    return `${before}|${(await disk.list("")).join()}`;
  });
  assert.deepEqual([...seen], ["a|"]);
});

test("a folder whose making the power cut short is there or not", async () => {
  const seen = new Set<string>();
  for (const seed of seeds) {
    const simulation = new Simulation({ random: seededRandom(seed), drain });
    const disk = new SimulatedDisk({ random: seededRandom(seed), simulation, latencyMs: { min: 1, max: 2 } });
    void disk.makeFolder("x/y");
    disk.powerLoss();
    const top = await simulation.runUntilSettled(disk.list(""));
    seen.add(top.length === 0 ? "" : `x ${(await simulation.runUntilSettled(disk.list("x"))).join()}`);
  }
  assert.deepEqual([...seen].sort(), ["", "x ", "x y"]);
});

/** Answers from a list; counts the questions. */
function listedFate(answers: readonly number[]): Fate & { questionsCount: number } {
  return {
    questionsCount: 0,
    begin: () => undefined,
    kept(changesCount) {
      return Math.min(changesCount, answers[this.questionsCount++] ?? 0);
    },
  };
}

test("a fork shares nothing with its origin, and lists of answers name all that a power loss may leave of it", async () => {
  const random = seededRandom(1);
  const disk = new SimulatedDisk({ random });
  await createDurably(disk, "a", utf8("...."));
  const file = await disk.open("a", "write");
  await file.write(1, [utf8("A")]);
  await file.write(2, [utf8("B")]);
  await disk.rename("a", "b");
  const seen = new Set<string>();
  for (let outcome = 0; outcome < 6; outcome++) {
    const twin = disk.fork({ random });
    const fate = listedFate([outcome % 2, Math.floor(outcome / 2)]);
    twin.powerLoss(fate);
    assert.equal(fate.questionsCount, 2);
    const [name = ""] = await twin.list("");
    seen.add(`${name} ${await contentOf(twin, name)}`);
  }
  assert.deepEqual([...seen].sort(), ["a ....", "a .A..", "a .AB.", "b ....", "b .A..", "b .AB."]);
  assert.equal(await contentOf(disk, "b"), ".AB.");
});

test("what struck is counted by kind", async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1), capacityBytes: 10 });
  const file = await disk.open("a", "create");
  disk.failNextSync();
  await rejects(file.sync(), "io");
  await rejects(file.write(0, [new Uint8Array(20)]), "no-space");
  disk.kill();
  assert.deepEqual(disk.struck.entries, [
    ["failed-sync", 1],
    ["full-disk", 1],
    ["kill", 1],
  ]);
});
