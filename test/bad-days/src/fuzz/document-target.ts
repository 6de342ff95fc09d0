/** XML documents for S3 and JSON ones for the HTTP API, rightly signed, in process. */

import type { Random } from "@holdfast/base";
import { chance, uniform, utf8 } from "@holdfast/base";
import { nodeHashing } from "@holdfast/host";
import type { FuzzRequest } from "./gateway-world.ts";
import { bucket, GatewayWorld, kept } from "./gateway-world.ts";
import { mutate, pick, split } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

const names = [
  "Delete",
  "Object",
  "Key",
  "Quiet",
  "VersionId",
  "CompleteMultipartUpload",
  "Part",
  "PartNumber",
];
const moreNames = [
  "ETag",
  "CreateBucketConfiguration",
  "LocationConstraint",
  "s3:Key",
  "a:b:c",
  "x",
  "Tagging",
];
const texts = [
  kept,
  "none",
  "true",
  "false",
  "1",
  "0",
  "10001",
  "-1",
  "&amp;",
  "&lt;",
  "&#10;",
  "&#x41;",
  '"etag"',
  "null",
];
const moreTexts = [
  "us-east-1",
  "eu-west-1",
  "",
  " ",
  "&unknown;",
  "<![CDATA[x]]>",
  "]]>",
  "\u{1f4a9}",
  "&#0;",
  "&#xD800;",
  "a".repeat(2000),
];
const prologues = [
  "",
  "",
  '<?xml version="1.0" encoding="UTF-8"?>\n',
  '<?xml version="1.0" encoding="UTF-16"?>',
  '<?xml version="1.1"?>',
  "\u{feff}",
  '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>',
  '<!DOCTYPE r SYSTEM "file:///etc/passwd">',
  "<!-- c -->",
  "<?pi x?>",
];
const whole = [
  `<Delete><Object><Key>${kept}</Key></Object></Delete>`,
  '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet><Object><Key>none</Key></Object></Delete>',
  "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
  "<CreateBucketConfiguration><LocationConstraint>us-east-1</LocationConstraint></CreateBucketConfiguration>",
];
const json = [
  "{}",
  '{"redundancy":"replicas:1"}',
  '{"parts":[{"part":1,"etag":"a"}]}',
  "[]",
  "null",
  '{"__proto__":{"a":1}}',
  `${"[".repeat(5000)}`,
];

const places: readonly Pick<FuzzRequest, "gateway" | "method" | "path" | "query">[] = [
  { gateway: "s3", method: "POST", path: `/${bucket}`, query: "delete=" },
  { gateway: "s3", method: "POST", path: `/${bucket}/up`, query: "uploadId=unknown" },
  { gateway: "s3", method: "PUT", path: "/other-bucket", query: "" },
  { gateway: "http", method: "PUT", path: "/api/v1/buckets/other-bucket", query: "" },
  { gateway: "http", method: "POST", path: `/api/v1/buckets/${bucket}/uploads`, query: "key=k" },
];

export class DocumentTarget implements FuzzTarget {
  readonly name = "xml";
  readonly #world: GatewayWorld;

  constructor(world: GatewayWorld) {
    this.#world = world;
  }

  async run(random: Random): Promise<void> {
    const place = pick(random, places);
    const text = place.gateway === "http" ? pick(random, json) : xmlText(random);
    const body = mutate(random, chance(random, 0.05) ? utf16(text) : utf8(text));
    const md5 = Buffer.from(nodeHashing.hash("md5", body)).toString("base64");
    const headers = {
      "content-length": String(body.length),
      "content-type": "application/xml",
      "content-md5": md5,
    };
    const request = { ...place, headers, body: split(random, body) };
    await this.#world.ask(request, this.#world.sign(request));
    await this.#world.sweep();
  }

  close(): Promise<void> {
    return this.#world.close();
  }
}

function xmlText(random: Random): string {
  const depthMax = chance(random, 0.05) ? 40 : 4;
  return pick(random, prologues) + (chance(random, 0.5) ? pick(random, whole) : element(random, depthMax));
}

function element(random: Random, depthLeft: number): string {
  const name = pick(random, chance(random, 0.8) ? names : moreNames);
  const attribute = chance(random, 0.1)
    ? pick(random, [" a='b'", ' xmlns="x"', " xmlns:s3='y'", " a a=b"])
    : "";
  let content = "";
  for (let left = uniform(random, 4); left > 0; left--) {
    const isLeaf = depthLeft === 0 || chance(random, 0.4);
    content += isLeaf
      ? pick(random, chance(random, 0.7) ? texts : moreTexts)
      : element(random, depthLeft - 1);
  }
  return `<${name}${attribute}>${content}</${name}>`;
}

function utf16(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`\u{feff}${text}`, "utf16le"));
}
