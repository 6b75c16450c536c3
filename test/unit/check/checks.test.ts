import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Origin, ReversePath } from '../../../src/core/envelope.ts';
import type { Facts } from '../../../src/core/policy.ts';
import { createChecks } from '../../../src/flow/check/index.ts';
import { parseBofh } from '../../../src/grammar/config/ways-in/bofh.ts';
import { createDomainList, parseDomainList } from '../../../src/grammar/config/domain-list.ts';
import { valueOf } from '../config/parsed-props.ts';

interface Case {
  readonly origin?: Partial<Origin>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly from?: string | null;
  readonly to?: string;
  readonly accepted?: number;
}

/** The first refusal of the stage, as the peer reads it. */
function judgeWith(accepted: string, bofhText: string): (stage: 'mail' | 'rcpt', one: Case) => Promise<string> {
  const checks = createChecks({ acceptMailFor: createDomainList(valueOf(parseDomainList(accepted, 'box.example.net'))), bofh: valueOf(parseBofh(bofhText)) });
  return async (stage, { origin, variables = {}, from = 'a@sender.example', to, accepted: acceptedRecipients = 0 }) => {
    const facts: Facts = {
      origin: { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.7', at: 0, ...origin },
      variables: new Map(Object.entries(variables)),
      // What parseAddress() would have made.
      reversePath: from as ReversePath,
      ...(to === undefined ? {} : { recipient: to as Address }),
      acceptedRecipients,
    };
    for (const check of checks) {
      if (check.stage !== stage) continue;
      const verdict = await check.judge(facts);
      if (verdict.kind === 'refused') return `${verdict.reply} ${verdict.status} ${verdict.text}`;
    }
    return 'pass';
  };
}

test('a stranger\'s sender has a full domain; the null sender, literals and who may relay are spared', async () => {
  const judge = judgeWith('example.com\nintranet\n', '');
  for (const from of ['ann', 'root@localhost', '"a@b.example"']) {
    assert.match(await judge('mail', { from }), /^501 5\.1\.7 /, from);
    assert.equal(await judge('mail', { from, origin: { login: 'ann' } }), 'pass');
    assert.equal(await judge('mail', { from, variables: { RELAYCLIENT: '' } }), 'pass');
    assert.equal(await judge('mail', { from, origin: { source: 'local' } }), 'pass');
  }
  for (const from of [null, 'a@b.example', 'a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]', 'a@intranet']) assert.equal(await judge('mail', { from }), 'pass', String(from));
});

test('strangers reach only the domains of esmtpacceptmailfor', async () => {
  const judge = judgeWith('example.com\n!secret.example.com\n.example.com\nintranet\n', '');
  const rows: readonly (readonly [string, RegExp])[] = [
    ['u@example.com', /^pass/], ['u@EXAMPLE.com', /^pass/], ['u@a.example.com', /^pass/], ['u@secret.example.com', /^550 5\.7\.1 Relaying denied$/], ['u@stranger.example', /^550 5\.7\.1/],
    ['"a@example.com"@stranger.example', /^550/], ['a%stranger.example@example.com', /^pass/], ['u@example.com.stranger.example', /^550/], ['u@[192.0.2.99]', /^550 5\.7\.1/],
    ['postmaster', /^pass/], ['Postmaster', /^pass/], ['u', /^501 5\.1\.3/], ['"u@example.com"', /^501 5\.1\.3/], ['u@localhost', /^501 5\.1\.3/], ['u@intranet', /^pass/],
  ];
  for (const [to, wanted] of rows) assert.match(await judge('rcpt', { to }), wanted, to);
});

test('relay clients and people who logged in reach everyone', async () => {
  const judge = judgeWith('example.com', '');
  const to = 'u@stranger.example';
  assert.match(await judge('rcpt', { to: '"u@stranger.example"', variables: { RELAYCLIENT: '' } }), /^501/, 'no domain is no destination');
  for (const one of [{ variables: { RELAYCLIENT: '' } }, { origin: { relayClient: '' } }, { origin: { login: 'me@example.com' } }, { origin: { source: 'local' } }, { origin: { source: 'dsn' } }] satisfies readonly Case[]) {
    assert.equal(await judge('rcpt', { ...one, to }), 'pass', JSON.stringify(one));
  }
  assert.match(await judge('rcpt', { to, origin: { source: 'submission' } }), /^550 5\.7\.1/, 'the port alone gives no right');
});

test('BLOCK refuses every recipient with its text and class, until AUTH', async () => {
  const judge = judgeWith('example.com', '');
  const rows: readonly (readonly [string, RegExp])[] = [
    ['Go away', /^550 5\.7\.1 Go away$/], ['450 Come later', /^450 4\.7\.1 Come later$/], ['421 Come later', /^450 4\.7\.1 Come later$/], ['571 No', /^550 5\.7\.1 No$/], ['553', /^553 5\.7\.1 Blocked$/], ['250 sure', /^550 5\.7\.1 250 sure$/], ['', /^pass$/],
  ];
  for (const [BLOCK, wanted] of rows) assert.match(await judge('rcpt', { to: 'u@example.com', variables: { BLOCK } }), wanted, BLOCK);
  assert.match(await judge('rcpt', { to: 'u@example.com', variables: { BLOCK: 'x', RELAYCLIENT: '' } }), /^550/, 'a relay client is blocked all the same');
  assert.equal(await judge('rcpt', { to: 'u@example.com', variables: { BLOCK: 'x' }, origin: { login: 'me' } }), 'pass');
});

test('badfrom refuses its senders at MAIL, never a report', async () => {
  const judge = judgeWith('example.com', 'badfrom spam@one.example\nbadfrom @two.example\nbadfrom @.three.example\nbadfrom who@.four.example');
  for (const from of ['spam@one.example', 'Spam@ONE.example', 'any@two.example', 'any@a.three.example', 'any@a.b.three.example', 'who@x.four.example']) assert.match(await judge('mail', { from }), /^550 5\.7\.1 Sender refused$/, from);
  for (const from of ['ham@one.example', 'any@a.two.example', 'any@three.example', 'else@x.four.example', 'who@four.example', null]) assert.equal(await judge('mail', { from }), 'pass', String(from));
});

test('maxrcpts: the soft limit asks to come again, the hard one does not', async () => {
  const to = 'u@example.com';
  assert.equal(await judgeWith('example.com', '')('rcpt', { to, accepted: 99 }), 'pass');
  assert.match(await judgeWith('example.com', '')('rcpt', { to, accepted: 100 }), /^452 4\.5\.3/);
  assert.match(await judgeWith('example.com', 'maxrcpts 2 hard')('rcpt', { to, accepted: 2 }), /^550 5\.5\.3/);
});
