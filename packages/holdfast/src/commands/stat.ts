/** `holdfast stat`: what the store knows about files and buckets. */

import type { FileInfo, Store } from "@holdfast/client";
import { Failure } from "../command-line/failure.ts";
import { printable, sizeText, table, timeText } from "../command-line/format.ts";
import type { RemoteLocation } from "../command-line/location.ts";
import { fileName, locationText, parseRemote } from "../command-line/location.ts";
import type { Session } from "../command-line/session.ts";

export async function stat(session: Session, names: readonly string[]): Promise<void> {
  const places = names.map(parseRemote);
  const store = await session.store();
  for (const place of places) {
    try {
      if (place.key === "") await statBucket(session, store, place.bucket);
      else await statFile(session, store, place);
    } catch (error) {
      if (places.length === 1) throw error;
      session.fail(error, locationText(place));
    }
  }
}

async function statBucket({ output, signal }: Session, store: Store, name: string): Promise<void> {
  const bucket = (await store.listBuckets({ signal })).find((known) => known.name === name);
  if (bucket === undefined) {
    const next = "list the buckets with `holdfast ls`";
    throw new Failure(`there is no bucket ${name}`, { code: "BucketNotFound", next });
  }
  const { redundancy, blockBytes } = bucket.settings;
  const rows = [
    ["name", `hf://${name}`],
    ["created", timeText(bucket.createdAtMs)],
    ["owner", printable(bucket.owner)],
    ["redundancy", redundancy],
    ["block size", sizeText(blockBytes)],
  ];
  await output.result({ kind: "bucket", ...bucket }, table(rows).join("\n"));
}

async function statFile({ output, signal }: Session, store: Store, place: RemoteLocation): Promise<void> {
  const info = await store.statFile(fileName(place), { signal });
  const { name: _, modifiedAtMs, ...rest } = info;
  const document = {
    kind: "file",
    bucket: place.bucket,
    key: place.key,
    ...rest,
    modifiedAt: new Date(modifiedAtMs).toISOString(),
  };
  await output.result(document, table(fileRows(place, info)).join("\n"));
}

function fileRows(place: RemoteLocation, info: FileInfo): readonly (readonly string[])[] {
  const rows = [
    ["name", printable(locationText(place))],
    ["size", `${info.bytes} bytes (${sizeText(info.bytes)})`],
    ["modified", timeText(info.modifiedAtMs)],
    ["etag", info.etag],
    ["version", info.version],
    ["crc32", info.crc32.toString(16).padStart(8, "0")],
    ["content type", printable(info.contentType ?? "")],
  ];
  for (const [name, value] of Object.entries(info.userMetadata))
    rows.push([`meta ${printable(name)}`, printable(value)]);
  return rows;
}
