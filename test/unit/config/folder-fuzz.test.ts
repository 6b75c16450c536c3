import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatProblem, knownFiles, readConfiguration } from '../../../src/configuration.ts';
import { folderOf } from './folder-props.ts';
import fc from '../../props/fast-check.ts';

const names = knownFiles.filter(({ use, shape }) => use === 'used' && shape !== 'folder').map(({ name }) => name);
const text = fc.oneof(fc.uint8Array({ maxLength: 60 }).map((octets) => Buffer.from(octets)), fc.constantFrom('', '0', '1', '*', '.', 'a.example', '1w', 'PORT=25', 'TLS_CERTFILE=me', 'TLS_TRUSTCERTS=.', 'ACCESSFILE=..', `TLS_CERTFILE=${'x'.repeat(5000)}`, `ACCESSFILE=/${'x'.repeat(5000)}`).map((words) => Buffer.from(words)));

test('whatever is in whichever file: a configuration, or problems that can be printed', (t) => {
  const { path } = folderOf(t, {});
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...names), text), { maxLength: 6 }), (files) => {
      for (const [name, octets] of files) writeFileSync(join(path, name), octets, { mode: 0o600 });
      const result = readConfiguration(path, 'box.example.net');
      if (result.kind === 'wrong') for (const problem of result.problems) assert.match(formatProblem(problem), /^\/[^\n]+: [^\n]+; right would be: [^\n]+$/);
    }),
    { numRuns: 150 },
  );
});
