/** Methods, paths, queries and headers, over both gateways, in process. */

import type { Random } from "@holdfast/base";
import { chance, uniform, utf8 } from "@holdfast/base";
import type { FuzzRequest } from "./gateway-world.ts";
import { bucket, GatewayWorld, kept } from "./gateway-world.ts";
import { mutateText, pick, split } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

const methods = ["GET", "GET", "HEAD", "PUT", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "get", ""];
const s3Paths = [
  "/",
  `/${bucket}`,
  `/${bucket}/`,
  `/${bucket}/${kept}`,
  `/${bucket}/a%2Fb%20c`,
  "/other-bucket",
];
const httpPaths = [
  "/healthz",
  "/api/v1/buckets",
  `/api/v1/buckets/${bucket}`,
  "/api/v1/buckets/other-bucket",
  `/api/v1/buckets/${bucket}/files`,
  `/api/v1/buckets/${bucket}/files/${kept}`,
  `/api/v1/buckets/${bucket}/files/a%2Fb`,
  `/api/v1/buckets/${bucket}/uploads`,
  "/api/v1/cluster/status",
];
const parameters = [
  ..."uploads uploads= uploadId=u partNumber=1 partNumber=0 partNumber=10001 list-type=2 list-type=3 max-keys=0".split(
    " ",
  ),
  ..."max-keys=1 max-keys=-1 max-keys=99999999999 max-keys=1000 delete= acl policy versioning versionId=null".split(
    " ",
  ),
  ..."versionId=x continuation-token=AA continuation-token= encoding-type=url encoding-type=x delimiter=/".split(
    " ",
  ),
  ..."delimiter=%2f%2f prefix=k prefix=%ff marker=a start-after=k fetch-owner=true location tagging max-uploads=1".split(
    " ",
  ),
  ..."key-marker=a upload-id-marker=b part-number-marker=1 max-parts=1 response-content-type=a%0d%0ab".split(
    " ",
  ),
  ..."limit=1 limit=1001 after=k attributes= copy-from=a X-Amz-Algorithm=AWS4-HMAC-SHA256 X-Amz-Expires=1".split(
    " ",
  ),
  ..."X-Amz-Date=20260102T030405Z X-Amz-Signature=0 X-Amz-Credential=a/b/c/d/e % && = a=b=c".split(" "),
];
const headers: readonly (readonly [string, readonly string[]])[] = [
  [
    "range",
    [
      "bytes=0-",
      "bytes=1-2",
      "bytes=-1",
      "bytes=5-1",
      "bytes=0-0,2-3",
      "bytes=99-",
      "bytes=18446744073709551616-",
    ],
  ],
  ["if-match", ["*", '"a"', 'W/"a"', '"a", "b"', ","]],
  ["if-none-match", ["*", '"a"', ""]],
  ["if-modified-since", ["Fri, 02 Jan 2026 03:04:05 GMT", "yesterday", "Fri, 99 Jan 2026 03:04:05 GMT"]],
  ["if-range", ['"a"', "Fri, 02 Jan 2026 03:04:05 GMT"]],
  ["content-md5", ["AAAAAAAAAAAAAAAAAAAAAA==", "x"]],
  ["content-type", ["text/plain", "application/json", "\u00e9"]],
  ["content-length", ["0", "4", "-1", "1e3", "99999999999999999999", "+4", "4, 4"]],
  [
    "x-amz-copy-source",
    [`/${bucket}/${kept}`, `${bucket}/${kept}?versionId=null`, "/", "%", "a", `/${bucket}/none`],
  ],
  ["x-amz-copy-source-range", ["bytes=0-1"]],
  ["x-amz-metadata-directive", ["COPY", "REPLACE", "x"]],
  ["x-amz-meta-a", ["b", "\u00ff", "a".repeat(3000)]],
  ["x-amz-checksum-crc32", ["AAAAAA==", "x"]],
  ["x-amz-checksum-type", ["FULL_OBJECT", "COMPOSITE"]],
  ["x-amz-sdk-checksum-algorithm", ["CRC32", "x"]],
  ["x-amz-decoded-content-length", ["4", "x"]],
  ["x-amz-date", ["20260102T030405Z", "x"]],
  ["x-amz-expected-bucket-owner", ["root", "x"]],
  ["x-amz-acl", ["private", "public-read"]],
  ["x-amz-storage-class", ["STANDARD", "GLACIER"]],
  ["x-amz-tagging", ["a=b"]],
  ["x-amz-security-token", ["t"]],
  ["x-amz-mp-object-size", ["1", "x"]],
  ["x-holdfast-redundancy", ["replicas:1", "erasure:4+2", "x"]],
  ["x-holdfast-lock", ["a"]],
  ["x-holdfast-token", ["1", "x"]],
  ["expect", ["100-continue", "x"]],
  ["transfer-encoding", ["chunked"]],
];
const bodies = ["", "data", "{}", '{"redundancy":"replicas:1"}', '{"a":', "<Delete/>", "[]"];

export class QueryTarget implements FuzzTarget {
  readonly name = "query";
  readonly #world: GatewayWorld;

  constructor(world: GatewayWorld) {
    this.#world = world;
  }

  async run(random: Random): Promise<void> {
    const request = makeRequest(random);
    const headersSent = { ...this.#world.sign(request) };
    if (uniform(random, 8) === 0) {
      const name = pick(random, Object.keys(headersSent));
      headersSent[name] = mutateText(random, headersSent[name] ?? "");
    }
    await this.#world.ask(request, headersSent);
    await this.#world.sweep();
  }

  close(): Promise<void> {
    return this.#world.close();
  }
}

function makeRequest(random: Random): FuzzRequest {
  const gateway = chance(random, 0.6) ? "s3" : "http";
  const path = mutateText(random, pick(random, gateway === "s3" ? s3Paths : httpPaths), 2);
  const query = Array.from({ length: uniform(random, 4) }, () =>
    mutateText(random, pick(random, parameters), 1),
  );
  const body = utf8(pick(random, bodies));
  const sent: Record<string, string> = {};
  const method = pick(random, methods);
  if (method === "PUT" || method === "POST") sent["content-length"] = String(body.length);
  for (let left = uniform(random, 4); left > 0; left--) {
    const [name, values] = pick(random, headers);
    sent[name] = chance(random, 0.7) ? pick(random, values) : mutateText(random, pick(random, values));
  }
  return { gateway, method, path, query: query.join("&"), headers: sent, body: split(random, body) };
}
