/** What is said about a file besides its bytes, as headers carry it. */

import { StoreError } from "@holdfast/base";

export interface FileAttributes {
  /** Media type, such as "image/jpeg". */
  readonly contentType?: string | undefined;
  /** How the bytes are encoded, such as "gzip": kept for the reader, never applied. */
  readonly contentEncoding?: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly contentLanguage?: string | undefined;
  readonly cacheControl?: string | undefined;
  /**
   * Names are kept in lower case and consist of letters, digits and -_.!#$%&'*+^`|~ ; values are any text. Together at most
   * 2 KiB.
   */
  readonly userMetadata?: Readonly<Record<string, string>> | undefined;
}

const userPrefix = "x-holdfast-meta-";

/** InvalidArgument for what no header can carry. */
export function attributeHeaders(attributes: FileAttributes): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {
    "content-type": attributes.contentType,
    "x-holdfast-content-encoding": attributes.contentEncoding,
    "content-disposition": attributes.contentDisposition,
    "content-language": attributes.contentLanguage,
    "cache-control": attributes.cacheControl,
  };
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value)) continue;
    throw new StoreError("InvalidArgument", `${name} is printable ASCII.`, { fields: { name } });
  }
  for (const [name, value] of Object.entries(attributes.userMetadata ?? {})) {
    if (!/^[\w.!#$%&'*+^`|~-]+$/.test(name)) {
      throw new StoreError("InvalidArgument", `${JSON.stringify(name)} cannot be a name of user metadata.`, {
        fields: { name },
      });
    }
    headers[userPrefix + name.toLowerCase()] = encodeMetadata(value);
  }
  return headers;
}

/** Percent-encoded where HTTP would not carry it as it is. */
function encodeMetadata(value: string): string {
  return value.toWellFormed().replace(/[^\x20-\x7e]|%|^ +| +$|  +/gu, encodeURIComponent);
}

export function attributesFrom(
  headers: Readonly<Record<string, string | undefined>>,
): FileAttributes & { readonly userMetadata: Readonly<Record<string, string>> } {
  const userMetadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(userPrefix) && value !== undefined)
      userMetadata[name.slice(userPrefix.length)] = decodeMetadata(value);
  }
  return {
    contentType: headers["content-type"],
    contentEncoding: headers["x-holdfast-content-encoding"],
    contentDisposition: headers["content-disposition"],
    contentLanguage: headers["content-language"],
    cacheControl: headers["cache-control"],
    userMetadata,
  };
}

function decodeMetadata(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    // Not encoded by a Holdfast node: as it came.
    return value;
  }
}
