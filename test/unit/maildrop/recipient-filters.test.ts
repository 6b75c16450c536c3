import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Address, Envelope, MessageId, Origin, RecipientId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { FilterAnswer, Inspected, Variables, Verdict } from '../../../src/core/policy.ts';
import { createSystemClock } from '../../../src/kit/system-clock.ts';
import { createMaildrop, createRecipientFilters, type FilterPlace } from '../../../src/service/maildrop/index.ts';
import { scratchFolder } from '../../props/scratch-folder.ts';

const variables: Variables = new Map([['BLOCK', '511 no'], ['BOUNCE', 'b1']]);
const nobody = { deliver: () => Promise.reject(new Error('an embedded recipe delivers nothing')) };

function people(program = '/usr/bin/maildrop') {
  const homes = new Map<string, FilterPlace>();
  const filters = createRecipientFilters({
    maildrop: createMaildrop({ mailboxes: nobody, clock: createSystemClock(), systemRecipe: '/none', trustedFolder: '/none', sendmail: '/bin/false' }),
    program: () => program, log: silent, filters: ({ source }) => source !== 'dsn',
    place: recipient => (recipient.startsWith('away@') ? 'unavailable' : (homes.get(recipient) ?? null)),
  });
  const origin: Origin = { source: 'esmtp', protocol: 'ESMTP', remoteAddress: '192.0.2.1', remoteName: 'mx.example', at: 0 };
  const [mail, rcpt] = filters.checks;
  return {
    filters, origin,
    add(name: string, recipes: Readonly<Record<string, string>>, more: Partial<FilterPlace> = {}): string {
      const home = scratchFolder('filters');
      mkdirSync(join(home, '.mailfilters'), { mode: 0o700 });
      for (const [file, text] of Object.entries(recipes)) writeFileSync(join(home, '.mailfilters', file), text, { mode: file === 'program' ? 0o700 : 0o600 });
      homes.set(name, { address: name as Address, home, login: name, extension: '', isAlias: false, folder: join(home, 'Maildir'), ...more });
      return home;
    },
    begin: () => mail!.judge({ origin, variables }),
    rcpt: async (name: string, source: Origin['source'] = 'esmtp'): Promise<Verdict> => rcpt!.judge({ origin: source === 'esmtp' ? origin : { ...origin, source }, variables, reversePath: 's@there' as Address, recipient: name as Address, acceptedRecipients: 0 }),
    look: (...names: string[]): Promise<FilterAnswer> => {
      const addressees = names.map((name, index) => ({ id: index as RecipientId, address: name as Address }));
      const message = {
        id: 'x' as MessageId, origin, reversePath: 's@there' as Address, envelope: {} as Envelope, addressees, recipients: new Map(addressees.map(one => [one.id, one.address])), variables,
        trace: Buffer.from('Received: here\r\n'), facts: {} as Inspected['facts'], async* content() { yield Buffer.from('Subject: money\r\n\r\nbody\r\n'); },
        hold: () => assert.fail('nothing is put aside'),
      };
      return filters.filter.inspect(message, AbortSignal.timeout(20_000));
    },
  };
}

const refused = (verdict: Verdict | undefined): unknown => (verdict?.kind === 'refused' ? [verdict.reply, verdict.text] : verdict);

