/** Reads, whole and in ranges, and listings: every byte and every entry is judged. */

import { chance, StoreError, uniform } from "@holdfast/base";
import type { Name, Started } from "../model/store-model.ts";
import { show } from "../model/store-model.ts";
import { violated } from "../model/violation.ts";
import { begin, finish } from "./file-writes.ts";
import { mainBuckets } from "./session.ts";
import type { ListPage, ListRequest, Range, Reading } from "./store-client.ts";
import type { Worker } from "./worker.ts";

const slowReadMsMax = 90;

export async function readFile(worker: Worker): Promise<void> {
  const { random } = worker.session;
  const first = uniform(random, 20_000);
  const range = chance(random, 0.3) ? { first, last: first + uniform(random, 20_000) } : undefined;
  await readName(worker, worker.session.anyName(), range);
}

/** Reads and judges; true when the key was there or was certainly not there, false when the store could not say. */
export async function readName(worker: Worker, name: Name, range?: Range): Promise<boolean> {
  const { session, connection } = worker;
  const beganMs = connection.nowMs;
  const started = begin(worker, name, range === undefined ? "read" : `read ${range.first} to ${range.last}`);
  const answer = await connection.ask(started.text, () => connection.store.read(name, range));
  if (answer.kind === "refused" && (answer.code === "FileNotFound" || answer.code === "BucketNotFound")) {
    session.model.observe(started, undefined);
    finish(worker, started, "no file");
    return true;
  }
  if (answer.kind === "refused" && answer.code === "InvalidRange" && range !== undefined) return true;
  if (answer.kind === "refused")
    violated(`${show(name)}: ${started.text}: unexpected ${answer.code}: ${answer.error.message}`);
  if (answer.kind !== "done") return false;
  const { seen } = answer.value;
  session.model.observe(started, seen);
  session.etags.set(show(name), seen.etag);
  finish(worker, started, `${seen.tag ?? "?"} (${seen.bytes} bytes)`);
  checkRange(started, answer.value, range);
  return readBody(worker, started, answer.value, beganMs);
}

/** `beganMs`: when the file was asked for. Its content may have died behind the read barrier, before the answer came. */
async function readBody(
  worker: Worker,
  started: Started,
  reading: Reading,
  beganMs: number,
): Promise<boolean> {
  const { session, connection } = worker;
  const tag = reading.seen.tag ?? "";
  let got = 0;
  // A slow reader, within the time that dead content stays readable (S6).
  const pauseMs = chance(session.random, 0.2) ? uniform(session.random, slowReadMsMax) : 0;
  let isBrokenOff = false;
  const answer = await connection.ask(`${show(started.name)}: body of ${started.text}`, async () => {
    try {
      for await (const chunk of reading.chunks) {
        session.model.checkBytes(started, tag, reading.offset + got, chunk);
        if (got === 0 && pauseMs > 0) await connection.pause(pauseMs);
        got += chunk.length;
      }
    } catch (error) {
      // A block that cannot be reached, of a content that is dead, ends a reader as one that is erased does.
      const isUnreachable = connection.tolerates(new StoreError("Unavailable", ""), beganMs);
      const isLate = isUnreachable || connection.nowMs - beganMs >= session.options.readerGraceMs;
      const isMissing = error instanceof StoreError && error.code === "DataCorrupt";
      if (!isLate || !isMissing || connection.tolerates(error, beganMs)) throw error;
      isBrokenOff = true;
    }
  });
  if (isBrokenOff) return checkReplaced(worker, started, tag);
  if (answer.kind === "refused")
    violated(`${show(started.name)}: body of ${started.text}: ${answer.error.message}`);
  if (answer.kind !== "done") return false;
  if (got !== reading.length)
    violated(`${show(started.name)}: ${started.text} of ${tag} ended at ${got} of ${reading.length} bytes`);
  return true;
}

