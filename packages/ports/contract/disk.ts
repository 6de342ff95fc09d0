import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import { utf8, utf8Text } from "@holdfast/base";
import type { Disk, DiskErrorKind } from "@holdfast/ports";
import { DiskError, pageBytes, readWhole, replaceWhole } from "@holdfast/ports";

/** Gives an empty disk; what it needs for that, it frees when the test is over. */
export type MakeDisk = (context: TestContext) => Disk | Promise<Disk>;

/** Every promise of the Disk port that needs no crash to show. */
export function diskContract(name: string, makeDisk: MakeDisk): void {
  contents(name, makeDisk);
  names(name, makeDisk);
  refusals(name, makeDisk);
  locking(name, makeDisk);
}

function contents(name: string, makeDisk: MakeDisk): void {
  test(`${name}: what was written is read at its place, cut at the end of the file`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.write(3, [utf8("one"), new Uint8Array(0), utf8("two"), utf8("three")]);
    assert.equal(file.path, "a");
    assert.equal(await file.size(), 14);
    assert.deepEqual(await file.read(0, 3), new Uint8Array(3));
    assert.equal(utf8Text(await file.read(3, 11)), "onetwothree");
    assert.equal(utf8Text(await file.read(9, 100)), "three");
    assert.equal((await file.read(14, 5)).length, 0);
    assert.equal((await file.read(100, 5)).length, 0);
    await file.write(6, [utf8("TWO")]);
    assert.equal(utf8Text(await file.read(3, 11)), "oneTWOthree");
    await file.write(0, []);
    assert.equal(await file.size(), 14);
    await file.close();
  });

  test(`${name}: a read buffer is the caller's own, and a plain Uint8Array`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.write(0, [utf8("abc")]);
    const first = await file.read(0, 3);
    first.fill(0);
    assert.equal(utf8Text(await file.read(0, 3)), "abc");
    // A Buffer's slice is a view: code that takes a Uint8Array would share bytes unawares.
    assert.equal(Object.getPrototypeOf(first), Uint8Array.prototype);
    await file.close();
  });

  test(`${name}: a read into given memory says how much there was, and leaves the rest alone`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.write(0, [utf8("abcdef")]);
    const target = new Uint8Array(6).fill(1);
    assert.equal(await file.readInto(2, target.subarray(0, 3)), 3);
    assert.equal(await file.readInto(4, target.subarray(1)), 2);
    assert.deepEqual(target, Uint8Array.of(99, 101, 102, 1, 1, 1));
    assert.equal(await file.readInto(6, target), 0);
    await file.close();
  });

  test(`${name}: pages of its memory are written wherever they go, past the cache or not`, async (t) => {
    const disk = await makeDisk(t);
    for (const pastCache of [false, true]) {
      const file = await disk.open(`pages ${pastCache}`, "create", { pastCache });
      const pages = disk.memory.allocate(2 * pageBytes);
      assert.equal(pages.length, 2 * pageBytes);
      assert.ok(pages.every((byte) => byte === 0));
      disk.memory.copy(utf8("pages"), pages, 1);
      await file.write(5, [pages.subarray(0, pageBytes)]);
      await file.write(pageBytes, [pages]);
      await file.sync();
      assert.equal(await file.size(), 3 * pageBytes);
      assert.equal(utf8Text(await file.read(pageBytes + 1, 5)), "pages");
      assert.equal(utf8Text(await file.read(6, 5)), "pages");
      await file.close();
    }
  });

  test(`${name}: thousands of buffers are one write`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("many", "create", { syncWrites: true });
    const buffers = Array.from({ length: 5000 }, (_, i) =>
      new Uint8Array((i % 7) + (i % 3 === 0 ? 0 : 100)).fill(i % 251),
    );
    await file.write(11, buffers);
    const whole = Buffer.concat(buffers);
    assert.equal(await file.size(), 11 + whole.length);
    assert.equal(Buffer.compare(await file.read(11, whole.length), whole), 0);
    await file.close();
  });

  test(`${name}: concurrent writes to different places all arrive`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create", { syncWrites: true });
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => file.write(i * 700, [new Uint8Array(700).fill(i)])),
    );
    const bytes = await file.read(0, 50 * 700);
    assert.ok(bytes.every((byte, i) => byte === Math.floor(i / 700)));
    await file.close();
  });

  test(`${name}: truncate cuts, and extends by zeros`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.write(0, [new Uint8Array(2000).fill(7)]);
    await file.truncate(700);
    assert.equal(await file.size(), 700);
    await file.truncate(3000);
    const bytes = await file.read(0, 5000);
    assert.equal(bytes.length, 3000);
    assert.ok(bytes.every((byte, i) => byte === (i < 700 ? 7 : 0)));
    await file.sync();
    await file.close();
    assert.equal((await readWhole(disk, "a"))?.length, 3000);
  });

  test(`${name}: bytes stay after close, and two handles see each other's writes`, async (t) => {
    const disk = await makeDisk(t);
    const writer = await disk.open("a", "create");
    const reader = await disk.open("a", "read");
    await writer.write(0, [utf8("hello")]);
    await writer.sync();
    assert.equal(utf8Text(await reader.read(0, 5)), "hello");
    await writer.close();
    await reader.close();
    const again = await disk.open("a", "write");
    await again.write(0, [utf8("J")]);
    await again.close();
    assert.equal(utf8Text((await readWhole(disk, "a")) ?? new Uint8Array(0)), "Jello");
  });
}

