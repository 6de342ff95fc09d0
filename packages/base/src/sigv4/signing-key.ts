/**
 * Signing keys of AWS Signature Version 4: four HMACs over date, region and service, the same for a whole day.
 * They are remembered per hash function, a bounded number of them; the memory is invisible but for the time it saves.
 */

import { utf8 } from "../bytes.ts";
import type { Sha256 } from "./hmac-sha256.ts";
import { HmacSha256 } from "./hmac-sha256.ts";

/** What a signature is valid for. */
export interface SigningScope {
  /** `yyyymmdd`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function scopeText(scope: SigningScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** Above the number of keys that are in use at once on a busy node; when full, the oldest goes. */
const keysMax = 1024;

const keysOfHash = new WeakMap<Sha256, Map<string, HmacSha256>>();

/** The key that was asked for last, found without making its name: requests of one client share their scope. */
let last: { readonly sha256: Sha256; readonly secretKey: string; readonly scope: SigningScope } | undefined;
let lastKey: HmacSha256 | undefined;

export function signingKey(sha256: Sha256, secretKey: string, scope: SigningScope): HmacSha256 {
  const isLast = last?.scope === scope && last.secretKey === secretKey && last.sha256 === sha256;
  if (isLast && lastKey !== undefined) return lastKey;
  lastKey = namedKey(sha256, secretKey, scope);
  last = { sha256, secretKey, scope };
  return lastKey;
}

function namedKey(sha256: Sha256, secretKey: string, scope: SigningScope): HmacSha256 {
  let keys = keysOfHash.get(sha256);
  if (keys === undefined) keysOfHash.set(sha256, (keys = new Map()));
  const name = `${secretKey}\n${scopeText(scope)}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const [oldest] = keys.keys();
  if (keys.size >= keysMax && oldest !== undefined) keys.delete(oldest);
  const key = deriveKey(sha256, secretKey, scope);
  keys.set(name, key);
  return key;
}

function deriveKey(sha256: Sha256, secretKey: string, scope: SigningScope): HmacSha256 {
  let key = utf8(`AWS4${secretKey}`);
  for (const step of [scope.date, scope.region, scope.service, "aws4_request"]) {
    key = new HmacSha256(sha256, key).signText(step);
  }
  return new HmacSha256(sha256, key);
}
