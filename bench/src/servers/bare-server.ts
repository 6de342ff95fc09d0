import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { reportCpu } from "./cpu-reporter.ts";

const body = Buffer.alloc(Number(process.argv[2] ?? 0), 0x5a);
const takesMd5 = process.argv[3] === "md5";

function onPut(request: IncomingMessage, response: ServerResponse): void {
  const digest = takesMd5 ? createHash("md5") : undefined;
  request.on("data", (chunk: Buffer) => digest?.update(chunk));
  request.on("end", () => {
    const etag = digest?.digest("hex") ?? "none";
    response.writeHead(200, { etag, "content-length": 0 });
    response.end();
  });
}

const server = createServer((request, response) => {
  if (request.method === "PUT") return onPut(request, response);
  response.writeHead(200, { "content-length": body.length });
  response.end(body);
});
reportCpu();
process.on("disconnect", () => process.exit(0));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  process.send?.({ port, accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
});
