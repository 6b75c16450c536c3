import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDotCourier } from '../../../src/grammar/local/dot-courier.ts';
import { followForwardText } from '../../../src/grammar/local/dot-forward.ts';
import { formatDeliveryDone, formatDeliveryRequest, parseDeliveryDone, parseDeliveryRequest } from '../../../src/grammar/local/delivery-wire.ts';
import { parsePasswdLine } from '../../../src/grammar/local/passwd.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import fc from '../../props/fast-check.ts';

test('.courier, line by line', () => {
  const rows: readonly (readonly [string, unknown])[] = [
    ['', null], ['\n\n', null], ['# x\n', []], ['./Maildir', [{ kind: 'mailbox', path: './Maildir', maildir: false }]], ['/var/mail/x/', [{ kind: 'mailbox', path: '/var/mail/x', maildir: true }]],
    ['/', [{ kind: 'mailbox', path: '/', maildir: false }]], ['| a \\\nb', [{ kind: 'program', command: 'a b' }]], ['|| a', [{ kind: 'dynamic', command: 'a' }]], ['|a\r\n', [{ kind: 'program', command: 'a' }]],
    ['&a@b, c@d', [{ kind: 'forward', addresses: ['a@b', 'c@d'] }]], ['! a@b', [{ kind: 'forward', addresses: ['a@b'] }]], ['"a,b"@c', [{ kind: 'forward', addresses: ['"a,b"@c'] }]], ['a@b\\\nc@d', [{ kind: 'forward', addresses: ['a@b\\'] }, { kind: 'forward', addresses: ['c@d'] }]],
  ];
  for (const [text, wanted] of rows) assert.deepEqual(parseDotCourier(text), wanted, JSON.stringify(text));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), text => void parseDotCourier(text)));
});

test('.forward, put into .courier’s language', async () => {
  const follow = async (files: Readonly<Record<string, string>>, seen: readonly string[] = []) => {
    const { code, output } = await followForwardText(path => Promise.resolve(files[path] ?? null), { own: 'ann@gate.example', seen });
    return `${code} ${output.trim().replaceAll('\n', ' ; ')}`;
  };
  assert.equal(await follow({}), '0 ');
  assert.equal(await follow({ '.forward': 'far@x.example' }), '99 &far@x.example');
  assert.equal(await follow({ '.forward': '\\ann, far@x.example, ann@GATE.example' }), '0 &far@x.example');
  assert.equal(await follow({ '.forward': '"|a, \\"b\\"", /var/x, ./y\n|c, d' }), '99 |a, "b" ; /var/x ; ./y ; |c, d');
  assert.equal(await follow({ '.forward': ':include:/list', '/list': '# people\na@x.example\n:include:/list\nb@x.example' }), '99 &a@x.example ; &b@x.example');
  assert.equal(await follow({ '.forward': 'a@x.example, b@x.example' }, ['A@x.example']), '99 &b@x.example');
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary' }), async text => {
    const { output } = await followForwardText(path => Promise.resolve(path === '.forward' ? text : null), { own: 'a@b', seen: [] });
    assert.ok(output.length <= 4 * text.length + 10);
  }));
});

test('requests and answers of the deputy: what is read back is what was written, and strangers’ lines are none', () => {
  const recipient = parseAddress('ann-x@gate.example');
  assert.ok(recipient !== null);
  const request = { login: 'ann', recipient, sender: '', extension: 'x', octets: 5 };
  assert.deepEqual(parseDeliveryRequest(formatDeliveryRequest(request).trim()), request);
  const bad: readonly unknown[] = [
    null, [], 'x', { ...request, login: 'root;id' }, { ...request, login: '-x' }, { ...request, login: '0' }, { ...request, login: '../x' }, { ...request, extension: '../../x' }, { ...request, octets: -1 }, { ...request, octets: 1.5 },
    { ...request, octets: '5' }, { ...request, recipient: 'a b c' }, { ...request, sender: 'x\ny@z' }, { ...request, recipient: 'x'.repeat(2000) }, { login: 'ann' },
  ];
  for (const one of bad) assert.equal(parseDeliveryRequest(JSON.stringify(one)), null, JSON.stringify(one));
  const done = { outcome: { kind: 'deferred', status: '4.2.2', blame: 'recipient', said: { type: 'x-unix', text: 'full' } }, forwards: ['a@b.example'] } as const;
  assert.deepEqual(parseDeliveryDone(formatDeliveryDone(done)), done);
  const wrong: readonly unknown[] = [{ outcome: { ...done.outcome, status: '5.0.0' }, forwards: [] }, { outcome: { ...done.outcome, kind: 'relayed' }, forwards: [] }, { outcome: done.outcome, forwards: ['x\ny'] }, { outcome: done.outcome }, {}];
  for (const one of wrong) assert.equal(parseDeliveryDone(JSON.stringify(one)), null, JSON.stringify(one));
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), text => void [parseDeliveryRequest(text), parseDeliveryDone(text)]));
});

test('lines of passwd: who may have mail', () => {
  assert.deepEqual(parsePasswdLine('ann:x:1000:1001:Ann,,,:/home/ann:/bin/bash'), { login: 'ann', uid: 1000, gid: 1001, home: '/home/ann' });
  for (const line of ['root:x:0:0:root:/root:/bin/bash', 'toor:x:0:1000::/home/toor:/bin/sh', 'www-data:x:33:33::/var/www:/x', 'nobody:x:65534:65534::/nonexistent:/x', 'a:x:1000:0::/home/a:/x', 'a:x:1000:1000::/:/x', 'a:x:1000:1000::home:/x', 'a:x:-1:1000::/home/a:/x', 'a:x::1000::/home/a:/x', '']) assert.equal(parsePasswdLine(line), null, line);
});
