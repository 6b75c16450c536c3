/** What goes in; what must come out lies beside it, `name.eml`. */
import type { Address } from '../../../src/core/envelope.ts';
import type { Case } from '../../props/report-case.ts';

const mx = 'mx.there.example [192.0.2.25]';
const small = 'From: Sender <sender@here.example>\nTo: somebody\nSubject: hello\n\nLine one.\n.\nLine three.\n';

export const cases: Readonly<Record<string, Case>> = {
  'failure': {
    envelope: { envid: 'QQ 314159', ret: 'full' },
    recipients: [
      { address: 'nobody@there.example' as Address, original: 'rfc822;Nobody@There.Example', outcome: { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 5.1.1 <nobody@there.example>: no such user', remoteMta: mx, command: 'RCPT TO:<nobody@there.example>' } } },
    ],
    content: small,
  },
  'everything-at-once': {
    recipients: [
      { notify: ['success'], outcome: { kind: 'delivered', status: '2.0.0' } },
      { notify: ['success', 'failure'], outcome: { kind: 'relayed', status: '2.1.5', said: { type: 'smtp', text: '250 2.1.5 Ok', remoteMta: mx } } },
      { notify: ['success'], outcome: { kind: 'relayed', status: '2.0.0', dsnHandedOver: true } },
      { notify: 'never', outcome: { kind: 'failed', status: '5.1.1' } },
      { notify: ['success'], outcome: { kind: 'failed', status: '5.1.1' } },
      { outcome: { kind: 'failed', status: '5.4.7', said: { type: 'smtp', text: 'Connection refused' } } },
      { outcome: { kind: 'failed', status: '5.3.0', said: { type: 'x-unix', text: 'maildrop: first line\nsecond line' } } },
      { outcome: { kind: 'delivered', status: '2.0.0' } },
    ],
    content: small,
  },
  'delay': {
    kind: 'delay',
    recipients: [{
      outcome: { kind: 'deferred', status: '4.4.1', blame: 'nexthop', said: { type: 'smtp', text: 'Connection timed out' } },
      reached: { kind: 'deferred', status: '4.2.0', blame: 'recipient', said: { type: 'smtp', text: '450 4.2.0 Greylisted,\ncome again', remoteMta: mx, command: 'RCPT TO:<r0@there.example>' } },
    }],
    content: small,
  },
  'header-only': {
    envelope: { ret: 'hdrs' },
    recipients: [{ outcome: { kind: 'failed', status: '5.2.2', said: { type: 'smtp', text: '552 5.2.2 full', remoteMta: mx } } }],
    content: small,
  },
  'hostile-reply': {
    recipients: [{
      original: 'rfc822;x\r\nBcc: victim@example.org',
      outcome: {
        kind: 'failed', status: '5.7.1',
        said: { type: 'smtp', remoteMta: 'mx\r\n\r\n--evil', command: 'RCPT\r\nTO', text: `550 no\r\n\r\nFinal-Recipient: rfc822; forged@example.org\r\nAction: delivered\r\n--=_ \u0000\u001b[31m\u2028${'long'.repeat(2000)}` },
      },
    }],
    content: 'Subject: x\n\nbody\n',
  },
  'eight-bit': {
    envelope: { body: '8bitmime' },
    recipients: [{ outcome: { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 5.1.1 unbekannt: Größe', remoteMta: mx } } }],
    content: 'Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGrüße\n',
  },
  'international': {
    envelope: { smtputf8: true, body: '8bitmime', reversePath: 'jörg@bücher.example' as Address },
    recipients: [{ address: 'δοκιμή@παράδειγμα.example' as Address, outcome: { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 5.1.1 άγνωστος', remoteMta: mx } } }],
    content: 'From: jörg@bücher.example\nSubject: Grüße\n\nGrüße\n',
  },
  'international-recipient-of-an-ascii-sender': {
    recipients: [{ address: 'δ@bücher.example' as Address, outcome: { kind: 'failed', status: '5.6.7' } }, { address: 'plain@bücher.example' as Address, outcome: { kind: 'failed', status: '5.1.1' } }],
    content: small,
  },
  'not-fit-to-return': {
    recipients: [{ outcome: { kind: 'failed', status: '5.6.0' } }],
    content: Buffer.from(`Subject: nul\0 and bare\rreturns\r\nX-Long: ${'x'.repeat(2000)}\r\n\r\nbody\0\n`, 'latin1'),
  },
  'unreadable-content': {
    recipients: [{ outcome: { kind: 'failed', status: '5.1.1' } }],
  },
  'double-bounce': {
    envelope: { reversePath: null, origin: { source: 'dsn', protocol: 'dsn', at: 0 } },
    recipients: [{ address: 'gone@here.example' as Address, outcome: { kind: 'failed', status: '5.1.1', said: { type: 'smtp', text: '550 5.1.1 gone', remoteMta: mx } } }],
    content: `Subject: a report\n\n${'x'.repeat(70)}\n`.padEnd(100, 'y') + '\n',
  },
};
