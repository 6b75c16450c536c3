import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDate, parseDate } from '../../../src/grammar/date.ts';
import { formatDeliveryStatus, parseDeliveryStatus, type Action, type DeliveryStatus, type RecipientStatus } from '../../../src/grammar/dsn.ts';
import fc from '../../props/fast-check.ts';

const whole: DeliveryStatus = {
  reportingMta: { type: 'dns', text: 'gw.example' },
  originalEnvelopeId: 'QQ 314159',
  receivedFromMta: { type: 'dns', text: 'client.example ([192.0.2.7])' },
  arrivalDate: Date.UTC(2026, 0, 5, 12, 0, 1),
  recipients: [
    {
      originalRecipient: { type: 'rfc822', text: 'A@there.example' }, finalRecipient: { type: 'rfc822', text: 'a@there.example' }, action: 'failed', status: '5.1.1',
      remoteMta: { type: 'dns', text: 'mx.there.example [192.0.2.25]' }, diagnosticCode: { type: 'smtp', text: '550 5.1.1 nobody' }, lastAttemptDate: Date.UTC(2026, 0, 5, 12, 5, 0),
    },
    { finalRecipient: { type: 'rfc822', text: 'b@there.example' }, action: 'delayed', status: '4.4.1', networkError: 'Connection refused', willRetryUntil: Date.UTC(2026, 0, 12, 12, 0, 0) },
  ],
};

test('a delivery status is written as RFC 3464 has it', () => {
  assert.equal(formatDeliveryStatus(whole, false), [
    'Original-Envelope-Id: QQ 314159', 'Reporting-MTA: dns; gw.example', 'Received-From-MTA: dns; client.example ([192.0.2.7])', 'Arrival-Date: Mon, 05 Jan 2026 12:00:01 +0000', '',
    'Original-Recipient: rfc822; A@there.example', 'Final-Recipient: rfc822; a@there.example', 'Action: failed', 'Status: 5.1.1',
    'Remote-MTA: dns; mx.there.example [192.0.2.25]', 'Diagnostic-Code: smtp; 550 5.1.1 nobody', 'Last-Attempt-Date: Mon, 05 Jan 2026 12:05:00 +0000', '',
    'Final-Recipient: rfc822; b@there.example', 'Action: delayed', 'Status: 4.4.1', 'X-Network-Error: Connection refused', 'Will-Retry-Until: Mon, 12 Jan 2026 12:00:00 +0000', '',
  ].join('\r\n'));
  assert.deepEqual(parseDeliveryStatus(formatDeliveryStatus(whole, false)), whole);
});

const foreign: readonly (readonly [string, string, (readonly [string, Action, string])[] | null])[] = [
  ['RFC 3464 appendix, lower case and bare LF', 'reporting-mta: dns; cs.utk.edu\n\nfinal-recipient: rfc822;louisl@larry.slip.umd.edu\naction: FAILED\nstatus: 4.0.0\ndiagnostic-code: smtp; 426 connection timed out\n', [['louisl@larry.slip.umd.edu', 'failed', '4.0.0']]],
  ['comments and blanks', 'Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: RFC822; a@b\r\nAction: failed (permanent)\r\nStatus: 5.7.1 (blocked)\r\n', [['a@b', 'failed', '5.7.1']]],
  ['no per-message fields', 'Final-Recipient: rfc822; a@b\nAction: failed\nStatus: 5.1.1\n', [['a@b', 'failed', '5.1.1']]],
  ['no status', 'Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: delayed\n', [['a@b', 'delayed', '4.0.0']]],
  ['many empty lines, a group about nobody', '\n\nReporting-MTA: dns; x\n\n\nX-Odd: 1\n\nFinal-Recipient: rfc822; a@b\nAction: relayed\nStatus: 2.1.9\n\n\n', [['a@b', 'relayed', '2.1.9']]],
  ['a field twice: the first stands', 'Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nFinal-Recipient: rfc822; forged@b\nAction: failed\nStatus: 5.0.0\n', [['a@b', 'failed', '5.0.0']]],
  ['empty', '', null],
  ['prose', 'Sorry, it did not work.\n\nReally: not.\n', null],
  ['an action that is none', 'Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\nAction: exploded\nStatus: 5.0.0\n', null],
  ['an address without type', 'Reporting-MTA: dns; x\n\nFinal-Recipient: a@b\nAction: failed\nStatus: 5.0.0\n', null],
];

test('reports of others are read as they come', () => {
  for (const [name, text, want] of foreign) {
    const parsed = parseDeliveryStatus(text);
    assert.deepEqual(parsed?.recipients.map(one => [one.finalRecipient.text, one.action, one.status]) ?? null, want, name);
  }
});

