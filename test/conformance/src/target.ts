/** An endpoint with what cases need at hand: a client, a bucket, names of their own, raw requests; and a memory of codes. */

import type {
  GetObjectCommandInput,
  HeadObjectCommandOutput,
  PutObjectCommandInput,
} from "@aws-sdk/client-s3";
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { uriEncodePath } from "@holdfast/base";
import type { Endpoint } from "./endpoint.ts";
import type { RawAnswer, RawRequest } from "./raw-request.ts";
import { sendRaw } from "./raw-request.ts";

const say = (): void => undefined;
/** The SDK's advice on how to use it. */
const quiet = { trace: say, debug: say, info: say, warn: say, error: say };

export class Target {
  readonly endpoint: Endpoint;
  readonly s3: S3Client;
  /** Shared by all cases; keys are their own. */
  readonly bucket: string;
  readonly seenCodes = new Set<string>();
  readonly #run: string;
  readonly #buckets: string[] = [];
  #count = 0;

  private constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    this.#run = Date.now().toString(36);
    this.bucket = `conformance-${this.#run}`;
    this.s3 = new S3Client({
      endpoint: endpoint.url,
      region: endpoint.region,
      forcePathStyle: true,
      maxAttempts: 1,
      requestHandler: { requestTimeout: 30_000 },
      logger: quiet,
      credentials: { accessKeyId: endpoint.accessKey, secretAccessKey: endpoint.secretKey },
    });
  }

  static async open(endpoint: Endpoint): Promise<Target> {
    const target = new Target(endpoint);
    await target.#make(target.bucket);
    return target;
  }

  /** Removes every bucket that was made, with what is in it. */
  async close(): Promise<void> {
    for (const bucket of this.#buckets) await this.#remove(bucket);
    this.s3.destroy();
    await this.endpoint.stop();
  }

  /** A key, or a part of one, that no other case has. */
  key(name: string = "file"): string {
    return `${++this.#count}-${name}`;
  }

  bucketName(): string {
    return `${this.bucket}-${++this.#count}`;
  }

  async newBucket(): Promise<string> {
    const name = this.bucketName();
    await this.#make(name);
    return name;
  }

  async put(
    Key: string,
    Body: PutObjectCommandInput["Body"] = "content",
    more: Partial<PutObjectCommandInput> = {},
  ) {
    return this.s3.send(new PutObjectCommand({ Bucket: this.bucket, Key, Body, ...more }));
  }

  /** Stores a small file of a name of its own. */
  async stored(Body: string = "content", more: Partial<PutObjectCommandInput> = {}): Promise<string> {
    const key = this.key();
    await this.put(key, Body, more);
    return key;
  }

  async text(Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<string> {
    const found = await this.s3.send(new GetObjectCommand({ Bucket: this.bucket, Key, ...more }));
    return (await found.Body?.transformToString()) ?? "";
  }

  head(Key: string, more: Partial<GetObjectCommandInput> = {}): Promise<HeadObjectCommandOutput> {
    return this.s3.send(new HeadObjectCommand({ Bucket: this.bucket, Key, ...more }));
  }

  path(key: string, bucket: string = this.bucket): string {
    return `/${bucket}/${uriEncodePath(key)}`;
  }

  async raw(request: RawRequest): Promise<RawAnswer> {
    const answer = await sendRaw(this.endpoint, request);
    if (answer.code !== "") this.seenCodes.add(answer.code);
    return answer;
  }

  async #make(Bucket: string): Promise<void> {
    await this.s3.send(new CreateBucketCommand({ Bucket }));
    this.#buckets.push(Bucket);
  }

  async #remove(Bucket: string): Promise<void> {
    const { Uploads = [] } = await this.s3.send(new ListMultipartUploadsCommand({ Bucket }));
    for (const { Key, UploadId } of Uploads)
      await this.s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    for (let more = true; more; ) {
      const page = await this.s3.send(new ListObjectsV2Command({ Bucket }));
      const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
      if (Objects.length > 0)
        await this.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
      more = page.IsTruncated === true;
    }
    await this.s3.send(new DeleteBucketCommand({ Bucket }));
  }
}
