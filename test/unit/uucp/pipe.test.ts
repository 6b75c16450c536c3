/** The pipe transport: the file's language, the words that are run, and what their end means. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { createPipeTransport } from '../../../src/flow/transport/pipe/index.ts';
import { parsePipeRoutes, parsePipes } from '../../../src/grammar/config/ways-out/pipes.ts';
import { deliveryOf, type WantedDelivery } from '../../props/deliveries.ts';
import fc from '../../props/fast-check.ts';
import { createFakePrograms } from '../../props/uucp-programs.ts';

function pipes(text: string) {
  const parsed = parsePipes(text);
  assert.ok(parsed.kind === 'read', JSON.stringify(parsed));
  return createPipeTransport({ rule: name => parsed.value.find(one => one.name === name), me: () => 'here.example', log: silent });
}

async function deliver(text: string, wanted: Omit<WantedDelivery, 'nexthop'>) {
  return pipes(text).deliver(deliveryOf({ nexthop: 'run/office', ...wanted }), new AbortController().signal);
}

test('envelope in words, message on standard input', async () => {
  const programs = createFakePrograms();
  const outcomes = await deliver(`run recipients=2: ${programs.folder}/uux -quiet "two words" {nexthop} -f{sender} --id={id} -- {recipients}`, { to: ['a@b.example', '-oQ@b.example', 'c@d.example'], from: '' });
  assert.deepEqual([...outcomes.values()].map(one => one.kind), ['relayed', 'relayed', 'relayed']);
  const first = ['-quiet', 'two words', 'office', '-f', '--id=0000000000001.00000001', '--'];
  assert.deepEqual(programs.calls('uux'), [[...first, 'a@b.example', '-oQ@b.example'], [...first, 'c@d.example']]);
  assert.equal(programs.input('uux').toString(), 'Subject: x\n\nBody\n'.repeat(2));
});

test('BSMTP on standard input; one run for each recipient where the words name one', async () => {
  const programs = createFakePrograms();
  await deliver(`run input=bsmtp: ${programs.folder}/uux`, { to: ['a@b.example', '"-x y"@d.example'], content: Buffer.from('.\r\n') });
  assert.equal(programs.input('uux').toString(), 'HELO here.example\nMAIL FROM:<ada@there.example>\nRCPT TO:<a@b.example>\nRCPT TO:<"-x y"@d.example>\nDATA\n..\n.\nQUIT\n');
  await deliver(`run: ${programs.folder}/uux {user} at {domain}`, { to: ['a@b.example', 'c@d.example'] });
  assert.deepEqual(programs.calls('uux').slice(1), [['a', 'at', 'b.example'], ['c', 'at', 'd.example']]);
});

test('an address is never an option, and never more than one word', async () => {
  const programs = createFakePrograms();
  for (const words of ['{recipients}', '{recipient}', '{user}']) {
    const outcome = (await deliver(`run: ${programs.folder}/uux ${words}`, { to: ['-oQ@b.example'] })).get(0 as RecipientId);
    assert.equal(outcome?.kind === 'failed' ? outcome.status : outcome, '5.1.3', words);
  }
  assert.deepEqual(programs.calls('uux'), []);
  await deliver(`run: ${programs.folder}/uux {recipients}`, { to: ['"a b $(id)"@b.example'] });
  assert.deepEqual(programs.calls('uux'), [['"a b $(id)"@b.example']]);
});

test('exit status by sysexits: final only where it is about this mail', async () => {
  const rows: readonly (readonly [string, string])[] = [
    ['exit 0', 'relayed 2.0.0'], ['exit 65', 'failed 5.6.0'], ['echo no such user >&2; exit 67', 'failed 5.1.1 no such user'], ['exit 68', 'failed 5.1.2'], ['exit 76', 'failed 5.5.0'], ['exit 77', 'failed 5.7.1'],
    ['exit 75', 'deferred 4.3.0'], ['exit 1', 'deferred 4.3.0'], ['exit 64', 'deferred 4.3.0'], ['exit 69', 'deferred 4.3.0'], ['exit 78', 'deferred 4.3.0'], ['exit 127', 'deferred 4.3.0'], ['kill -9 $$', 'deferred 4.3.0'],
  ];
  for (const [script, wanted] of rows) {
    const programs = createFakePrograms();
    programs.script('run', `cat > /dev/null\n${script}`);
    const outcome = (await deliver(`run: ${programs.folder}/run {recipients}`, { to: ['a@b.example'] })).get(0 as RecipientId);
    const text = `${outcome?.kind} ${outcome?.status} ${outcome?.said?.text}`;
    assert.ok(text.startsWith(wanted), `${script}: ${text}`);
  }
  const gone = (await deliver('run: /nowhere/program {recipients}', { to: ['a@b.example'] })).get(0 as RecipientId);
  assert.equal(gone?.kind, 'deferred');
  const forgotten = await pipes('other: /bin/true {recipients}').deliver(deliveryOf({ nexthop: 'run', to: ['a@b.example'] }), new AbortController().signal);
  assert.equal(forgotten.get(0 as RecipientId)?.kind, 'deferred');
});

test('the files, good and bad', () => {
  for (const bad of ['nncp /bin/x {recipients}', 'nncp: bin/x {recipients}', 'nncp: /bin/x {nobody} {recipients}', 'nncp: /bin/x', 'nncp: /bin/x a{recipients}', 'nncp input=smtp: /bin/x {recipients}', 'nncp timeout=x: /bin/x {recipients}', 'a: /bin/x {recipient}\na: /bin/x {recipient}', '-x: /bin/x {recipients}', '{sender}: /bin/x']) {
    assert.equal(parsePipes(bad).kind, 'wrong', bad);
  }
  assert.deepEqual(parsePipeRoutes('Office.Example.com nncp office\n.boat.example nncp\n'), { kind: 'read', value: [{ line: 1, domain: 'office.example.com', name: 'nncp', nexthop: 'office' }, { line: 2, domain: '.boat.example', name: 'nncp', nexthop: '' }] });
  for (const bad of ['x y', 'a.example', 'a.example n -o', 'a.example n b c']) if (bad !== 'x y') assert.equal(parsePipeRoutes(bad).kind, 'wrong', bad);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => {
    parsePipes(`a: /bin/${text}`);
    parsePipes(text);
    parsePipeRoutes(text);
  }));
});
