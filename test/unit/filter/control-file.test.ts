import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recipient, RecipientId } from '../../../src/core/envelope.ts';
import { formatControlFiles, type ControlFacts } from '../../../src/grammar/filter/control-file.ts';
import { addressOf, recipientsOf } from '../../props/inspected.ts';

function facts(own: Partial<ControlFacts> = {}): ControlFacts {
  return {
    id: '660C.1',
    envelope: {
      reversePath: addressOf('ada@sender.example'), body: '7bit', smtputf8: false, ret: 'hdrs', envid: 'a+b c',
      origin: { source: 'esmtp', protocol: 'ESMTPA', remoteAddress: '192.0.2.9', remoteName: 'there.example', helo: 'helo.example', login: 'ada', relayClient: '', at: 0 },
    },
    recipients: [{ id: 0 as RecipientId, address: addressOf('bob@there.example'), original: 'rfc822;robert@there.example', notify: ['success', 'delay'] }, { id: 1 as RecipientId, address: addressOf('carol@there.example'), notify: 'never' }],
    variables: new Map(), header8bit: true, body8bit: true, expires: 700, faxExpires: 300, warns: 200,
    ...own,
  };
}

test('records are Courier\'s, those of a recipient together', () => {
  assert.equal(formatControlFiles(facts(), 100)[0], [
    'sada@sender.example', 'fdns; helo.example (there.example [192.0.2.9])', 'ea+2Bb+20c', 'tH', 'iada', 'uauthsmtp',
    'rbob@there.example', 'Rrfc822;robert@there.example', 'NSD',
    'rcarol@there.example', 'R', 'NN',
    'ORELAYCLIENT=', 'OTCPREMOTEIP=192.0.2.9', '8', 'm', 'E700', 'p300', 'W200', 'M660C.1', '',
  ].join('\n'));
});

test('the null sender, a stranger, a program of this box; no warning where none is sent', () => {
  const stranger = facts({ warns: 0, header8bit: false, body8bit: false, envelope: { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'SMTP', remoteAddress: '192.0.2.9', at: 0 } } });
  const text = formatControlFiles(stranger, 100)[0] ?? '';
  assert.match(text, /^s\nfdns; unknown \(\[192\.0\.2\.9\]\)\nusmtp\n/);
  assert.doesNotMatch(text, /^(?:W|8|m|i|ORELAY)/m);
  const local = facts({ envelope: { ...stranger.envelope, origin: { source: 'local', protocol: 'local', login: 'root', at: 0 } } });
  assert.match(formatControlFiles(local, 100)[0] ?? '', /^fdns; localhost \(localhost \[127\.0\.0\.1\]\)\niroot\nulocal$/m);
});

test('recipients past the batch size have files of their own, each complete', () => {
  const many: readonly Recipient[] = recipientsOf(Array.from({ length: 5 }, (_, n) => `r${n}@there.example`));
  const files = formatControlFiles(facts({ recipients: many }), 2);
  assert.deepEqual(files.map(text => text.match(/^r.*$/gm)?.length), [2, 2, 1]);
  for (const text of files) assert.match(text, /^sada@sender\.example\n[^]*\nM660C\.1\n$/);
});

test('what a peer said cannot begin a record', () => {
  const { envelope } = facts();
  const text = formatControlFiles(facts({ envelope: { ...envelope, origin: { ...envelope.origin, helo: 'x\niroot\nr', login: 'a\nb' } } }), 100)[0] ?? '';
  assert.equal(text.match(/^i/gm)?.length, 1);
  assert.equal(text.match(/^r/gm)?.length, 2);
});
