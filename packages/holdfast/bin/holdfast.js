#!/usr/bin/env node
// The launcher: plain JavaScript that old versions of Node can read, so that they can be told what to do.
// From a checkout it runs the TypeScript sources, from an installed package the compiled code.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`holdfast needs Node 22.18 or newer; this is ${process.version} (${process.execPath}).`);
  console.error("Install a newer Node, or in a checkout run: npx holdfast");
  process.exitCode = 1;
} else {
  const source = fileURLToPath(new URL("../src/cli.ts", import.meta.url));
  if (existsSync(source)) runSource(source);
  else await import("../dist/cli.js");
}

// The export condition can only be given on Node's own command line, so this process becomes another one: same id,
// same terminal, same signals.
function runSource(source) {
  const args = [process.execPath, "--conditions=holdfast-source", source, ...process.argv.slice(2)];
  process.execve(process.execPath, args, process.env);
}
