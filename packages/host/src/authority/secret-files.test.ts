import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { suite, test } from "node:test";
import { credentialsFor, makeAuthority, nodeA } from "../../test-support/network-nodes.ts";
import { realClock } from "../clock.ts";
import { secureRandom } from "../random.ts";
import { CertificateError } from "./certificate-error.ts";
import { createAuthority } from "./cluster-authority.ts";
import { loadAuthority, loadCredentials, saveAuthority, saveCredentials } from "./secret-files.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "holdfast-secrets-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

suite("secret files", () => {
  test("an authority and a node's credentials are read back as they were, each from one file of its owner alone", async (t) => {
    const path = await folder(t);
    const stored = await createAuthority("c", { clock: realClock, random: secureRandom });
    const credentials = await credentialsFor(await makeAuthority("c"), nodeA);
    await saveAuthority(join(path, "authority.pem"), stored);
    await saveCredentials(join(path, "node.pem"), credentials);
    const same = (text: string): string => text.trim();
    const authority = await loadAuthority(join(path, "authority.pem"));
    assert.deepEqual(
      [authority.key, authority.certificate].map(same),
      [stored.key, stored.certificate].map(same),
    );
    const loaded = await loadCredentials(join(path, "node.pem"));
    for (const part of ["key", "certificate", "authority"] as const)
      assert.equal(same(loaded[part]), same(credentials[part]));
    for (const name of await readdir(path)) assert.equal((await stat(join(path, name))).mode & 0o777, 0o600);
  });

  test("new credentials take the place of the old, even where an attempt was left half done", async (t) => {
    const path = join(await folder(t), "node.pem");
    const authority = await makeAuthority();
    await saveCredentials(path, await credentialsFor(authority, nodeA));
    await writeFile(`${path}.new`, "half a k");
    const renewed = await credentialsFor(authority, nodeA);
    await saveCredentials(path, renewed);
    assert.equal((await loadCredentials(path)).certificate.trim(), renewed.certificate.trim());
  });

  test("a file that others may read, or that holds something else, is refused", async (t) => {
    const path = join(await folder(t), "node.pem");
    await saveCredentials(path, await credentialsFor(await makeAuthority(), nodeA));
    await assert.rejects(loadAuthority(path), CertificateError);
    await chmod(path, 0o640);
    await assert.rejects(loadCredentials(path), /chmod 600/);
    await writeFile(path, "");
    await chmod(path, 0o600);
    await assert.rejects(loadCredentials(path), CertificateError);
  });
});
