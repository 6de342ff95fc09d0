/**
 * A Disk in memory whose power can fail (`powerLoss`), whose process can be killed (`kill`), and that can be made to
 * fail, rot, fill up and dawdle. Everything chance decides comes from its Random.
 *
 * A process holds the disk by `mount()`. After a kill or a power loss its mount and its files are dead: new calls fail
 * with DiskError "io", and calls that were under way never settle, as nobody is left to be told.
 */

import type { Random } from "@holdfast/base";
import { assert, concatBytes, uniform } from "@holdfast/base";
import type {
  DirectoryLock,
  Disk,
  DiskErrorKind,
  DiskFile,
  DiskSpace,
  OpenMode,
  OpenOptions,
} from "../disk.ts";
import { DiskError } from "../disk.ts";
import { folderOf, isDiskPath } from "../disk-path.ts";
import type { PageMemory } from "../page-memory.ts";
import type { DiskOperation } from "./disk-faults.ts";
import { DiskFaults } from "./disk-faults.ts";
import type { Fate } from "./fate.ts";
import { fateByChance } from "./fate.ts";
import { FaultCounts } from "./fault-counts.ts";
import { FileImage, sectorBytes } from "./file-image.ts";
import { NameTable } from "./name-table.ts";
import { plainMemory } from "./plain-memory.ts";
import type { Simulation } from "./simulation.ts";

export interface SimulatedDiskOptions {
  readonly random: Random;
  /** Brings the time for latency; without it every call completes at once. */
  readonly simulation?: Simulation;
  /** Each call takes a random time between the two; 0 and 0 by default. */
  readonly latencyMs?: { readonly min: number; readonly max: number };
  readonly capacityBytes?: number;
  readonly filesOpenMax?: number;
}

/** One process' time with the disk. */
interface Run {
  dead: boolean;
}

export class SimulatedDisk implements Disk {
  readonly memory: PageMemory = plainMemory;
  readonly #random: Random;
  readonly #simulation: Simulation | undefined;
  readonly #latencyMs: { readonly min: number; readonly max: number };
  #names = new NameTable<FileImage>();
  #runs: Run[] = [];
  #own: Disk;
  #lockHolder: Run | undefined;
  #filesOpen = 0;
  /** Bytes that files may have together; may be changed at any time. */
  capacityBytes: number;
  filesOpenMax: number;
  /** Multiplies every latency: a slow disk. */
  slowness = 1;
  /** What really happened to this disk. */
  readonly struck: FaultCounts = new FaultCounts();
  readonly #faults = new DiskFaults(this.struck);

