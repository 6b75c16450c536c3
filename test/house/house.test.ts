import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkImports, checkRfcIndex, readSources, sizeReport } from './check.ts';
import { readImports } from './imports.ts';

const root = join(import.meta.dirname, '../..');

function source(path: string, text: string) {
  return { path, text, imports: readImports(text) };
}

test('the import reader sees every form and no comment', () => {
  const found = readImports(`// import 'no1'\nimport a from 'one';\nimport type { B } from "two";\nexport * from './three.ts';\nimport {\n  c,\n  d,\n} from 'four';\nimport 'five';\nconst x = await import('six');\n/* import 'no2' */\n`);
  assert.deepEqual(found.map(one => one.specifier), ['one', 'two', './three.ts', 'four', 'five', 'six']);
  assert.deepEqual(found.map(one => one.typeOnly), [false, true, false, false, false, false]);
});

test('each import rule notices its breach', () => {
  const rules = (...sources: ReturnType<typeof source>[]) => checkImports(sources).map(one => one.rule);
  assert.deepEqual(rules(source('src/core/x.ts', `import fs from 'node:fs';`)), ['D1']);
  assert.deepEqual(rules(source('src/grammar/x.ts', `import fs from 'node:fs';`)), ['D1']);
  assert.deepEqual(rules(source('src/flow/queue/x.ts', `import { a } from '../route/index.ts';`)), ['D1']);
  assert.deepEqual(rules(source('src/front/cli/x.ts', `import { a } from '../../flow/queue/index.ts';`)), ['D1']);
  assert.deepEqual(rules(source('src/gateway.ts', `import { a } from './flow/queue/lmdb-store.ts';`)), ['D1']);
  assert.deepEqual(rules(source('src/kit/x.ts', `import { a } from '../core/envelope.ts';`)), ['D1']);
  assert.deepEqual(rules(source('src/kit/x.ts', `import a from 'lmdb';`), source('src/kit/y.ts', `import a from 'lmdb';`)), ['D3']);
  assert.deepEqual(rules(source('src/core/x.ts', `import './y.ts';`), source('src/core/y.ts', `import './x.ts';`)), ['D2']);
  assert.deepEqual(rules(source('src/kit/string-util.ts', '')), ['N2']);
  assert.deepEqual(rules(source('src/kit/x.ts', 'let count = 0;')), ['D4']);
  assert.deepEqual(rules(source('src/flow/queue/x.ts', `import { a } from '../../core/clock.ts';`)), []);
  assert.deepEqual(checkRfcIndex([source('src/kit/x.ts', '// RFC 9999')], 'RFC 5321').map(one => one.rule), ['C2']);
});

test('a size is asked of a folder by the files that lie in it, not by its sub-folders', () => {
  const lines = (count: number) => 'x\n'.repeat(count);
  const files = (folder: string, count: number) => Array.from({ length: count }, (_, at) => source(`${folder}/f${at}.ts`, lines(400)));
  const asked = (...sources: ReturnType<typeof source>[]) => sizeReport(sources).slice(1).map(line => line.split(':')[0]);
  assert.deepEqual(asked(...files('src/kit', 7), ...files('src/kit/dns', 7)), []);
  assert.deepEqual(asked(...files('src/kit', 7), ...files('src/kit/dns', 8)), ['src/kit/dns']);
  assert.deepEqual(asked(source('src/kit/x.ts', lines(400)), source('src/kit/y.ts', lines(401))), ['src/kit/y.ts']);
});

test('this house obeys its rules', () => {
  const sources = readSources(['src', 'hardware']);
  assert.deepEqual(checkImports(sources), []);
  assert.deepEqual(checkRfcIndex([...sources, ...readSources(['assembly'])], readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')), []);
});
