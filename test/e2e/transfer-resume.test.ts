// A killed `holdfast cp` is continued by the next one, and never leaves a wrong file.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { after, before, suite, test } from "node:test";
import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { Holdfast } from "holdfast";
import { CliProcess, cliArguments, run, temporaryFolder } from "./cli-process.ts";
import type { Direction, FaultyProxy } from "./faulty-proxy.ts";
import { faultyProxy } from "./faulty-proxy.ts";

const MiB = 1024 * 1024;
const pieceBytes = 16 * MiB;
/** Five parts, of which four are under way at once. */
const fileBytes = 4.5 * pieceBytes;

function content(seed: number): Buffer {
  const words = new Uint32Array(fileBytes / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i ^ seed, 0x9e37_79b9) ^ (i >>> 7);
  return Buffer.from(words.buffer);
}

/** Of a download that is not finished: the pieces it has, by number from 0. */
function notedPieces(notes: string): readonly number[] {
  if (!existsSync(notes)) return [];
  const [, ...lines] = readFileSync(notes, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => Number.parseInt(line, 10));
}

suite("resume", () => {
  let holdfast: Holdfast;
  let files = 0;
  before(async () => {
    holdfast = await Holdfast.start({ ephemeral: true });
    await holdfast.store.createBucket("bucket");
  });
  after(() => holdfast.stop());

  /** A command line that reaches the store through one proxy, with a state folder of its own. */
  class Bench {
    readonly folder: string;
    readonly #environment: Readonly<Record<string, string>>;
    #proxy: FaultyProxy | undefined;
    #holdsAt: (direction: Direction, passed: number) => boolean = () => false;
    #reached = Promise.withResolvers<void>();
    #release = Promise.withResolvers<void>();

    private constructor(folder: string) {
      this.folder = join(folder, "files");
      this.#environment = { XDG_STATE_HOME: join(folder, "state") };
    }

    static async open(t: TestContext): Promise<Bench> {
      const folder = await temporaryFolder(t);
      const bench = new Bench(folder);
      await mkdir(bench.folder);
      const onBytes = (direction: Direction, passed: number): Promise<void> | undefined =>
        bench.#onBytes(direction, passed);
      bench.#proxy = await faultyProxy(t, { target: holdfast.endpoint, onBytes });
      return bench;
    }

    get #options() {
      return { endpoint: this.#proxy?.endpoint ?? "", environment: this.#environment };
    }

    passed(direction: Direction): number {
      return this.#proxy?.bytes[direction] ?? 0;
    }

    get rangesAsked(): readonly number[] {
      return this.#proxy?.rangesAsked ?? [];
    }

    /** What has passed when the moment is there is all that passes. */
    #onBytes(direction: Direction, passed: number): Promise<void> | undefined {
      if (!this.#holdsAt(direction, passed)) return undefined;
      this.#reached.resolve();
      return this.#release.promise;
    }

    killedAt(direction: Direction, bytes: number, args: readonly string[]): Promise<void> {
      const limit = this.passed(direction) + bytes;
      return this.killedWhen((towards, passed) => towards === direction && passed >= limit, args);
    }

    /** At the first bytes that pass while `holds`. */
    async killedWhen(
      holds: (direction: Direction, passed: number) => boolean,
      args: readonly string[],
    ): Promise<void> {
      this.#reached = Promise.withResolvers();
      this.#release = Promise.withResolvers();
      this.#holdsAt = holds;
      const command = new CliProcess(process.execPath, cliArguments(args), this.#options);
      await Promise.race([this.#reached.promise, command.finished()]);
      command.kill("SIGKILL");
      await command.finished();
      this.#holdsAt = () => false;
      this.#release.resolve();
    }

    /** Resolves with what it said and how many bytes it took. */
    async finished(
      direction: Direction,
      args: readonly string[],
    ): Promise<{ readonly stderr: string; readonly bytes: number }> {
      const before = this.passed(direction);
      const done = await run(args, this.#options);
      assert.equal(done.code, 0, done.stderr);
      return { stderr: done.stderr, bytes: this.passed(direction) - before };
    }

    get stateFolder(): string {
      return join(this.#environment["XDG_STATE_HOME"] ?? "", "holdfast/uploads");
    }

    states(): Promise<readonly string[]> {
      return readdir(this.stateFolder).catch(() => []);
    }
  }

  async function openUploads(key: string): Promise<number> {
    const client = new S3Client(s3Options(holdfast));
    const { Uploads = [] } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: "bucket", Prefix: key }),
    );
    client.destroy();
    return Uploads.length;
  }

  for (const killAt of [0, 30 * MiB, 70 * MiB]) {
    test(`an upload that was killed after ${killAt / MiB} MiB is continued: only what is missing is sent`, async (t) => {
      const bench = await Bench.open(t);
      const data = content(killAt);
      const path = join(bench.folder, "in");
      await writeFile(path, data);
      const key = `up-${++files}`;
      const args = ["cp", path, `hf://bucket/${key}`];
      await bench.killedAt("up", killAt, args);
      await assert.rejects(holdfast.store.statFile(`bucket/${key}`), /FileNotFound|no such|not/i);
      const { stderr, bytes } = await bench.finished("up", args);
      const back = await (await holdfast.store.readFile(`bucket/${key}`)).bytes();
      assert.ok(data.equals(back));
      // At most four parts of 16 MiB were under way: the first of five had arrived.
      if (killAt > 4 * 16 * MiB) {
        assert.match(stderr, /continuing an interrupted upload/);
        assert.ok(bytes < fileBytes - 15 * MiB, `${bytes} bytes were sent again`);
      }
      assert.deepEqual(await bench.states(), []);
      // Killed before it learnt its name, an upload is nobody's until the store ends it.
      if (killAt > 0) assert.equal(await openUploads(key), 0);
    });
  }

  test("an upload is not continued when the file was changed, nor with --no-resume; what was open is given up", async (t) => {
    const bench = await Bench.open(t);
    const path = join(bench.folder, "in");
    for (const [how, flags] of [
      ["changed", []],
      ["no-resume", ["--no-resume"]],
    ] as const) {
      const key = `${how}-${++files}`;
      await writeFile(path, content(1));
      await bench.killedAt("up", 70 * MiB, ["cp", path, `hf://bucket/${key}`]);
      assert.equal(await openUploads(key), 1);
      const data = content(2);
      if (how === "changed") await writeFile(path, data);
      const { stderr, bytes } = await bench.finished("up", ["cp", ...flags, path, `hf://bucket/${key}`]);
      if (how === "changed")
        assert.match(stderr, /was changed since its upload was interrupted: starting over/);
      assert.ok(bytes >= fileBytes);
      const back = await (await holdfast.store.readFile(`bucket/${key}`)).bytes();
      assert.ok((how === "changed" ? data : content(1)).equals(back));
      assert.deepEqual(await bench.states(), []);
      assert.equal(await openUploads(key), 0);
    }
  });

  test("an upload that nobody continued for a week is given up by the next large one, which says so", async (t) => {
    const bench = await Bench.open(t);
    const path = join(bench.folder, "in");
    await writeFile(path, content(1));
    const key = `stale-${++files}`;
    await bench.killedAt("up", 30 * MiB, ["cp", path, `hf://bucket/${key}`]);
    const [state = ""] = await bench.states();
    const text = await readFile(join(bench.stateFolder, state), "utf8");
    await writeFile(join(bench.stateFolder, state), text.replace(/"begunAtMs":\d+/, '"begunAtMs":1'));
    const { stderr } = await bench.finished("up", ["cp", path, `hf://bucket/other-${key}`]);
    assert.match(stderr, /gave up the upload of .*stale/);
    assert.deepEqual(await bench.states(), []);
    assert.equal(await openUploads(key), 0);
  });

  test("a file whose bytes changed under the same size and time is found out by its parts' checksums", async (t) => {
    const bench = await Bench.open(t);
    const path = join(bench.folder, "in");
    const data = content(5);
    await writeFile(path, data);
    await utimes(path, 1_700_000_000, 1_700_000_000);
    const key = `sly-${++files}`;
    await bench.killedAt("up", 70 * MiB, ["cp", path, `hf://bucket/${key}`]);
    for (let at = 0; at < data.length; at += MiB) data[at] = (data[at] ?? 0) ^ 1;
    const handle = await open(path, "r+");
    await handle.write(data);
    await handle.close();
    await utimes(path, 1_700_000_000, 1_700_000_000);
    await bench.finished("up", ["cp", path, `hf://bucket/${key}`]);
    assert.ok(data.equals(await (await holdfast.store.readFile(`bucket/${key}`)).bytes()));
  });

  for (const [when, piecesHeld] of [
    ["after 20 MiB", 0],
    ["when it had its first piece", 1],
  ] as const) {
    test(`a download that was killed ${when} is continued, and the old file stays until it is whole`, async (t) => {
      const bench = await Bench.open(t);
      const data = content(piecesHeld + 7);
      const name = `bucket/down-${++files}`;
      await holdfast.store.storeFile(name, data, { userMetadata: { mtime: "1000000000.5", mode: "0640" } });
      const path = join(bench.folder, "out");
      await writeFile(path, "what was there");
      const args = ["cp", `hf://${name}`, path];
      const notes = join(bench.folder, ".out.holdfast-partial.json");
      if (piecesHeld === 0) await bench.killedAt("down", 20 * MiB, args);
      else await bench.killedWhen(() => notedPieces(notes).length >= piecesHeld, args);
      assert.equal(await readFile(path, "utf8"), "what was there");
      const held = notedPieces(notes);
      assert.ok(held.length >= piecesHeld);
      const askedBefore = bench.rangesAsked.length;
      await bench.finished("down", args);
      assert.ok(data.equals(await readFile(path)));
      const missing = [0, 1, 2, 3, 4].filter((piece) => !held.includes(piece));
      assert.equal(bench.rangesAsked.length - askedBefore, missing.length);
      const asked = bench.rangesAsked.slice(askedBefore).map((first) => first / pieceBytes);
      assert.deepEqual(new Set(asked), new Set(missing), "only what was missing is asked for");
      const { mtimeMs, mode } = await stat(path);
      assert.deepEqual([mtimeMs, mode & 0o777], [1_000_000_000_500, 0o640]);
      assert.deepEqual(await readdir(bench.folder), ["out"]);
    });
  }

  test("a partial download of another version, or a damaged one, never gets into the file", async (t) => {
    const bench = await Bench.open(t);
    const name = `bucket/down-${++files}`;
    await holdfast.store.storeFile(name, content(11));
    const path = join(bench.folder, "out");
    const args = ["cp", `hf://${name}`, path];
    const hasPiece = (): boolean => notedPieces(join(bench.folder, ".out.holdfast-partial.json")).length > 0;
    await bench.killedWhen(hasPiece, args);
    const partial = join(bench.folder, ".out.holdfast-partial");
    const handle = await open(partial, "r+");
    for (let at = 0; at < fileBytes; at += 4 * MiB) await handle.write("damage", at);
    await handle.close();
    await bench.finished("down", args);
    assert.ok(content(11).equals(await readFile(path)), "damaged pieces came again");

    await bench.killedWhen(hasPiece, args);
    await holdfast.store.storeFile(name, content(12));
    await bench.finished("down", args);
    assert.ok(content(12).equals(await readFile(path)));
    assert.deepEqual(await readdir(bench.folder), ["out"]);
  });
});

function s3Options({ s3Endpoint, accessKey, secretKey }: Holdfast) {
  return {
    endpoint: s3Endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  };
}
