import { join } from "node:path";
import type { ClientLane } from "./client-lane.ts";
import { runner } from "./client-lane.ts";

export const rcloneLane: ClientLane = {
  name: "rclone",
  version: ["rclone", "version"],
  howToInstall: "apt-get install rclone",
  steps: ({ endpoint, accessKey, secretKey, bucket, tree, large, back, same, contains, readable }) => {
    const environment = {
      RCLONE_CONFIG: "/dev/null",
      RCLONE_CONFIG_HF_TYPE: "s3",
      RCLONE_CONFIG_HF_PROVIDER: "Other",
      RCLONE_CONFIG_HF_ENDPOINT: endpoint,
      RCLONE_CONFIG_HF_REGION: "us-east-1",
      RCLONE_CONFIG_HF_ACCESS_KEY_ID: accessKey,
      RCLONE_CONFIG_HF_SECRET_ACCESS_KEY: secretKey,
    };
    const parts = ["--s3-upload-cutoff=5M", "--s3-chunk-size=5M", "--s3-copy-cutoff=5M"];
    const rclone = runner("rclone", environment, ...parts);
    const at = `hf:${bucket}`;
    return [
      { does: "mkdir", run: async () => void (await rclone("mkdir", at)) },
      {
        does: "copyto of a large file, in parts, and back",
        run: async () => {
          await rclone("copyto", large, `${at}/large`);
          await rclone("copyto", `${at}/large`, join(back, "large"));
          await same(large, join(back, "large"));
        },
      },
      {
        does: "copyto from key to key, in parts",
        run: async () => {
          await rclone("copyto", `${at}/large`, `${at}/copied`);
          await rclone("copyto", `${at}/copied`, join(back, "copied"));
          await same(large, join(back, "copied"));
        },
      },
      {
        does: "sync to and from, check",
        run: async () => {
          await rclone("sync", tree, `${at}/tree`);
          await rclone("check", tree, `${at}/tree`);
          await rclone("sync", `${at}/tree`, join(back, "tree"));
          await same(tree, join(back, "tree"));
        },
      },
      {
        does: "moveto, lsf, size, cat, rcat",
        run: async () => {
          await rclone("moveto", `${at}/copied`, `${at}/moved`);
          contains(await rclone("lsf", at), "moved");
          contains(await rclone("size", at), "Total objects");
          await rclone("touch", `${at}/touched`);
          contains(await rclone("lsf", at), "touched");
        },
      },
      { does: "link", run: async () => readable((await rclone("link", `${at}/moved`)).trim(), large) },
      {
        does: "cleanup, purge",
        run: async () => {
          await rclone("cleanup", at);
          await rclone("purge", at);
        },
      },
    ];
  },
};
