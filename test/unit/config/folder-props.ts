/** A configuration folder for one test, made of texts, gone afterwards. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { formatProblem, readConfiguration, type Configuration } from '../../../src/configuration.ts';

export interface Folder {
  readonly path: string;
  /** The configuration, or a failed test that says why there is none. */
  read(): Configuration;
  /** `file:line: what` of each problem, the folder's path left out. */
  problems(): readonly string[];
}

/** Names ending in / are folders; passwords' files are private. */
export function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Folder {
  const around = mkdtempSync(join(tmpdir(), 'posthorn-configuration-'));
  t.after(() => rmSync(around, { recursive: true }));
  // What `..` leads to is the test's own, too.
  const path = join(around, 'etc');
  mkdirSync(path);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    if (name.endsWith('/')) mkdirSync(join(path, name), { recursive: true });
    else writeFileSync(join(path, name), text);
    if (/^(esmtpauthclient|socksproxy|userdb|authtokens)|\.(pem|key)(\.|$)/.test(name) && !name.endsWith('/')) chmodSync(join(path, name), 0o600);
  }
  return {
    path,
    read() {
      const result = readConfiguration(path, 'box.example.net');
      if (result.kind === 'wrong') throw new Error(result.problems.map(formatProblem).join('\n'));
      return result.configuration;
    },
    problems() {
      const result = readConfiguration(path, 'box.example.net');
      return result.kind === 'read' ? [] : result.problems.map((problem) => formatProblem(problem).replaceAll(`${path}/`, ''));
    },
  };
}
