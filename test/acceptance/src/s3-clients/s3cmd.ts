import { join } from "node:path";
import type { ClientLane } from "./client-lane.ts";
import { runner } from "./client-lane.ts";

export const s3cmdLane: ClientLane = {
  name: "s3cmd",
  version: ["s3cmd", "--version"],
  howToInstall: "apt-get install s3cmd",
  steps: ({ endpoint, accessKey, secretKey, bucket, tree, large, back, same, contains }) => {
    const host = new URL(endpoint).host;
    const s3cmd = runner(
      "s3cmd",
      {},
      `--host=${host}`,
      `--host-bucket=${host}`,
      "--no-ssl",
      `--access_key=${accessKey}`,
      `--secret_key=${secretKey}`,
      "--no-progress",
      "--config=/dev/null",
      "--multipart-chunk-size-mb=5",
    );
    const at = `s3://${bucket}`;
    return [
      { does: "mb", run: async () => void (await s3cmd("mb", at)) },
      {
        does: "put of a large file, in parts",
        run: async () => void (await s3cmd("put", large, `${at}/large`)),
      },
      {
        does: "get",
        run: async () => {
          await s3cmd("get", `${at}/large`, join(back, "large"));
          await same(large, join(back, "large"));
        },
      },
      {
        does: "sync to and from",
        run: async () => {
          await s3cmd("sync", `${tree}/`, `${at}/tree/`);
          await s3cmd("sync", `${at}/tree/`, `${join(back, "tree")}/`);
          await same(tree, join(back, "tree"));
        },
      },
      {
        does: "cp, mv, modify",
        run: async () => {
          await s3cmd("cp", `${at}/large`, `${at}/copied`);
          await s3cmd("mv", `${at}/copied`, `${at}/moved`);
          await s3cmd("modify", "--add-header=Cache-Control: no-store", `${at}/moved`);
          contains(await s3cmd("info", `${at}/moved`), "File size");
          await s3cmd("get", `${at}/moved`, join(back, "moved"));
          await same(large, join(back, "moved"));
        },
      },
      {
        does: "ls, la, du, info, multipart, setacl",
        run: async () => {
          contains(await s3cmd("ls", at), "moved");
          contains(await s3cmd("la"), "moved");
          contains(await s3cmd("du", at), "objects");
          contains(await s3cmd("info", at), "Location");
          contains(await s3cmd("multipart", at), "Initiated");
          await s3cmd("setacl", "--acl-private", `${at}/moved`);
        },
      },
      {
        does: "signurl",
        run: async () => {
          // SigV2, which this server refuses: the client knows no other for URLs.
          contains(await s3cmd("signurl", `${at}/large`, "+600"), "http");
        },
      },
      {
        does: "del --recursive, rb",
        run: async () => {
          await s3cmd("del", "--recursive", "--force", at);
          await s3cmd("rb", at);
        },
      },
    ];
  },
};
