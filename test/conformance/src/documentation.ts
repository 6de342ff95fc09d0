/** The tables of docs/s3.md, made of what the suite and the gateway say. */

import { readFile, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import * as sdk from "@aws-sdk/client-s3";
import { s3ErrorKinds } from "@holdfast/gateway-s3";
import { operations } from "./operations.ts";

export const documentPath: string = resolve(import.meta.dirname, "../../../docs/s3.md");

/** Every table stands between `<!-- begin NAME -->` and `<!-- end NAME -->`. */
const tables: Readonly<Record<string, () => string>> = {
  operations: () =>
    table(
      ["operation", "supported", "claims"],
      operations.map(({ name, supports, cases }) => [name, supports, String(cases.length)]),
    ),
  "bucket configurations": () => names(operations.flatMap(({ commands = [] }) => commands)),
  "not built": () => names(notBuilt()),
  errors: () =>
    table(
      ["code", "status", "message unless there is a better one"],
      Object.entries(s3ErrorKinds).map(([code, { status, message }]) => [code, String(status), message]),
    ),
};

/** The document as it should be; the same as it is when nobody forgot to write it. */
export async function documentWithTables(): Promise<{ readonly is: string; readonly shouldBe: string }> {
  const is = await readFile(documentPath, "utf8");
  let shouldBe = is;
  for (const [name, render] of Object.entries(tables)) {
    const [begin, end] = [`<!-- begin ${name} -->\n`, `\n<!-- end ${name} -->`];
    const from = shouldBe.indexOf(begin);
    const to = shouldBe.indexOf(end);
    if (from < 0 || to < from) throw new Error(`docs/s3.md has no place for the table "${name}"`);
    shouldBe = shouldBe.slice(0, from + begin.length) + render() + shouldBe.slice(to);
  }
  return { is, shouldBe };
}

export async function writeDocument(): Promise<void> {
  await writeFile(documentPath, (await documentWithTables()).shouldBe);
}

/** Commands of the same SDK for directory buckets and Object Lambda. */
const ofOtherServices: ReadonlySet<string> = new Set([
  "CreateSession",
  "ListDirectoryBuckets",
  "WriteGetObjectResponse",
]);

/** What the SDK can send and no claim is about. */
function notBuilt(): readonly string[] {
  const built = new Set(operations.flatMap(({ name, commands = [] }) => [...name.split(", "), ...commands]));
  const all = Object.keys(sdk).filter((name) => /^[A-Z]\w+Command$/.test(name) && name !== "Command");
  return all
    .map((name) => name.slice(0, -"Command".length))
    .filter((name) => !built.has(name) && !ofOtherServices.has(name));
}

function names(list: readonly string[]): string {
  return list.toSorted().join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
