/**
 * `--exclude` and `--include`, as in AWS' tool: patterns over names below the source, of which the last one that fits decides. `*` stands
 * for anything, also slashes, `?` for one character, `[abc]` and `[!abc]` for one of some. Without patterns everything is in.
 */

import { UsageError } from "../command-line/failure.ts";

export interface NamePattern {
  readonly kind: "include" | "exclude";
  readonly pattern: string;
}

export type NameFilter = (relative: string) => boolean;

export function nameFilter(patterns: readonly NamePattern[]): NameFilter {
  const rules = patterns.map(({ kind, pattern }) => ({ kind, expression: patternExpression(pattern) }));
  return (relative) => rules.findLast(({ expression }) => expression.test(relative))?.kind !== "exclude";
}

function patternExpression(pattern: string): RegExp {
  let source = "";
  for (let rest = pattern; rest !== ""; ) {
    const set = /^\[(!?)([^\]]+)\]/.exec(rest);
    if (set !== null) {
      source += `[${set[1] === "!" ? "^" : ""}${(set[2] ?? "").replaceAll(/[\\^\]]/g, "\\$&")}]`;
      rest = rest.slice(set[0].length);
      continue;
    }
    // Several stars in a row say what one says, and would only take time.
    const star = /^\*+/.exec(rest);
    const first = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    source += star !== null ? ".*" : first === "?" ? "." : first.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
    rest = rest.slice(star?.[0].length ?? first.length);
  }
  try {
    return new RegExp(`^${source}$`, "su");
  } catch {
    throw new UsageError(`"${pattern}" is no pattern: a set in brackets is wrong`);
  }
}
