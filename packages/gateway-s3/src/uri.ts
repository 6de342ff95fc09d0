/** Percent-decoding of what stands in a request line: bytes, which must be UTF-8. */

import { uriEncodePath, utf8Text } from "@holdfast/base";
import { S3Error } from "./s3-error.ts";

/** For paths and copy sources: "+" is a plus. Throws InvalidURI on broken escapes and bytes that are not UTF-8. */
export function decodeUri(text: string): string {
  if (!/[%\u0080-\uffff]/.test(text)) return text;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i);
    if (byte === 0x25) {
      const digits = text.slice(i + 1, i + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits)) throw new S3Error("InvalidURI");
      byte = Number.parseInt(digits, 16);
      i += 2;
    }
    // Raw bytes beyond ASCII arrive as one character each; anything above is no byte of a request line.
    if (byte > 0xff) throw new S3Error("InvalidURI");
    bytes[length++] = byte;
  }
  try {
    return utf8Text(bytes.subarray(0, length));
  } catch {
    throw new S3Error("InvalidURI");
  }
}

/** For `encoding-type=url` in listings: every reader of percent-escapes understands it, "/" stays. */
export function encodeForListing(text: string): string {
  return uriEncodePath(text);
}
