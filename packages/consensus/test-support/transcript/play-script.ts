import type { Envelope } from "../../src/contract/consensus.ts";
import type { TranscriptProtocol } from "./protocol.ts";
import { Transcript } from "./transcript.ts";

/** The script with what happened behind each of its commands. */
export function playScript<Message extends Envelope>(
  protocol: TranscriptProtocol<Message>,
  script: string,
): string {
  const transcript = new Transcript(protocol);
  const recorded: string[] = [];
  for (const line of script.split("\n")) {
    recorded.push(line);
    if (line.trim() === "" || line.startsWith("#")) continue;
    for (const said of transcript.run(line)) recorded.push(`    ${said}`);
  }
  return recorded.join("\n");
}
