import { Holdfast } from "holdfast";
import { reportCpu } from "./cpu-reporter.ts";

const data = process.argv[2];
if (data === undefined) throw new Error("usage: holdfast-server.ts DATA");
const holdfast = await Holdfast.start({ nodes: 1, data });
await holdfast.store.createBucket("bench");
reportCpu();
process.on("disconnect", () => void holdfast.stop().then(() => process.exit(0)));
const port = Number(new URL(holdfast.s3Endpoint).port);
process.send?.({ port, accessKey: holdfast.accessKey, secretKey: holdfast.secretKey });
