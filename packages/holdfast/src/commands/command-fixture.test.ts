/** Commands against a real store in this process, with what they print kept. */

import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Store } from "@holdfast/client";
import { explain } from "../command-line/failure.ts";
import type { Session } from "../command-line/session.ts";

export interface RecordedSession extends Session {
  readonly results: unknown[];
  readonly notes: string[];
  readonly failures: string[];
}

export function recordedSession(store: Store, endpoint = "test"): RecordedSession {
  const results: unknown[] = [];
  const notes: string[] = [];
  const failures: string[] = [];
  const fail = (error: unknown, about: string): void => {
    failures.push(`${about}: ${explain(error).code}`);
  };
  return {
    results,
    notes,
    failures,
    endpoint,
    output: {
      json: true,
      terminal: false,
      line: () => Promise.resolve(),
      result: (value) => {
        results.push(value);
        return Promise.resolve();
      },
      bytes: () => Promise.resolve(),
      note: (text) => void notes.push(text),
      failure: (error, about = "") => fail(error, about),
      status: () => undefined,
    },
    signal: new AbortController().signal,
    store: () => Promise.resolve(store),
    fail,
    explained: (error) => error,
    close: () => Promise.resolve(),
  };
}

/** Names relative to the folder, with contents. */
export type Tree = Readonly<Record<string, string>>;

export async function writeTree(folder: string, tree: Tree): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(tree)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

export async function readTree(folder: string): Promise<Tree> {
  const tree: Record<string, string> = {};
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    tree[path.slice(folder.length + 1)] = await readFile(path, "utf8");
  }
  return tree;
}

export async function writeRemoteTree(store: Store, place: string, tree: Tree): Promise<void> {
  for (const name of Object.keys(await readRemoteTree(store, place)))
    await store.deleteFile(`${place}${name}`);
  for (const [name, content] of Object.entries(tree)) await store.storeFile(`${place}${name}`, content);
}

export async function readRemoteTree(store: Store, place: string): Promise<Tree> {
  const tree: Record<string, string> = {};
  for await (const entry of store.listFiles(place)) {
    if (entry.kind !== "file") continue;
    tree[entry.name.slice(place.length)] = await (await store.readFile(entry.name)).text();
  }
  return tree;
}
