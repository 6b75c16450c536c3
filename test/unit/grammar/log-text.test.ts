import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatLogTarget, parseLogTargets, usualLog } from '../../../src/grammar/config/log-targets.ts';
import { formatEventText } from '../../../src/grammar/log-text.ts';
import { formatRfc3164, formatRfc5424, formatTraditional } from '../../../src/grammar/syslog.ts';
import { linesOf, valueOf } from '../config/parsed-props.ts';
import fc from '../../props/fast-check.ts';

test('events are written as Courier writes them', () => {
  const who = { id: 'Q1', from: 'ada@sender.example', addr: 'bob@there.example' };
  const rows: readonly (readonly [string, Readonly<Record<string, unknown>>, readonly string[]])[] = [
    ['newmsg', { id: 'Q1', from: '', recipients: 2, size: 999, source: 'esmtp', relay: '192.0.2.1', auth: 'ada' }, ['newmsg,id=Q1,auth=ada: esmtp; 192.0.2.1, from=<>,size=999,recipients=2']],
    ['newmsg', { id: 'Q1', from: 'a@b.example', recipients: 1, size: 1, source: 'local', relay: undefined, auth: undefined }, ['newmsg,id=Q1: local; localhost, from=<a@b.example>,size=1,recipients=1']],
    ['delivery', { ...who, size: 999, status: 'success', kind: 'relayed', code: '2.0.0', relay: 'mx.example', text: '250 2.0.0 Taken' }, ['id=Q1,from=<ada@sender.example>,addr=<bob@there.example>,size=999,success: relayed: mx.example: 250 2.0.0 Taken', 'id=Q1,from=<ada@sender.example>,addr=<bob@there.example>,status: success']],
    ['delivery', { ...who, size: 999, status: 'deferred', kind: 'deferred', code: '4.4.1' }, ['id=Q1,from=<ada@sender.example>,addr=<bob@there.example>: 4.4.1', 'id=Q1,from=<ada@sender.example>,addr=<bob@there.example>,status: deferred']],
    ['completed', { id: 'Q1' }, ['completed,id=Q1']],
    ['error', { relay: '192.0.2.1', port: 4321, from: 'a@b.example', to: 'c@d.example', reply: '550 5.7.1 no' }, ['error,relay=192.0.2.1,port=4321,from=<a@b.example>,to=<c@d.example>: 550 5.7.1 no']],
    ['error', { where: 'store', what: 'cannot be read' }, ['error,where=store: cannot be read']],
    ['alarm', { alarm: 'messages', value: 11, list: [1, { a: null }], text: 'too many' }, ['alarm,alarm=messages,value=11,list=[1,{"a":null}]: too many']],
    ['stopping', {}, ['stopping']],
  ];
  for (const [event, fields, lines] of rows) assert.deepEqual(formatEventText(event, fields), lines);
});

test('nothing a stranger says makes a second line, in any format', () => {
  const hostile = fc.string({ unit: 'binary' });
  const values = fc.oneof(hostile, fc.constant(new Error('a\nb')), fc.constant(undefined), fc.constant(1n), fc.integer(), fc.array(hostile, { maxLength: 2 }));
  const events = fc.oneof(fc.constantFrom('newmsg', 'delivery', 'completed', 'error', 'odd'), hostile);
  fc.assert(fc.property(events, fc.dictionary(fc.oneof(fc.constantFrom('id', 'from', 'addr', 'text', 'reply', 'status', 'why', 'cause'), hostile), values), (event, fields) => {
    for (const text of formatEventText(event, fields)) {
      for (const [name, value] of Object.entries(fields)) if (typeof value === 'string' && name === 'text' && value.includes('\n')) assert.equal(text.includes(value), false);
      assert.doesNotMatch(text.replaceAll(/[^\n\r\0\u001b\u0085\u2028]/g, ''), /./s, JSON.stringify(text));
      const message = { facility: 2, severity: 6 as const, at: 0, host: 'mail.example', tag: 'posthorn', pid: 7, event, text };
      assert.match(formatRfc5424(message), /^<22>1 1970-01-01T00:00:00\.000Z mail\.example posthorn 7 [!-~]{1,32} - \uFEFF/);
    }
  }));
});

test('syslog messages of both forms', () => {
  const at = new Date(2026, 1, 3, 4, 5, 6, 7).getTime();
  const message = { facility: 2, severity: 3 as const, at, host: 'mail box', tag: 'posthorn', pid: 42, event: 'reload refused, the old configuration stays', text: 'jö' };
  assert.equal(formatRfc5424(message), `<19>1 ${new Date(at).toISOString()} mail-box posthorn 42 reload-refused,-the-old-configur - \uFEFFjö`);
  assert.equal(formatRfc3164(message), '<19>Feb  3 04:05:06 mail-box posthorn[42]: jö');
  assert.equal(formatTraditional({ ...message, host: '' }), 'Feb  3 04:05:06 - posthorn[42]: jö');
});

test('log: places, with what may be said of each', () => {
  const text = '# where\nstdout\n/var/log/posthorn.log format=text level=warn\nsyslog 127.0.0.1\nsyslog [::1]:1514 protocol=3164 facility=local3 tag=gate level=error format=json\n';
  assert.deepEqual(valueOf(parseLogTargets(text)), [
    { kind: 'stdout', format: 'json', level: 'info' },
    { kind: 'file', path: '/var/log/posthorn.log', format: 'text', level: 'warn' },
    { kind: 'syslog', host: '127.0.0.1', port: 514, format: 'text', level: 'info', protocol: '5424', facility: 2, tag: 'posthorn' },
    { kind: 'syslog', host: '::1', port: 1514, format: 'json', level: 'error', protocol: '3164', facility: 19, tag: 'gate' },
  ]);
  for (const target of [...usualLog, ...valueOf(parseLogTargets(text))]) assert.deepEqual(valueOf(parseLogTargets(formatLogTarget(target))), [target], 'as shown, so read');
  const wrong = ['stderr', 'log/file', '/var/log/', 'stdout tag=a', 'stdout format=xml', 'stdout level=debug', 'stdout format', 'stdout level=info level=info', 'syslog', 'syslog logs.example.com:514', 'syslog 127.0.0.1:99999', 'syslog 127.0.0.1 facility=post', 'syslog 127.0.0.1 tag=a]b', 'syslog 127.0.0.1 protocol=1'];
  for (const line of wrong) assert.deepEqual([...new Set(linesOf(parseLogTargets(`# a\n${line}\n`)))], [2], line);
  assert.deepEqual(linesOf(parseLogTargets('# nothing\n')), [1]);
  assert.deepEqual(linesOf(parseLogTargets('stdout\n'.repeat(9))), [9]);
  fc.assert(fc.property(fc.string(), any => void parseLogTargets(any)));
});
