import { join } from "node:path";
import type { ClientLane } from "./client-lane.ts";
import { runner } from "./client-lane.ts";

export const mcLane: ClientLane = {
  name: "mc",
  version: ["mc", "--version"],
  howToInstall: "go install github.com/minio/mc@latest",
  steps: ({ endpoint, accessKey, secretKey, bucket, tree, large, back, same, contains, readable }) => {
    const { protocol, host } = new URL(endpoint);
    const environment = {
      MC_HOST_hf: `${protocol}//${accessKey}:${secretKey}@${host}`,
      MC_CONFIG_DIR: join(back, "mc"),
    };
    const mc = runner("mc", environment, "--quiet", "--no-color");
    const at = `hf/${bucket}`;
    return [
      { does: "mb", run: async () => void (await mc("mb", at)) },
      {
        does: "cp of a large file and back",
        run: async () => {
          await mc("cp", large, `${at}/large`);
          await mc("cp", `${at}/large`, join(back, "large"));
          await same(large, join(back, "large"));
        },
      },
      {
        does: "mirror to and from",
        run: async () => {
          await mc("mirror", tree, `${at}/tree`);
          await mc("mirror", `${at}/tree`, join(back, "tree"));
          await same(tree, join(back, "tree"));
        },
      },
      {
        does: "cp from key to key, mv, ls, stat",
        run: async () => {
          await mc("cp", `${at}/large`, `${at}/copied`);
          await mc("mv", `${at}/copied`, `${at}/moved`);
          contains(await mc("ls", at), "moved");
          contains(await mc("stat", `${at}/moved`), "ETag");
        },
      },
      {
        does: "share download",
        run: async () => {
          const url = /^Share: (\S+)$/m.exec(await mc("share", "download", `${at}/moved`))?.[1] ?? "";
          await readable(url, large);
        },
      },
      { does: "rb --force", run: async () => void (await mc("rb", "--force", at)) },
    ];
  },
};
