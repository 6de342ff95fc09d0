/** What an entry of the system group answered, as nodes tell it to each other. */

import type { Codec } from "@holdfast/base";
import { integer, record, text, union, variant, versioned } from "@holdfast/base";
import { bucketCodec } from "@holdfast/namespace";
import { nodeIdCodec, nodeRecordCodec } from "./cluster/node-record.ts";
import { errorCodeCodec } from "./result.ts";
import type { SystemResult } from "./system-command.ts";

/** Version 1. */
export const systemResultCodec: Codec<SystemResult> = versioned(
  1,
  union({
    done: variant(1, record({})),
    bucket: variant(2, record({ bucket: bucketCodec })),
    node: variant(3, record({ node: nodeRecordCodec })),
    replica: variant(
      4,
      record({ place: record({ replica: integer, node: nodeIdCodec, incarnation: text }) }),
    ),
    refused: variant(5, record({ code: errorCodeCodec, subject: text })),
  }),
);