test('without UTF-8 an address is escaped, with it as it is', () => {
  const status: DeliveryStatus = { reportingMta: { type: 'dns', text: 'gw' }, recipients: [{ finalRecipient: { type: 'utf-8', text: 'δ@bücher.example' }, action: 'failed', status: '5.1.1' }] };
  assert.match(formatDeliveryStatus(status, false), /Final-Recipient: utf-8; \\x\{3B4\}@b\\x\{FC\}cher\.example\r\n/);
  assert.match(formatDeliveryStatus(status, true), /Final-Recipient: utf-8; δ@bücher\.example\r\n/);
});

const words = fc.array(fc.stringMatching(/^[!-~]{1,60}$/), { minLength: 1, maxLength: 30 }).map(list => list.join(' '));
const hostile = fc.oneof(words, fc.string({ unit: 'binary', maxLength: 3000 }), fc.constantFrom('\r\n\r\nFinal-Recipient: rfc822; x@y\r\nAction: delivered', ' ', '', '\r', '\n.\n', ' '.repeat(200), 'x'.repeat(5000)));
const second = fc.integer({ min: 0, max: 4_000_000_000 }).map(n => n * 1000);
const typed = (text: fc.Arbitrary<string>) => fc.record({ type: fc.constantFrom('rfc822', 'dns', 'smtp', 'x-unix'), text }, { noNullPrototype: true });
const statusWith = (text: fc.Arbitrary<string>): fc.Arbitrary<DeliveryStatus> => {
  const recipient: fc.Arbitrary<RecipientStatus> = fc.record(
    {
      originalRecipient: typed(text), finalRecipient: typed(text), action: fc.constantFrom<Action[]>('failed', 'delayed', 'delivered', 'relayed', 'expanded'),
      status: fc.constantFrom('5.1.1', '4.4.7', '2.0.0'), remoteMta: typed(text), diagnosticCode: typed(text), networkError: text, lastAttemptDate: second, willRetryUntil: second,
    },
    { requiredKeys: ['finalRecipient', 'action', 'status'], noNullPrototype: true },
  );
  return fc.record(
    { reportingMta: typed(text), originalEnvelopeId: text, receivedFromMta: typed(text), arrivalDate: second, recipients: fc.array(recipient, { minLength: 1, maxLength: 4 }) },
    { requiredKeys: ['reportingMta', 'recipients'], noNullPrototype: true },
  );
};

test('what was written is read again', () => {
  fc.assert(fc.property(statusWith(words), status => {
    assert.deepEqual(parseDeliveryStatus(formatDeliveryStatus(status, false)), status);
  }), { numRuns: 500 });
});

test('whatever a peer said, a report keeps its lines, its recipients and its verdicts', () => {
  fc.assert(fc.property(statusWith(hostile), fc.boolean(), (status, utf8) => {
    const text = formatDeliveryStatus(status, utf8);
    const lines = text.split('\r\n');
    assert.equal(lines.pop(), '');
    for (const line of lines) {
      assert.ok(Buffer.byteLength(line) <= 998);
      assert.ok(!/[\r\n\0]/.test(line));
      assert.ok(line === '' || line.trim() !== '', 'a line of blanks ends a header for some');
    }
    if (!utf8) assert.ok(/^[\t\r\n -~]*$/.test(text));
    const parsed = parseDeliveryStatus(text);
    assert.deepEqual(parsed?.recipients.map(one => [one.action, one.status]), status.recipients.map(one => [one.action, one.status]));
  }), { numRuns: 1000 });
});

test('no text breaks the parser', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), text => void parseDeliveryStatus(text)), { numRuns: 1000 });
});

const dates: readonly (readonly [string, number | null])[] = [
  ['Mon, 05 Jan 2026 12:00:01 +0000', Date.UTC(2026, 0, 5, 12, 0, 1)],
  ['5 Jan 2026 12:00 +0100', Date.UTC(2026, 0, 5, 11, 0, 0)],
  ['Mon, 5 Jan 2026 12:00:01 -0330 (NST)', Date.UTC(2026, 0, 5, 15, 30, 1)],
  ['Mon, 5 Jan 2026 12:00:01 GMT', Date.UTC(2026, 0, 5, 12, 0, 1)],
  ['yesterday', null], ['', null], ['Mon, 5 Foo 2026 12:00:01 GMT', null], ['Mon, 5 Jan 2026 25:00:01 GMT', null], ['Mon, 55 Jan 2026 12:00:01 GMT', null],
];

test('dates both ways', () => {
  for (const [text, want] of dates) assert.equal(parseDate(text), want, text);
  fc.assert(fc.property(second, fc.integer({ min: -720, max: 840 }), (at, zone) => assert.equal(parseDate(formatDate(at, zone)), at)));
});
