/** What a command's argument names: a file in the store (`hf://bucket/key`), a local path, or a standard stream (`-`). */

import { UsageError } from "./failure.ts";

export type Location =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "stream" }
  | RemoteLocation;

export interface RemoteLocation {
  readonly kind: "remote";
  readonly bucket: string;
  /** "" names the bucket itself. Taken as written: nothing is percent-decoded. */
  readonly key: string;
}

const scheme = "hf://";

export function parseLocation(text: string): Location {
  if (text === "-") return { kind: "stream" };
  if (text.startsWith(scheme)) return parseRemote(text);
  const otherScheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (otherScheme !== null) throw new UsageError(`"${text}": files in the store are named hf://bucket/key`);
  if (text.startsWith("hf:"))
    throw new UsageError(`"${text}": two slashes follow "hf:", as in hf://bucket/key`);
  if (text === "") throw new UsageError("an empty name is no file");
  return { kind: "local", path: text };
}

export function parseRemote(text: string): RemoteLocation {
  if (!text.startsWith(scheme)) throw new UsageError(`"${text}": expected a name like hf://bucket/key`);
  const rest = text.slice(scheme.length);
  const slash = rest.indexOf("/");
  const bucket = slash === -1 ? rest : rest.slice(0, slash);
  if (bucket === "") throw new UsageError(`"${text}": the bucket's name is missing, as in hf://bucket/key`);
  return { kind: "remote", bucket, key: slash === -1 ? "" : rest.slice(slash + 1) };
}

/** A bucket and nothing in it: `hf://bucket` or `hf://bucket/`. */
export function parseBucket(text: string): string {
  const { bucket, key } = parseRemote(text);
  if (key !== "") throw new UsageError(`"${text}": expected a bucket alone, as in hf://${bucket}`);
  return bucket;
}

/** A file: bucket and key. */
export function parseFile(text: string): RemoteLocation {
  const location = parseRemote(text);
  if (location.key === "")
    throw new UsageError(`"${text}": the key is missing, as in hf://${location.bucket}/key`);
  return location;
}

/** The client's name of a file. */
export function fileName(location: { readonly bucket: string; readonly key: string }): string {
  return `${location.bucket}/${location.key}`;
}

export function locationText(location: { readonly bucket: string; readonly key: string }): string {
  return `${scheme}${location.bucket}/${location.key}`;
}

/** The prefix below which a key's "folder" has its files: "" for a bucket, else ending in "/". */
export function folderPrefix(key: string): string {
  return key === "" || key.endsWith("/") ? key : `${key}/`;
}

/** The last segment of a key or path with "/" separators; "" when it ends in "/". */
export function baseName(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
