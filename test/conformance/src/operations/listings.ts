import assert from "node:assert/strict";
import type {
  ListObjectsCommandInput,
  ListObjectsV2CommandInput,
  ListObjectVersionsCommandInput,
} from "@aws-sdk/client-s3";
import {
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import type { ConformanceCase, ConformanceOperation } from "../conformance-case.ts";
import { refuses, works } from "../conformance-case.ts";
import type { Target } from "../target.ts";

/** In the order of their UTF-8 bytes. */
const keys = [
  "a b",
  "a/1",
  "a/2",
  "a/b/3",
  "b",
  "b+c",
  "c%d",
  "d/",
  "e//f",
  "é",
  "\u{ffee}",
  "\u{1f600}",
] as const;

interface Page {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
}

interface Ask {
  readonly Prefix?: string;
  readonly Delimiter?: string;
  readonly MaxKeys?: number;
  readonly EncodingType?: "url";
  /** Only behind this key. */
  readonly after?: string;
}

type List = (target: Target, Bucket: string, ask: Ask) => Promise<Page>;

const buckets = new WeakMap<Target, Promise<string>>();

/** One bucket with these files serves all cases of a run. */
function bucketOfKeys(target: Target): Promise<string> {
  const made = buckets.get(target) ?? makeBucket(target);
  buckets.set(target, made);
  return made;
}

async function makeBucket(target: Target): Promise<string> {
  const Bucket = await target.newBucket();
  for (const Key of keys) await target.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
  return Bucket;
}

function pageOf(
  files: readonly { readonly Key?: string | undefined }[] = [],
  prefixes: readonly { readonly Prefix?: string | undefined }[] = [],
  truncated: boolean | undefined,
): Page {
  return {
    keys: files.map(({ Key = "" }) => Key),
    prefixes: prefixes.map(({ Prefix = "" }) => Prefix),
    truncated: truncated === true,
  };
}

const listV1: List = async (target, Bucket, { after: Marker, ...ask }) => {
  const input: ListObjectsCommandInput = { Bucket, ...ask, Marker };
  const page = await target.s3.send(new ListObjectsCommand(input));
  return pageOf(page.Contents, page.CommonPrefixes, page.IsTruncated);
};

const listV2: List = async (target, Bucket, { after: StartAfter, ...ask }) => {
  const input: ListObjectsV2CommandInput = { Bucket, ...ask, StartAfter };
  const page = await target.s3.send(new ListObjectsV2Command(input));
  assert.equal(page.KeyCount, (page.Contents?.length ?? 0) + (page.CommonPrefixes?.length ?? 0));
  return pageOf(page.Contents, page.CommonPrefixes, page.IsTruncated);
};

const listVersions: List = async (target, Bucket, { after: KeyMarker, ...ask }) => {
  const input: ListObjectVersionsCommandInput = { Bucket, ...ask, KeyMarker };
  const page = await target.s3.send(new ListObjectVersionsCommand(input));
  for (const version of page.Versions ?? [])
    assert.deepEqual([version.VersionId, version.IsLatest], ["null", true]);
  return pageOf(page.Versions, page.CommonPrefixes, page.IsTruncated);
};

/** What every listing answers alike. */
const pages: readonly (readonly [claim: string, ask: Ask, expected: Page])[] = [
  ["everything, in byte order", {}, { keys, prefixes: [], truncated: false }],
  ["a prefix", { Prefix: "a" }, { keys: keys.slice(0, 4), prefixes: [], truncated: false }],
  ["a prefix that nothing has", { Prefix: "x" }, { keys: [], prefixes: [], truncated: false }],
  [
    "a delimiter",
    { Delimiter: "/" },
    {
      keys: ["a b", "b", "b+c", "c%d", "é", "\u{ffee}", "\u{1f600}"],
      prefixes: ["a/", "d/", "e/"],
      truncated: false,
    },
  ],
  [
    "prefix and delimiter",
    { Prefix: "a/", Delimiter: "/" },
    { keys: ["a/1", "a/2"], prefixes: ["a/b/"], truncated: false },
  ],
  [
    "a prefix with its delimiter at the end of a key",
    { Prefix: "d/", Delimiter: "/" },
    { keys: ["d/"], prefixes: [], truncated: false },
  ],
  [
    "an empty name between delimiters",
    { Prefix: "e/", Delimiter: "/" },
    { keys: [], prefixes: ["e//"], truncated: false },
  ],
  [
    "a delimiter of several characters",
    { Prefix: "a/", Delimiter: "b/" },
    { keys: ["a/1", "a/2"], prefixes: ["a/b/"], truncated: false },
  ],
  [
    "a delimiter that nothing has",
    { Prefix: "b", Delimiter: "?" },
    { keys: ["b", "b+c"], prefixes: [], truncated: false },
  ],
  ["one at a time", { MaxKeys: 1 }, { keys: ["a b"], prefixes: [], truncated: true }],
  ["none", { MaxKeys: 0 }, { keys: [], prefixes: [], truncated: false }],
  [
    "common prefixes count",
    { Delimiter: "/", MaxKeys: 2 },
    { keys: ["a b"], prefixes: ["a/"], truncated: true },
  ],
  ["behind a key", { after: "d/" }, { keys: keys.slice(8), prefixes: [], truncated: false }],
  [
    "behind a name that is not there",
    { after: "b/" },
    { keys: keys.slice(6), prefixes: [], truncated: false },
  ],
  ["behind everything", { after: "\u{1f600}" }, { keys: [], prefixes: [], truncated: false }],
  [
    "behind a common prefix",
    { Delimiter: "/", after: "a/", MaxKeys: 1 },
    { keys: ["b"], prefixes: [], truncated: true },
  ],
  [
    "behind a key under a common prefix",
    { Delimiter: "/", after: "a/1", MaxKeys: 1 },
    { keys: [], prefixes: ["a/"], truncated: true },
  ],
];

function listingCases(list: List): readonly ConformanceCase[] {
  return [
    ...pages.map(([claim, ask, expected]) =>
      works(claim, async (target) => {
        assert.deepEqual(await list(target, await bucketOfKeys(target), ask), expected);
      }),
    ),
    works("names percent-encoded on request", async (target) => {
      const bucket = await bucketOfKeys(target);
      const page = await list(target, bucket, { EncodingType: "url" });
      assert.deepEqual(
        page.keys.map((key) => decodeURIComponent(key.replaceAll("+", " "))),
        keys,
      );
    }),
    works("an empty bucket", async (target) => {
      const page = await list(target, await target.newBucket(), {});
      assert.deepEqual(page, { keys: [], prefixes: [], truncated: false });
    }),
    refuses("a bucket that is not there", "404 NoSuchBucket", (target) =>
      list(target, target.bucketName(), {}),
    ),
  ];
}

function wrongQueries(name: string): readonly ConformanceCase[] {
  return ["max-keys=x", "max-keys=-1", "max-keys=99999999999", "encoding-type=base64"].map((query) =>
    refuses(query, "400 InvalidArgument", (target) =>
      target.raw({ path: `/${target.bucket}`, query: name === "" ? query : `${name}&${query}` }),
    ),
  );
}

export const listObjects: ConformanceOperation = {
  name: "ListObjects",
  supports: "prefix, delimiter, marker, max-keys, encoding-type",
  cases: [
    ...listingCases(listV1),
    ...wrongQueries(""),
    works("NextMarker leads through common prefixes", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const found: string[] = [];
      for (let Marker: string | undefined; ; ) {
        const ask = { Bucket, Delimiter: "/", MaxKeys: 1, Marker };
        const page = await target.s3.send(new ListObjectsCommand(ask));
        for (const { Key = "" } of page.Contents ?? []) found.push(Key);
        for (const { Prefix = "" } of page.CommonPrefixes ?? []) found.push(Prefix);
        Marker = page.NextMarker;
        if (Marker === undefined) break;
      }
      assert.deepEqual(found, ["a b", "a/", "b", "b+c", "c%d", "d/", "e/", "é", "\u{ffee}", "\u{1f600}"]);
    }),
    works("files have size, ETag, date, owner and class", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const { Contents = [] } = await target.s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 1 }));
      const [file] = Contents;
      assert.deepEqual([file?.Size, file?.StorageClass], [1, "STANDARD"]);
      assert.ok(file?.LastModified instanceof Date && file.Owner?.ID !== undefined);
      assert.match(file.ETag ?? "", /^"[0-9a-f]{32}"$/);
    }),
    works("a control character goes through encoding-type", async (target) => {
      const Bucket = await target.newBucket();
      const Key = "a\u0001b";
      await target.s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
      const { text } = await target.raw({ path: `/${Bucket}`, query: "encoding-type=url" });
      assert.match(text, /<Key>a%01b<\/Key>/);
      // No XML document can name it, DeleteObjects's neither.
      await target.raw({ method: "DELETE", path: target.path(Key, Bucket) });
    }),
  ],
};

