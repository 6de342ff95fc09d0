/** File names are `bucket/key`; addresses are made of them. */

import { StoreError, uriEncode, uriEncodePath } from "@holdfast/base";

export interface FileName {
  readonly bucket: string;
  readonly key: string;
}

/** InvalidKey when there is no key behind the bucket. */
export function fileName(name: string): FileName {
  const split = name.indexOf("/");
  if (split > 0 && split < name.length - 1)
    return { bucket: name.slice(0, split), key: checked(name.slice(split + 1)) };
  throw new StoreError("InvalidKey", `A file's name is "bucket/key", which ${JSON.stringify(name)} is not.`, {
    fields: { name },
  });
}

/** `bucket` or `bucket/prefix`. */
export function namePrefix(name: string): { readonly bucket: string; readonly prefix: string } {
  const split = name.indexOf("/");
  return split < 0
    ? { bucket: name, prefix: "" }
    : { bucket: name.slice(0, split), prefix: checked(name.slice(split + 1)) };
}

/** Half of a surrogate pair has no UTF-8: sent, it would name another file. */
function checked(key: string): string {
  if (key.isWellFormed()) return key;
  throw new StoreError("InvalidKey", "The key is not well-formed Unicode.");
}

export function bucketPath(bucket: string): string {
  if (bucket === "" || bucket.includes("/")) {
    throw new StoreError("InvalidBucketName", `${JSON.stringify(bucket)} is no name of a bucket.`, {
      fields: { bucket },
    });
  }
  return `/api/v1/buckets/${uriEncode(bucket)}`;
}

export function filePath(name: FileName, collection: "files" | "uploads" = "files"): string {
  return `${bucketPath(name.bucket)}/${collection}/${encodedKey(name.key)}`;
}

/** "." and ".." as whole segments would be resolved away on the road; with encoded slashes there are no segments. */
function encodedKey(key: string): string {
  return /(?:^|\/)\.{1,2}(?:\/|$)/.test(key) ? uriEncode(key) : uriEncodePath(key);
}

export function copySource(name: FileName): string {
  return `${uriEncode(name.bucket)}/${uriEncodePath(name.key)}`;
}

export function queryText(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const pieces: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) pieces.push(`${uriEncode(name)}=${uriEncode(String(value))}`);
  }
  return pieces.join("&");
}