/** S6: a reader that took longer than dead contents are kept may be broken off, but only of a content that is dead. */
async function checkReplaced({ connection }: Worker, { name, text }: Started, tag: string): Promise<boolean> {
  const again = await connection.ask(`${show(name)}: ${text} again`, () =>
    connection.store.read(name, undefined),
  );
  if (again.kind === "done" && again.value.seen.tag === tag)
    violated(`${show(name)}: ${text} broke off, and ${tag} is still there`);
  return false;
}

function checkRange(started: Started, { seen, offset, length }: Reading, range: Range | undefined): void {
  const first = range?.first ?? 0;
  const expected = range === undefined ? seen.bytes : Math.min(range.last + 1, seen.bytes) - first;
  if (offset !== first || length !== expected)
    violated(
      `${show(started.name)}: ${started.text} answered ${length} bytes from ${offset} on, of ${seen.bytes}`,
    );
}

/** One page, judged entry by entry: a key that is missing in its stretch was not there at some moment meanwhile (S19). */
export async function listPage(worker: Worker): Promise<void> {
  const { random } = worker.session;
  const bucket = mainBuckets[uniform(random, mainBuckets.length)] ?? "main-a";
  const prefix = ["", "", "dir/", "ünï/", "nothing"][uniform(random, 5)] ?? "";
  const delimiter = chance(random, 0.4) ? "/" : "";
  const after = chance(random, 0.7) ? "" : worker.session.anyName().key;
  await listAndJudge(worker, { bucket, prefix, delimiter, after, limit: 1 + uniform(random, 12) });
}

/** The next page's `after`; undefined when the store could not say or nothing follows. */
export async function listAndJudge(worker: Worker, request: ListRequest): Promise<string | undefined> {
  const { session, connection } = worker;
  const { bucket, prefix, delimiter, after, limit } = request;
  const text = `client ${worker.number}: list "${prefix}" "${delimiter}" after "${after}" limit ${limit}`;
  const candidates = session.model
    .names()
    .filter((name) => name.bucket === bucket && name.key.startsWith(prefix));
  const started = candidates.map((name) => session.model.start(name, text));
  const answer = await connection.ask(`${bucket}: ${text}`, () => connection.store.list(request));
  if (answer.kind === "refused")
    violated(`${bucket}: ${text}: unexpected ${answer.code}: ${answer.error.message}`);
  if (answer.kind !== "done") return undefined;
  const page = answer.value;
  session.trace(
    `${bucket}: ${text}: ${page.files.map(({ key }) => key).join(" ")} | ${page.prefixes.join(" ")} | ${page.next ?? "end"}`,
  );
  checkForm(request, page);
  const files = new Map(page.files.map((file) => [file.key, file]));
  // One that was first written to while the page was made may be there, or not.
  const known = new Set(session.model.names().map(show));
  for (const key of files.keys())
    if (!key.startsWith(prefix) || !known.has(show({ bucket, key })))
      violated(`${bucket}: ${text}: shows ${key}, which nobody wrote`);
  for (const one of started) {
    const { key } = one.name;
    const prefixed = commonPrefix(key, prefix, delimiter);
    const place = prefixed ?? key;
    if (compareKeys(place, after) <= 0 || (page.next !== undefined && compareKeys(place, page.next) > 0))
      continue;
    if (prefixed === undefined) session.model.observeListed(one, files.get(key));
    else if (!page.prefixes.includes(prefixed)) session.model.observeListed(one, undefined);
  }
  return page.next;
}

function checkForm({ bucket, limit }: ListRequest, { files, prefixes, next }: ListPage): void {
  const places = [...files.map(({ key }) => key), ...prefixes];
  if (places.length > limit) violated(`${bucket}: a page of ${places.length} entries, ${limit} asked for`);
  if (new Set(places).size !== places.length) violated(`${bucket}: a page names an entry twice`);
  const keys = files.map(({ key }) => key);
  if (keys.some((key, i) => i > 0 && compareKeys(keys[i - 1] ?? "", key) >= 0))
    violated(`${bucket}: a page is not in order`);
  if (next !== undefined && places.some((place) => compareKeys(place, next) > 0))
    violated(`${bucket}: a page goes on behind its own end`);
}

function commonPrefix(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/** By code points, which is the order of UTF-8. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
