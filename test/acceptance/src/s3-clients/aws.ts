import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientLane } from "./client-lane.ts";
import { NotInstalledError, runner } from "./client-lane.ts";

/** The AWS command line, version 1 or 2, whichever is installed. */
export const awsLane: ClientLane = {
  name: "aws",
  version: ["aws", "--version"],
  howToInstall: "pip install awscli (version 1), or https://docs.aws.amazon.com/cli (version 2)",
  steps: ({ endpoint, accessKey, secretKey, bucket, tree, large, back, same, contains, readable }) => {
    const config = join(back, "aws-config");
    const environment = {
      AWS_ACCESS_KEY_ID: accessKey,
      AWS_SECRET_ACCESS_KEY: secretKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_CONFIG_FILE: config,
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_PAGER: "",
    };
    const aws = runner("aws", environment, "--endpoint-url", endpoint);
    const s3 = runner("aws", environment, "--endpoint-url", endpoint, "s3");
    const api = (...args: readonly string[]): Promise<string> => aws("s3api", ...args);
    const at = `s3://${bucket}`;
    return [
      {
        does: "mb",
        run: async () => {
          await writeFile(
            config,
            "[default]\ns3 =\n  signature_version = s3v4\n  multipart_threshold = 6MB\n  multipart_chunksize = 6MB\n",
          );
          await s3("mb", at);
        },
      },
      { does: "cp of a large file, in parts", run: async () => void (await s3("cp", large, `${at}/large`)) },
      {
        does: "cp back",
        run: async () => {
          await s3("cp", `${at}/large`, join(back, "large"));
          await same(large, join(back, "large"));
        },
      },
      {
        does: "cp from key to key, in parts",
        run: async () => {
          await s3("cp", `${at}/large`, `${at}/copied`);
          await s3("cp", `${at}/copied`, join(back, "copied"));
          await same(large, join(back, "copied"));
        },
      },
      {
        does: "sync to and from",
        run: async () => {
          await s3("sync", tree, `${at}/tree`);
          await s3("sync", `${at}/tree`, join(back, "tree"));
          await same(tree, join(back, "tree"));
          contains(`[${await s3("sync", tree, `${at}/tree`)}]`, "[]");
        },
      },
      {
        does: "mv and ls",
        run: async () => {
          await s3("mv", `${at}/copied`, `${at}/moved`);
          contains(await s3("ls", `${at}/`), "moved");
        },
      },
      { does: "presign", run: async () => readable((await s3("presign", `${at}/moved`)).trim(), large) },
      ...(["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const).map((algorithm) => ({
        does: `put-object with ${algorithm}`,
        run: async (): Promise<void> => {
          const name = ["--bucket", bucket, "--key", algorithm];
          await api("put-object", ...name, "--body", large, "--checksum-algorithm", algorithm).catch(explain);
          contains(await api("head-object", ...name, "--checksum-mode", "ENABLED"), `Checksum${algorithm}`);
          await api("get-object", ...name, join(back, algorithm));
          await same(large, join(back, algorithm));
        },
      })),
      {
        does: "get-object-attributes, list-object-versions, get-bucket-versioning, get-bucket-acl",
        run: async () => {
          const name = ["--bucket", bucket, "--key", "large"];
          const attributes = ["ETag", "Checksum", "ObjectParts", "ObjectSize", "StorageClass"];
          contains(
            await api("get-object-attributes", ...name, "--object-attributes", ...attributes),
            "TotalPartsCount",
          );
          contains(await api("list-object-versions", "--bucket", bucket), '"VersionId": "null"');
          await api("get-bucket-versioning", "--bucket", bucket);
          contains(await api("get-bucket-acl", "--bucket", bucket), "FULL_CONTROL");
        },
      },
      {
        does: "put-object if absent",
        run: async () => {
          const put = ["put-object", "--bucket", bucket, "--key", "once", "--if-none-match", "*"];
          await api(...put);
          const again = await api(...put).catch(String);
          contains(again, "PreconditionFailed");
        },
      },
      {
        does: "rm --recursive, rb",
        run: async () => {
          await s3("rm", "--recursive", at);
          await s3("rb", at);
        },
      },
    ];
  },
};

/** Two algorithms need a native library of the client's. */
function explain(error: unknown): never {
  if (String(error).includes("Missing Dependency"))
    throw new NotInstalledError("pip install 'botocore[crt]'");
  throw error;
}
