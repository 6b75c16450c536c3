import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { StoredContent } from '../../../src/core/queue-store.ts';
import { createLocalTransport } from '../../../src/flow/transport/local/index.ts';
import { createMailboxes } from '../../../src/service/mailbox/index.ts';
import { createTrialTransport } from '../../../src/flow/transport/trial/index.ts';
import { accountsOf, contentOf, jobTo, usualSettings } from '../../props/local-desk.ts';
import { stillClock } from '../../props/mailbox-desk.ts';
import { parseAddress } from '../../../src/grammar/address.ts';

const root = mkdtempSync(join(tmpdir(), 'posthorn-local-'));
after(() => rmSync(root, { recursive: true }));

const accounts = accountsOf({ ann: {} });
function open(folder: string, everyone = false) {
  return createLocalTransport({ name: 'local', folder: join(root, folder), accounts, everyone, clock: stillClock, log: silent, settings: () => usualSettings, mailboxes: createMailboxes({ host: 'gate.example', clock: stillClock, log: silent }) });
}

function mails(folder: string, mailbox: string): string[] {
  const path = join(root, folder, mailbox, 'new');
  return readdirSync(path).map(name => readFileSync(join(path, name), 'latin1'));
}

test('a delivered message lies in new/ with its two fields, LF line ends, and a size in its name', async () => {
  const outcomes = await open('a').deliver(jobTo(['Ann@gate.example'], contentOf('Subject: x\r\n', '\r', '\nbody\rbare\r\n.\r', '\nend\r')), new AbortController().signal);
  assert.equal(outcomes.get(0 as RecipientId)?.kind, 'delivered');
  assert.deepEqual(mails('a', 'ann'), ['Delivered-To: Ann@gate.example\nReturn-Path: <s@sender.example>\nSubject: x\n\nbody\rbare\n.\nend\r']);
  const [name] = readdirSync(join(root, 'a/ann/new'));
  assert.match(name ?? '', /^1700000000\.M123000P\d+V[0-9A-F]{16}I[0-9A-F]{16}_0\.gate\.example,S=(\d+)$/);
  assert.equal(Number(/\d+$/.exec(name ?? '')?.[0]), Buffer.byteLength(mails('a', 'ann')[0] ?? ''));
  assert.deepEqual(readdirSync(join(root, 'a/ann/tmp')), []);
});

test('who has no mailbox fails; whose data cannot be read waits; one recipient\'s trouble is not another\'s', async () => {
  const outcomes = await open('b').deliver(jobTo(['ann@gate.example', 'nobody@gate.example', 'broken@gate.example', 'PostMaster@gate.example'], contentOf('x\r\n')), new AbortController().signal);
  assert.deepEqual([...outcomes.values()].map(one => `${one.kind} ${one.status}`), ['delivered 2.0.0', 'failed 5.1.1', 'deferred 4.3.0', 'delivered 2.0.0']);
});

test('a local-part can not name a folder outside the mailboxes', async () => {
  const hostile = ['"../../etc"@g.example', '"a/b"@g.example', '..x@g.example', '"x\\\\..\\\\y"@g.example', '-rf@g.example', '"a b"@g.example', '".ssh"@g.example'].filter(text => parseAddress(text) !== null);
  assert.ok(hostile.length >= 5);
  const outcomes = await open('c', true).deliver(jobTo(hostile, contentOf('x\r\n')), new AbortController().signal);
  for (const [id, outcome] of outcomes) assert.equal(outcome.kind, 'failed', hostile[id]);
});

test('a mailbox that cannot be written defers, and leaves nothing half written', async () => {
  const folder = join(root, 'd');
  await open('d').deliver(jobTo(['ann@g.example'], contentOf('first\r\n')), new AbortController().signal);
  const failing: StoredContent = { ...contentOf(''), read: () => (async function* () { yield Buffer.from('half'); await Promise.resolve(); throw new Error('the store broke'); })() };
  const outcomes = await open('d').deliver(jobTo(['ann@g.example'], failing), new AbortController().signal);
  assert.equal(outcomes.get(0 as RecipientId)?.kind, 'deferred');
  assert.deepEqual(readdirSync(join(folder, 'ann/tmp')), []);
  assert.equal(readdirSync(join(folder, 'ann/new')).length, 1);
});

test('trial addresses order their fate', async () => {
  const trial = createTrialTransport({ behind: open('e', true), clock: stillClock });
  const send = async (to: string) => {
    const outcome = (await trial.deliver(jobTo([`${to}@trial.test`], contentOf('x\r\n')), new AbortController().signal)).get(0 as RecipientId);
    return `${outcome?.kind} ${outcome?.said?.text.slice(0, 3)}`;
  };
  assert.equal(await send('deferred'), 'deferred 451');
  assert.equal(await send('failed'), 'failed 550');
  assert.equal(await send('452'), 'deferred 452');
  assert.equal(await send('554'), 'failed 554');
  assert.equal(await send('once'), 'deferred 451');
  assert.equal(await send('once'), 'delivered Del');
  assert.equal(await send('anybody'), 'delivered Del');
});