  constructor({ random, simulation, latencyMs, capacityBytes, filesOpenMax }: SimulatedDiskOptions) {
    this.#random = random;
    this.#simulation = simulation;
    this.#latencyMs = latencyMs ?? { min: 0, max: 0 };
    this.capacityBytes = capacityBytes ?? 2 ** 50;
    this.filesOpenMax = filesOpenMax ?? 65_536;
    assert(this.#latencyMs.max === 0 || simulation !== undefined, "latency needs a simulation");
    this.#own = this.mount();
  }

  /** The disk as one process sees it until it is killed. */
  mount(): Disk {
    const run: Run = { dead: false };
    this.#runs.push(run);
    return {
      memory: plainMemory,
      open: (path, mode, options) => this.#open(run, path, mode, options),
      list: (folder) => this.#list(run, folder),
      makeFolder: (folder) => this.#makeFolder(run, folder),
      rename: (from, to) => this.#rename(run, from, to),
      remove: (path) => this.#remove(run, path),
      syncDirectory: (folder) => this.#syncDirectory(run, folder),
      space: () => this.#space(run),
      lock: () => this.#lock(run),
    };
  }

  /** The process dies, the machine does not: everything written stays, synced or not. */
  kill(): void {
    this.struck.add("kill");
    this.#endRuns();
  }

  /** The machine loses power: of what was not synced, fate decides sector by sector and name by name. */
  powerLoss(fate: Fate = fateByChance(this.#random)): void {
    this.struck.add("power-loss");
    this.#endRuns();
    const images = new Set([...this.#names.nodes, ...this.#names.durableNodes]);
    this.struck.add("lost-name", this.#names.powerLoss(fate));
    for (const image of images) {
      const { lostCount, torn } = image.powerLoss(fate);
      this.struck.add("lost-change", lostCount);
      if (torn) this.struck.add("torn-file");
    }
  }

  /** A disk in the same state, unsynced changes included, of another machine; nobody has mounted it. */
  fork(options: SimulatedDiskOptions): SimulatedDisk {
    const twin = new SimulatedDisk({
      capacityBytes: this.capacityBytes,
      filesOpenMax: this.filesOpenMax,
      ...options,
    });
    const twins = new Map<FileImage, FileImage>();
    twin.#names = this.#names.fork((image) => {
      const made = twins.get(image) ?? image.fork();
      twins.set(image, made);
      return made;
    });
    return twin;
  }

  /** The next sync of such a file, or synced write to one, fails; what it should have made durable never will be. */
  failNextSync(path?: RegExp): void {
    this.failNext("sync", path);
  }

  failNext(operation: DiskOperation, path?: RegExp, kind: DiskErrorKind = "io"): void {
    this.#faults.add({ operation, path, kind });
  }

  /** The next write to such a file goes elsewhere in it, and says nothing. */
  misdirectNextWrite(byBytes: number, path?: RegExp): void {
    this.#faults.addStraying({ kind: "misdirected", byBytes }, path);
  }

  /** The next write to such a file is reported done and never happens. */
  loseNextWrite(path?: RegExp): void {
    this.#faults.addStraying({ kind: "lost" }, path);
  }

  /** Failures that were asked for and have not struck yet never will. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Flips a bit of a file, at a random place unless told; gives the place. */
  rot(path: string, offset?: number): number {
    const image = this.#find(path);
    assert(image.length > 0, `nothing to rot in ${path}`);
    const place = offset ?? uniform(this.#random, image.length);
    image.rot(place, uniform(this.#random, 8));
    this.struck.add("rot");
    return place;
  }

  /** Everything a reader would see now, for checks from outside of any process. */
  peek(path: string): Uint8Array | undefined {
    const image = this.#names.find(path);
    return image?.read(0, image.length);
  }

  open(path: string, mode: OpenMode, options?: OpenOptions): Promise<DiskFile> {
    return this.#own.open(path, mode, options);
  }

  list(folder: string): Promise<readonly string[]> {
    return this.#own.list(folder);
  }

  makeFolder(folder: string): Promise<void> {
    return this.#own.makeFolder(folder);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#own.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#own.remove(path);
  }

  syncDirectory(folder: string): Promise<void> {
    return this.#own.syncDirectory(folder);
  }

  space(): Promise<DiskSpace> {
    return this.#own.space();
  }

  lock(): Promise<DirectoryLock> {
    return this.#own.lock();
  }

  async #open(run: Run, path: string, mode: OpenMode, options: OpenOptions = {}): Promise<DiskFile> {
    this.#enter(run, "open", path);
    checkPath(path);
    const found = this.#names.find(path);
    if (mode === "create") {
      if (found !== undefined || this.#names.hasFolder(path))
        throw new DiskError("exists", path, `${path} exists`);
      this.#checkFolder(folderOf(path));
    } else if (found === undefined) {
      if (this.#names.hasFolder(path)) throw new DiskError("io", path, `${path} is a folder`);
      throw new DiskError("not-found", path, `no file ${path}`);
    }
    if (this.#filesOpen >= this.filesOpenMax)
      throw new DiskError("too-many-files", path, "too many open files");
    const image = found ?? new FileImage();
    if (found === undefined) this.#names.set(path, image);
    this.#filesOpen++;
    return this.#later(run, () => this.#file(run, path, image, mode, options.syncWrites ?? false));
  }

  #file(run: Run, path: string, image: FileImage, mode: OpenMode, syncWrites: boolean): DiskFile {
    let closed = false;
    const enter = (operation?: DiskOperation): void => {
      if (closed) throw new DiskError("io", path, `${path} is closed`);
      this.#enter(run, operation, path);
    };
    const enterChange = (operation?: DiskOperation): void => {
      enter(operation);
      if (mode === "read") throw new DiskError("io", path, `${path} is open for reading`);
    };
    return {
      path,
      read: async (offset, length) => {
        enter("read");
        return this.#later(run, () => image.read(offset, length));
      },
      readInto: async (offset, target) => {
        enter("read");
        return this.#later(run, () => {
          const found = image.read(offset, target.length);
          target.set(found);
          return found.length;
        });
      },
      write: async (offset, buffers) => {
        enterChange();
        await this.#write(run, path, image, offset, buffers, syncWrites);
      },
      sync: async () => {
        enter();
        await this.#sync(run, path, image);
      },
      size: async () => {
        enter();
        return this.#later(run, () => image.length);
      },
      truncate: async (bytes) => {
        enterChange("write");
        if (bytes > image.length) this.#checkSpace(path, bytes - image.length);
        image.truncate(bytes);
        return this.#later(run, () => undefined);
      },
      close: async () => {
        if (closed) return;
        closed = true;
        if (!run.dead) this.#filesOpen--;
      },
    };
  }

  async #write(
    run: Run,
    path: string,
    image: FileImage,
    offset: number,
    buffers: readonly Uint8Array[],
    syncWrites: boolean,
  ): Promise<void> {
    const whole = concatBytes(buffers);
    const failed = this.#faults.take("write", path);
    if (failed !== undefined) {
      // Any part of it may have been written.
      const sectors = uniform(this.#random, Math.ceil(whole.length / sectorBytes) + 1);
      image.write(offset, whole.subarray(0, Math.min(sectors * sectorBytes, this.#roomBytes(image, offset))));
      throw failed;
    }
    const sequence = this.#writeFitting(path, image, offset, whole);
    const failure = syncWrites ? this.#faults.take("sync", path) : undefined;
    return this.#later(run, () => {
      if (failure !== undefined) {
        image.failSync(sequence);
        throw failure;
      }
      if (syncWrites) image.syncWrite(sequence);
    });
  }

  /** A full disk takes what fits: part of the write is there. */
  #writeFitting(path: string, image: FileImage, offset: number, whole: Uint8Array): number {
    const straying = this.#faults.takeStraying(path);
    const start = straying?.kind === "misdirected" ? Math.max(0, offset + straying.byBytes) : offset;
    const fitting = whole.subarray(0, this.#roomBytes(image, start));
    const sequence =
      straying?.kind === "lost" ? image.loseWrite(start, fitting.length) : image.write(start, fitting);
    if (fitting.length < whole.length) throw this.#noSpace(path);
    return sequence;
  }

  /** What can be written to a file from `offset` on. */
  #roomBytes(image: FileImage, offset: number): number {
    const endMax = image.length + Math.max(0, this.capacityBytes - this.#usedBytes());
    return Math.max(0, endMax - offset);
  }

  async #sync(run: Run, path: string, image: FileImage): Promise<void> {
    const failure = this.#faults.take("sync", path);
    const sequence = image.sequence;
    return this.#later(run, () => {
      if (failure !== undefined) {
        image.failSync(sequence);
        throw failure;
      }
      image.sync(sequence);
    });
  }

  async #list(run: Run, folder: string): Promise<readonly string[]> {
    this.#enter(run);
    this.#checkFolder(folder);
    return this.#later(run, () => this.#names.list(folder));
  }

  async #makeFolder(run: Run, folder: string): Promise<void> {
    this.#enter(run);
    if (folder !== "") checkPath(folder);
    for (let path = folder; path !== ""; path = folderOf(path)) {
      if (this.#names.find(path) !== undefined) throw new DiskError("exists", folder, `${path} is a file`);
    }
    this.#names.makeFolder(folder);
    return this.#later(run, () => this.#names.keepFolder(folder));
  }

  async #rename(run: Run, from: string, to: string): Promise<void> {
    this.#enter(run);
    checkPath(to);
    const image = this.#find(from);
    this.#checkFolder(folderOf(to));
    if (this.#names.hasFolder(to)) throw new DiskError("io", to, `${to} is a folder`);
    if (from !== to) this.#names.rename(from, to, image);
    return this.#later(run, () => undefined);
  }

  async #remove(run: Run, path: string): Promise<void> {
    this.#enter(run);
    if (this.#names.hasFolder(path)) throw new DiskError("io", path, `${path} is a folder`);
    this.#find(path);
    this.#names.remove(path);
    return this.#later(run, () => undefined);
  }

  async #syncDirectory(run: Run, folder: string): Promise<void> {
    this.#enter(run);
    this.#checkFolder(folder);
    const failure = this.#faults.take("sync-directory", folder);
    const changes = this.#names.pendingIn(folder);
    return this.#later(run, () => {
      if (failure === undefined) return this.#names.sync(changes);
      this.#names.failSync(changes);
      throw failure;
    });
  }

  async #space(run: Run): Promise<DiskSpace> {
    this.#enter(run);
    const freeBytes = Math.max(0, this.capacityBytes - this.#usedBytes());
    return this.#later(run, () => ({ freeBytes, totalBytes: this.capacityBytes }));
  }

  async #lock(run: Run): Promise<DirectoryLock> {
    this.#enter(run);
    if (this.#lockHolder !== undefined)
      throw new DiskError("locked", "", "another process holds the data directory");
    const holder: Run = { dead: false };
    this.#lockHolder = holder;
    return this.#later(run, () => ({
      release: async () => {
        if (this.#lockHolder === holder) this.#lockHolder = undefined;
      },
    }));
  }

  /** What every call checks first: that its process lives, and whether it is to fail. */
  #enter(run: Run, operation?: DiskOperation, path: string = ""): void {
    if (run.dead) throw new DiskError("io", path, "the process that opened this is dead");
    const failure = operation === undefined ? undefined : this.#faults.take(operation, path);
    if (failure !== undefined) throw failure;
  }

  /** Completes a call after the disk's latency; never, when its process died meanwhile. */
  #later<T>(run: Run, finish: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const complete = (): void => {
        if (run.dead) return;
        try {
          resolve(finish());
        } catch (error) {
          reject(error);
        }
      };
      const { min, max } = this.#latencyMs;
      if (this.#simulation === undefined || max === 0) return complete();
      const spread = (max - min) * (this.#random.uint32() / 2 ** 32);
      this.#simulation.after((min + spread) * this.slowness, complete);
    });
  }

  #find(path: string): FileImage {
    checkPath(path);
    const image = this.#names.find(path);
    if (image === undefined) throw new DiskError("not-found", path, `no file ${path}`);
    return image;
  }

  #checkFolder(folder: string): void {
    if (folder !== "") checkPath(folder);
    if (!this.#names.hasFolder(folder)) throw new DiskError("not-found", folder, `no folder ${folder}`);
  }

  #checkSpace(path: string, moreBytes: number): void {
    if (this.#usedBytes() + moreBytes > this.capacityBytes) throw this.#noSpace(path);
  }

  #noSpace(path: string): DiskError {
    this.struck.add("full-disk");
    return new DiskError("no-space", path, "no space left on the disk");
  }

  #endRuns(): void {
    for (const run of this.#runs) run.dead = true;
    this.#runs = [];
    this.#lockHolder = undefined;
    this.#filesOpen = 0;
    this.#own = this.mount();
  }

  #usedBytes(): number {
    let bytes = 0;
    for (const image of this.#names.nodes) bytes += image.length;
    return bytes;
  }
}

function checkPath(path: string): void {
  if (!isDiskPath(path)) throw new DiskError("io", path, `not a path below the data directory: ${path}`);
}
