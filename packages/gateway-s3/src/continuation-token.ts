/** Continuation tokens: opaque to clients, the last name of the page inside. */

import { fromBase64, toBase64, utf8, utf8Text } from "@holdfast/base";
import { invalidArgument, S3Error } from "./s3-error.ts";

/** The first byte is the token's version. */
const tokenVersion = "1";

export function makeToken(after: string): string {
  return toBase64(utf8(tokenVersion + after));
}

export function readToken(token: string): string {
  const bytes = fromBase64(token);
  try {
    const text = bytes === undefined ? "" : utf8Text(bytes);
    if (text.startsWith(tokenVersion)) return text.slice(tokenVersion.length);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw token === ""
    ? invalidArgument("continuation-token", token, "The continuation token provided is incorrect")
    : new S3Error("InvalidArgument", "The continuation token provided is incorrect", {
        ArgumentName: "continuation-token",
      });
}
