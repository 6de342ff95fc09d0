import { once } from "node:events";
import { createServer } from "node:net";

/** Below what systems give out by themselves, so that nobody gets one between its choice and its use. */
const lowest = 18_000;
const highest = 32_000;

/** So many ports of this machine that nobody uses. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (!ports.has(port) && (await isFree(port))) ports.add(port);
  }
  return [...ports];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const isListening = await Promise.race([
    once(server, "listening").then(() => true),
    once(server, "error").then(() => false),
  ]).catch(() => false);
  if (!isListening) return false;
  server.close();
  await once(server, "close");
  return true;
}
