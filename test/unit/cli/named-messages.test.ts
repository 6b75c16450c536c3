/** What people type for a message or a command, and what they read about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageId } from '../../../src/core/envelope.ts';
import type { ListedMessage } from '../../../src/core/operations.ts';
import { Usage } from '../../../src/front/cli/command.ts';
import { formatForPeople } from '../../../src/front/cli/queue/mailq.ts';
import { readId, readSelection, visible } from '../../../src/front/cli/queue/named-messages.ts';
import { nearestWord } from '../../../src/front/cli/nearest-word.ts';
import { formatHealth } from '../../../src/front/cli/gateway/status.ts';

test('a queue id is read as it was copied; anything else stays what it is', () => {
  for (const written of ['660C9D7DDCBD0.0820F178', '660c9d7ddcbd0.0820f178', ' 660C9D7DDCBD0.0820F178,', '660C9D7DDCBD0.0820F178:']) assert.equal(readId(written), '660C9D7DDCBD0.0820F178');
  for (const other of ['660C9D7DDCBD0', 'because', '660C9D7DDCBD0.0820F17G', '']) assert.equal(readId(other), other);
});

test('messages are named one way at a time', () => {
  assert.deepEqual(readSelection(['660c9d7ddcbd0.0820f178', '660C9D7DDCBD0.0820F178']), { ids: ['660C9D7DDCBD0.0820F178'] });
  assert.deepEqual(readSelection(['--from', '<>']), { from: '<>' });
  assert.deepEqual(readSelection(['--domain', 'there.example']), { domain: 'there.example' });
  assert.deepEqual(readSelection(['--all']), 'all');
  assert.equal(readSelection([]), null);
  for (const wrong of [['--all', 'ID'], ['--from', 'a@b', '--route', 'esmtp'], ['--from'], ['--form', 'a@b']]) assert.throws(() => readSelection(wrong), Usage, wrong.join(' '));
});

test('the word that was meant', () => {
  const words = ['mailq', 'flush', 'hold', 'show', 'queue', 'sendmail', 'maildrop', 'makemime', 'cancelmsg'];
  for (const [typed, meant] of [['mailqq', 'mailq'], ['maliq', 'mailq'], ['MAILQ', 'mailq'], ['cancel', 'cancelmsg'], ['send', 'sendmail'], ['flsh', 'flush'], ['hodl', 'hold'], ['xyz', null], ['ma', null], ['', null], ['delete', null]] as const) {
    assert.equal(nearestWord(typed, words), meant, typed);
  }
});

test('a list for people: nothing that a stranger wrote moves the cursor or turns the line', () => {
  const at = new Date(2026, 10, 21, 7, 0, 0).getTime();
  const one: ListedMessage = {
    id: '660C9D7DDCBD0.0820F178' as MessageId, sizeOctets: 2 * 1024 ** 3, acceptedAt: at, due: at + 60_000, state: 'waiting', owner: 'esmtp', reversePath: 'a\u202e@b.example', attempts: 1,
    recipients: [{ address: 'c@d.example', status: '', said: '4.2.1 mx: 451 \u001b[2Jbusy\r\nsecond \u009b1m' }, { address: 'e@d.example', status: 'done' }],
  };
  assert.equal(formatForPeople(one, true), `    2.0G  660C9D7DDCBD0.0820F178  2026-11-21 07:00:00
          esmtp <a @b.example>
          c@d.example
            4.2.1 mx: 451  [2Jbusy
            second  1m
     done e@d.example
          1 attempt; next at 2026-11-21 07:01:00
`);
  assert.match(formatForPeople({ ...one, attempts: 0, state: 'held', why: 'x\u001b' }, true), /07:00:00 \(on hold: x \)\n/);
  assert.equal(visible('Grüße, 世界'), 'Grüße, 世界');
});

test('how it is, for people: the troubles first, one a line', () => {
  const health = { troubles: [], version: '1.2', listeners: [{ kind: 'esmtp', host: '::1', port: 25 }], uptimeSeconds: 90, queue: { messages: 1, quarantined: 0, oldestAcceptedAt: new Date(1000).toISOString() } };
  assert.equal(formatHealth(health, 61_000), 'well: posthorn 1.2, up 1m30s\nqueue: 1 message, the oldest 1m old\nesmtp: [::1]:25');
  assert.equal(formatHealth({ ...health, troubles: ['the disk is\nfull'], queue: { messages: 0, quarantined: 2, oldestAcceptedAt: null } }, 0), 'TROUBLED: posthorn 1.2, up 1m30s\n  ! the disk is full\nqueue: 0 messages, 2 in quarantine\nesmtp: [::1]:25');
});
