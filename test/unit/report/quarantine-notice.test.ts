import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, MessageId } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { openQuarantineNotice } from '../../../src/flow/report/index.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { createDesk, createScan } from '../../props/report-desk.ts';

const HOUR = 3_600_000;
const id = (n: number) => `ID${n}` as MessageId;

test('damage is told to the postmaster in one letter an hour, all of it and no more than fits', async () => {
  const clock = createHandClock();
  const start = clock.now();
  const intake = createDesk();
  const notice = openQuarantineNotice({
    intake, kernels: { openScan: createScan }, clock, log: silent,
    address: () => ({ me: 'gw.example', from: 'Gateway <MAILER-DAEMON@gw.example>', to: 'postmaster@gw.example' as Address }),
  });
  for (let n = 0; n < 250; n++) notice.tell(id(n), `digest\r\nSubject: forged ${n}`);
  await clock.runTo(start + 9000);
  assert.equal(intake.queued.length, 0);
  await clock.runTo(start + 11_000);
  const [first] = intake.queued;
  const text = first!.octets.toString();
  assert.deepEqual([first!.from, first!.to, first!.origin.source], [null, ['postmaster@gw.example'], 'dsn']);
  assert.match(text, /these 250 messages/);
  assert.match(text, /^ {2}ID99 {2}digest {2}Subject: forged 99\r$/m);
  assert.match(text, /^ {2}and 150 more\r$/m);
  assert.match(text, /^Auto-Submitted: auto-generated\r$/m);

  notice.tell(id(999), 'digest');
  await clock.runTo(start + HOUR);
  assert.equal(intake.queued.length, 1);
  await clock.runTo(start + HOUR + 30_000);
  assert.equal(intake.queued.length, 2);
  assert.match(intake.queued[1]!.octets.toString(), /this message[^]*ID999/);

  notice.tell(id(1000), 'digest');
  notice.close();
  await clock.runTo(start + 9 * HOUR);
  assert.equal(intake.queued.length, 2);
});