test('at RCPT a recipe takes mail unread, wants to see it, or refuses it in its own words', async () => {
  const { add, begin, rcpt } = people();
  await begin();
  add('plain@x', {});
  add('friend@x', { rcptfilter: 'exit' });
  add('look@x', { rcptfilter: 'EXITCODE=99' });
  add('no@x', { rcptfilter: 'echo "I do not know $FROM at $2"\nEXITCODE=1' });
  add('code@x', { rcptfilter: 'echo "571-First\\n571 second"\nEXITCODE=1' });
  add('later@x', { rcptfilter: 'echo "450 Later, please"\nEXITCODE=1' });
  add('mute@x', { rcptfilter: 'EXITCODE=1' });
  add('broken@x', { rcptfilter: 'if (1) echo "secret"' });
  add('ext@x', { 'rcptfilter-list-default': 'EXITCODE=99', rcptfilter: 'EXITCODE=1' }, { extension: 'list-a' });
  const rows: readonly (readonly [string, unknown])[] = [
    ['plain@x', { kind: 'pass' }], ['nobody@x', { kind: 'pass' }], ['friend@x', { kind: 'pass', filtering: 'whitelisted' }], ['look@x', { kind: 'pass', filtering: 'filtered' }], ['ext@x', { kind: 'pass', filtering: 'filtered' }],
    ['no@x', [550, 'I do not know s@there at 192.0.2.1']], ['code@x', [550, 'First\nsecond']], ['later@x', [450, 'Later, please']], ['mute@x', [550, 'Delivery not authorized, message refused']],
    ['broken@x', [451, 'The recipient cannot be asked now, please try again later']], ['away@x', [451, 'The recipient cannot be asked now, please try again later']],
  ];
  for (const [name, wanted] of rows) assert.deepEqual(refused(await rcpt(name)), wanted, name);
  assert.deepEqual(await rcpt('no@x', 'dsn'), { kind: 'pass' });
});

test('the content is shown to those who asked, one by one, and to nobody of the transaction before', async () => {
  const { add, begin, rcpt, look, filters, origin } = people();
  add('look@x', { rcptfilter: 'EXITCODE=99', smtpfilter: 'if (/^Subject: money/ && /^Received: here/)\n{\necho "No money here"\nEXITCODE=1\n}' });
  add('fine@x', { rcptfilter: 'EXITCODE=99', smtpfilter: 'if (/nothing like it/:b)\nEXITCODE=1' });
  add('none@x', { rcptfilter: 'EXITCODE=99' });
  add('friend@x', { rcptfilter: 'exit', smtpfilter: 'EXITCODE=1' });
  add('wrong@x', { rcptfilter: 'EXITCODE=99', smtpfilter: 'to "/etc/passwd"' });
  await begin();
  assert.equal(filters.wants(origin), false);
  for (const name of ['look@x', 'fine@x', 'none@x', 'friend@x', 'wrong@x']) await rcpt(name);
  assert.equal(filters.wants(origin), true);
  const answer = await look('look@x', 'fine@x', 'none@x', 'friend@x', 'wrong@x', 'other@x');
  assert.ok(answer.kind === 'looked');
  assert.deepEqual([...answer.verdicts].map(([id, verdict]) => [id, refused(verdict)]), [[0, [550, 'No money here']], [4, [451, 'The recipient cannot be asked now, please try again later']]]);
  await begin();
  assert.equal(filters.wants(origin), false);
  const next = await look('look@x');
  assert.ok(next.kind === 'looked' && next.verdicts.size === 0);
});

test('an alias has a filter for its sender, and none for its content', async () => {
  const { add, begin, rcpt, look } = people();
  add('team@x', { 'rcptfilter-alias-team@x': 'EXITCODE=99', 'smtpfilter-alias-team@x': 'EXITCODE=1' }, { extension: 'alias-team@x', isAlias: true });
  await begin();
  assert.deepEqual(await rcpt('team@x'), { kind: 'pass' });
  const answer = await look('team@x');
  assert.ok(answer.kind === 'looked' && answer.verdicts.size === 0);
});

test('another program is called as Courier calls it; one that is not there stops nobody\'s mail', async () => {
  const folder = scratchFolder('program');
  const program = join(folder, 'filter');
  writeFileSync(program, '#!/bin/sh\nif [ "$4" = rcptfilter ]; then exit 99; fi\necho "$3 $4 $5 $6 $7 $8 $SENDER $BLOCK $(grep -c Subject)"\nexit 1\n');
  chmodSync(program, 0o755);
  const { add, begin, rcpt, look } = people(program);
  add('joe@x', {});
  await begin();
  assert.deepEqual(await rcpt('joe@x'), { kind: 'pass', filtering: 'filtered' });
  const answer = await look('joe@x');
  assert.ok(answer.kind === 'looked');
  assert.deepEqual(refused([...answer.verdicts.values()][0]), [550, '-M smtpfilter mx.example 192.0.2.1 s@there b1 s@there 511 no 1']);
  const absent = people(join(folder, 'missing'));
  absent.add('joe@x', {});
  assert.deepEqual(await absent.rcpt('joe@x'), { kind: 'pass' });
});
