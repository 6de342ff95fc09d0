import type { HoldfastNode } from "@holdfast/node";
import { unconditional } from "@holdfast/node";

const pageMax = 1000;

/** Every file of every bucket; uploads were ended before. */
export async function deleteEverything({ files }: HoldfastNode): Promise<void> {
  for (const { name: bucket } of await files.listBuckets()) {
    const all = { bucket, prefix: "", delimiter: "", after: "", limit: pageMax };
    for (let page = await files.listFiles(all); page.files.length > 0; page = await files.listFiles(all))
      for (const { key } of page.files) await files.deleteFile({ bucket, key, condition: unconditional });
  }
}
