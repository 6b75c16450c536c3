import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Address, Origin } from '../../../src/core/envelope.ts';
import { refuse } from '../../../src/core/status.ts';
import { createDirectory } from '../../../src/gateway/directory.ts';
import { domainOf } from '../../../src/grammar/address.ts';
import type { Rules } from '../../../src/gateway/rules.ts';

const stranger: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.1', relayClient: '.relayed', at: 0 };
const asked: [string, Origin][] = [];
const members = (...all: string[]) => ({ kind: 'members', members: all as Address[] }) as const;

const directory = createDirectory({
  configuration: { names: { defaultDomain: 'here.example' } } as Rules['configuration'],
  resolve(recipient, origin) {
    asked.push([recipient, origin]);
    if (recipient === 'staff@here.example') return Promise.resolve(members('ann@here.example', 'bob@far.example', '.xalias/1@here.example', '.xalias/2@here.example'));
    if (recipient === 'unread@here.example') return refuse('ourFault', { why: 'the aliases cannot be read' });
    return recipient.startsWith('no') ? refuse('noSuchMailbox') : recipient;
  },
  instruction: recipient => (recipient.startsWith('.xalias/') ? '|rm -rf /' : null),
  ownTransport: domain => (domain === domainOf('x@here.example' as Address) ? 'local' : null),
});

it('EXPN names an alias by its members, and never what it runs', async () => {
  assert.deepEqual(await directory.expand('staff', stranger), ['ann@here.example', 'bob@far.example', 'staff@here.example']);
  assert.equal((await directory.expand('ann', stranger) as { status: string }).status, '5.1.1');
  assert.equal((await directory.expand('unread@here.example', stranger) as { reply: number }).reply, 451);
});

it('VRFY knows aliases and mailboxes of this host, and nobody elsewhere', async () => {
  assert.deepEqual(await directory.verify('staff', stranger), ['staff@here.example']);
  assert.deepEqual(await directory.verify('ann', stranger), ['ann@here.example']);
  for (const name of ['nobody', 'ann@far.example', '', '@', 'a b', 'x@[999.1.1.1]']) assert.equal((await directory.verify(name, stranger) as { reply: number }).reply, 550, name);
});

it('the question is asked for the name alone: what RELAYCLIENT appends to recipients is no part of it', async () => {
  asked.length = 0;
  await directory.verify('ann', stranger);
  assert.deepEqual(asked.map(([name, { relayClient }]) => [name, relayClient]), [['ann@here.example', undefined]]);
});