export const listObjectsV2: ConformanceOperation = {
  name: "ListObjectsV2",
  supports: "prefix, delimiter, start-after, continuation-token, fetch-owner, max-keys, encoding-type",
  cases: [
    ...listingCases(listV2),
    ...wrongQueries("list-type=2"),
    works("tokens lead through all", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const found: string[] = [];
      for (let ContinuationToken: string | undefined; ; ) {
        const page = await target.s3.send(
          new ListObjectsV2Command({ Bucket, MaxKeys: 5, ContinuationToken }),
        );
        assert.equal(page.ContinuationToken, ContinuationToken);
        for (const { Key = "" } of page.Contents ?? []) found.push(Key);
        ContinuationToken = page.NextContinuationToken;
        if (ContinuationToken === undefined) break;
      }
      assert.deepEqual(found, keys);
    }),
    works("a token counts before start-after", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const first = await target.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1 }));
      const ContinuationToken = first.NextContinuationToken;
      const ask = { Bucket, MaxKeys: 1, StartAfter: "b", ContinuationToken };
      const { Contents } = await target.s3.send(new ListObjectsV2Command(ask));
      assert.equal(Contents?.[0]?.Key, keys[1]);
    }),
    works("the owner is there on request alone", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const owner = async (FetchOwner?: boolean): Promise<unknown> => {
        const page = await target.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1, FetchOwner }));
        return page.Contents?.[0]?.Owner;
      };
      assert.ok((await owner(true)) !== undefined);
      assert.deepEqual([await owner(), await owner(false)], [undefined, undefined]);
    }),
    refuses("a token that is none", "400 InvalidArgument", (target) =>
      target.s3.send(new ListObjectsV2Command({ Bucket: target.bucket, ContinuationToken: "!!" })),
    ),
    refuses("the empty token", "400 InvalidArgument", (target) =>
      target.raw({ path: `/${target.bucket}`, query: "continuation-token=&list-type=2" }),
    ),
  ],
};

export const listObjectVersions: ConformanceOperation = {
  name: "ListObjectVersions",
  supports: "each file as its only version, `null`: no bucket has versions yet",
  cases: [
    ...listingCases(listVersions),
    ...wrongQueries("versions"),
    works("markers lead through all", async (target) => {
      const Bucket = await bucketOfKeys(target);
      const found: string[] = [];
      for (let marker: { KeyMarker?: string; VersionIdMarker?: string } = {}; ; ) {
        const page = await target.s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys: 5, ...marker }));
        for (const { Key = "" } of page.Versions ?? []) found.push(Key);
        if (page.IsTruncated !== true) break;
        marker = { KeyMarker: page.NextKeyMarker ?? "", VersionIdMarker: page.NextVersionIdMarker ?? "" };
      }
      assert.deepEqual(found, keys);
    }),
    refuses("a version marker without its key", "400 InvalidArgument", (target) =>
      target.s3.send(new ListObjectVersionsCommand({ Bucket: target.bucket, VersionIdMarker: "null" })),
    ),
  ],
};
