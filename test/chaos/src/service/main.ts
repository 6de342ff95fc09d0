/** A process of the register service: `node main.ts OPTIONS`, where OPTIONS is JSON (options.ts). Says "ready", then serves. */

import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { decode, encode } from "@holdfast/base";
import { pinoJournal } from "@holdfast/host";
import { FrameSender, readFrames } from "../wire/frames.ts";
import { answerCodec, requestCodec } from "../wire/messages.ts";
import type { ServiceOptions } from "./options.ts";
import { RegisterService } from "./register-service.ts";

const options = JSON.parse(process.argv[2] ?? "{}") as ServiceOptions;
await mkdir(options.folder, { recursive: true });
const journal = pinoJournal({ level: "error" });
const service = await RegisterService.open(options, journal, (cause) => {
  console.error(`node ${options.node} stops:`, cause);
  process.exit(1);
});
const server = createServer({ noDelay: true }, serve).listen(options.clientPort, "127.0.0.1");
await once(server, "listening");
console.log("ready");

function serve(socket: Socket): void {
  const sender = new FrameSender(socket);
  socket.on("error", () => socket.destroy());
  readFrames(socket, (frame) => {
    const { id, body } = decode(requestCodec, frame);
    service.answer(body).then(
      (answer) => sender.send(encode(answerCodec, { id, body: answer })),
      (cause: unknown) => {
        console.error("a request failed:", cause);
        process.exit(1);
      },
    );
  });
}
