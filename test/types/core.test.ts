/**
 * Type tests: each row must fail, or pass, to compile. The compiler is the real one, run once over all rows,
 * so that a core type that becomes too lenient is noticed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(import.meta.dirname, 'rows-'));
after(() => rmSync(folder, { recursive: true }));

const HEAD = `
import type { Refusal } from '../../../src/core/status.ts';
import type { Outcome, Outcomes } from '../../../src/core/outcome.ts';
import type { Address, Notify, Recipient, RecipientId } from '../../../src/core/envelope.ts';
import type { Instant } from '../../../src/core/clock.ts';
export type Used = [Refusal, Outcome, Outcomes, Address, Notify, Recipient, RecipientId, Instant];
`;

const rows: readonly { readonly name: string; readonly code: string; readonly compiles: boolean }[] = [
  { name: 'a refusal with agreeing classes', compiles: true, code: `export const r: Refusal = { kind: 'refused', reply: 450, status: '4.2.1', text: '' };` },
  { name: 'reply 450 with a 5.x.x status', compiles: false, code: `export const r: Refusal = { kind: 'refused', reply: 450, status: '5.1.1', text: '' };` },
  { name: 'an invented reply 558', compiles: false, code: `export const r: Refusal = { kind: 'refused', reply: 558, status: '5.1.1', text: '' };` },
  { name: 'a subject that RFC 3463 does not have', compiles: false, code: `export const r: Refusal = { kind: 'refused', reply: 550, status: '5.9.1', text: '' };` },
  { name: 'a deferral', compiles: true, code: `export const o: Outcome = { kind: 'deferred', status: '4.4.1', blame: 'nexthop' };` },
  { name: 'a deferral with 5.0.0', compiles: false, code: `export const o: Outcome = { kind: 'deferred', status: '5.0.0', blame: 'nexthop' };` },
  { name: 'a deferral without blame', compiles: false, code: `export const o: Outcome = { kind: 'deferred', status: '4.0.0' };` },
  { name: 'a failure with a 4.x.x status', compiles: false, code: `export const o: Outcome = { kind: 'failed', status: '4.0.0' };` },
  { name: 'a bare string as address', compiles: false, code: `export const a: Address = 'a@b.example';` },
  { name: 'a bare number as instant', compiles: false, code: `export const i: Instant = 0;` },
  { name: 'never mixed with conditions', compiles: false, code: `export const n: Notify = ['never', 'failure'];` },
  { name: 'a switch that forgets a kind', compiles: false, code: `export function f(o: Outcome): number { switch (o.kind) { case 'failed': return 1; case 'deferred': return 2; default: { const never: never = o; return never; } } }` },
];

test('core types refuse what must not be said', () => {
  rows.forEach((row, n) => writeFileSync(join(folder, `row-${n}.ts`), `${HEAD}${row.code}\n`));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../tsconfig.json', include: ['.'] }));
  const ran = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder, '--pretty', 'false'], { cwd: root, encoding: 'utf8' });
  rows.forEach((row, n) => {
    const complained = ran.stdout.includes(join(relative(root, folder), `row-${n}.ts`));
    assert.equal(complained, !row.compiles, `${row.name}: ${row.compiles ? 'must compile' : 'must not compile'}\n${ran.stdout}`);
  });
});