function names(name: string, makeDisk: MakeDisk): void {
  test(`${name}: list gives a folder's names sorted, files and folders`, async (t) => {
    const disk = await makeDisk(t);
    assert.deepEqual(await disk.list(""), []);
    await disk.makeFolder("x/y");
    await disk.makeFolder("x/y");
    for (const path of ["b", "a", "B", "x/1", "x/y/deep"]) await (await disk.open(path, "create")).close();
    assert.deepEqual(await disk.list(""), ["B", "a", "b", "x"]);
    assert.deepEqual(await disk.list("x"), ["1", "y"]);
    await disk.syncDirectory("");
    await disk.syncDirectory("x/y");
  });

  test(`${name}: rename replaces, and open handles follow their file`, async (t) => {
    const disk = await makeDisk(t);
    await disk.makeFolder("f");
    const a = await disk.open("a", "create");
    await a.write(0, [utf8("A")]);
    const b = await disk.open("f/b", "create");
    await b.write(0, [utf8("old")]);
    await disk.rename("a", "f/b");
    assert.deepEqual([await disk.list(""), await disk.list("f")], [["f"], ["b"]]);
    assert.equal(utf8Text((await readWhole(disk, "f/b")) ?? new Uint8Array(0)), "A");
    assert.equal(utf8Text(await b.read(0, 3)), "old");
    await a.close();
    await b.close();
    await disk.rename("f/b", "f/b");
    assert.deepEqual(await disk.list("f"), ["b"]);
  });

  test(`${name}: a removed file is gone by name, and stays for those who have it open`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.write(0, [utf8("A")]);
    await disk.remove("a");
    assert.deepEqual(await disk.list(""), []);
    assert.equal(await readWhole(disk, "a"), undefined);
    assert.equal(utf8Text(await file.read(0, 1)), "A");
    await (await disk.open("a", "create")).close();
    await file.close();
  });

  test(`${name}: replaceWhole leaves the new bytes and no neighbour, also over a left-over one`, async (t) => {
    const disk = await makeDisk(t);
    await disk.makeFolder("f");
    await (await disk.open("f/x.new", "create")).close();
    for (const text of ["first", "second"]) {
      await replaceWhole(disk, "f", "x", utf8(text));
      assert.equal(utf8Text((await readWhole(disk, "f/x")) ?? new Uint8Array(0)), text);
      assert.deepEqual(await disk.list("f"), ["x"]);
    }
  });

  test(`${name}: space tells free and total bytes`, async (t) => {
    const { freeBytes, totalBytes } = await (await makeDisk(t)).space();
    assert.ok(freeBytes > 0 && freeBytes <= totalBytes);
  });
}

function refusals(name: string, makeDisk: MakeDisk): void {
  test(`${name}: what does not exist is "not-found", what does is "exists"`, async (t) => {
    const disk = await makeDisk(t);
    await (await disk.open("a", "create")).close();
    await rejects(disk.open("b", "read"), "not-found");
    await rejects(disk.open("b", "write"), "not-found");
    await rejects(disk.open("no/b", "create"), "not-found");
    await rejects(disk.open("a", "create"), "exists");
    await rejects(disk.list("no"), "not-found");
    await rejects(disk.syncDirectory("no"), "not-found");
    await rejects(disk.remove("b"), "not-found");
    await rejects(disk.rename("b", "c"), "not-found");
    await rejects(disk.rename("a", "no/c"), "not-found");
    await rejects(disk.makeFolder("a"), "exists");
  });

  test(`${name}: paths cannot leave the data directory`, async (t) => {
    const disk = await makeDisk(t);
    await (await disk.open("a", "create")).close();
    for (const path of ["../a", "/etc/passwd", "x/../../a", ".", "", "a//b", "./a", "a\0b"]) {
      await rejects(disk.open(path, "create"), "io");
      await rejects(disk.open(path, "read"), "io");
      await rejects(disk.rename("a", path), "io");
      await rejects(disk.rename(path, "b"), "io");
      await rejects(disk.remove(path), "io");
      if (path === "") continue;
      await rejects(disk.list(path), "io");
      await rejects(disk.makeFolder(path), "io");
      await rejects(disk.syncDirectory(path), "io");
    }
  });

  test(`${name}: a file open for reading takes no change, a closed one nothing at all`, async (t) => {
    const disk = await makeDisk(t);
    const file = await disk.open("a", "create");
    await file.close();
    await file.close();
    const reader = await disk.open("a", "read");
    await rejects(reader.write(0, [utf8("x")]), "io");
    await rejects(reader.truncate(3), "io");
    await reader.close();
    await rejects(file.read(0, 1), "io");
    await rejects(file.write(0, [utf8("x")]), "io");
    await rejects(file.sync(), "io");
    await rejects(file.size(), "io");
    await rejects(file.truncate(0), "io");
  });

  test(`${name}: a folder is not a file`, async (t) => {
    const disk = await makeDisk(t);
    await disk.makeFolder("f");
    await rejects(disk.open("f", "write"), "io");
    await rejects(disk.open("f", "create"), "exists");
    await rejects(disk.remove("f"), "io");
  });
}

function locking(name: string, makeDisk: MakeDisk): void {
  test(`${name}: the lock has one holder, and is free again after release`, async (t) => {
    const disk = await makeDisk(t);
    const lock = await disk.lock();
    await rejects(disk.lock(), "locked");
    await lock.release();
    await lock.release();
    const second = await disk.lock();
    await rejects(disk.lock(), "locked");
    await lock.release();
    await rejects(disk.lock(), "locked");
    await second.release();
  });
}

async function rejects(call: Promise<unknown>, kind: DiskErrorKind): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.kind, kind, error.message);
    return true;
  });
}
