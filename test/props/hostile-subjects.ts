/** The parsers that read what strangers send, each with the promises it makes for any input. */
import assert from 'node:assert/strict';
import { LineEndMender } from '../../src/flow/receive/manners.ts';
import { CommandLines } from '../../src/flow/receive/command-lines.ts';
import { domainOf, formatPath, localPart, parseAddress, parsePath, unquotedLocalPart } from '../../src/grammar/address.ts';
import { asciiDomain } from '../../src/grammar/domain.ts';
import { formatRawFields, parseRawFields, unfolded, valueOf } from '../../src/grammar/header/edit.ts';
import { parseContentType, parseFields } from '../../src/grammar/mime/field.ts';
import { LIMITS, Structure } from '../../src/grammar/mime/structure.ts';
import { mendHeader } from '../../src/grammar/mime/mended-header.ts';
import { decodeText, readNames } from '../../src/grammar/mime/words.ts';
import { createExchange, mechanisms, type Step } from '../../src/grammar/sasl/mechanisms.ts';
import { parseClientAttributes, xclientNames, xforwardNames } from '../../src/grammar/smtp/client-attributes.ts';
import { parseProxyHeader } from '../../src/grammar/smtp/proxy-header.ts';
import { cleanHelo, parseBdat, parseCommandLine, parseMail, parseRcpt } from '../../src/grammar/smtp/command.ts';
import { mendPath } from '../../src/grammar/smtp/mended-path.ts';
import { rewriteAddressFields } from '../../src/grammar/uucp/address-fields.ts';
import { hostileAuthentication } from './hostile-authentication.ts';
import type { Subject } from './hostile-input.ts';

/** What a log line, a trace field or a DSN must never get from a peer. */
const CONTROL = /[\u0000-\u001f\u007f]/;

export const hostileSubjects: readonly Subject[] = [
  {
    name: 'command',
    seeds: [
      'EHLO client.example', 'MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=QQ314159 AUTH=e+3Dmc2@example.com', 'MAIL FROM:<>',
      'RCPT TO:<"a b"@c.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;Bob+20Smith@example.com', 'RCPT TO:<@a.example,@b.example:c@d.example>',
      'RCPT TO:<j\u00c3\u00b6@b\u00c3\u00bccher.example> ORCPT=utf-8;j\\x{F6}@x', 'VRFY someone', 'AUTH PLAIN AGEAYg==', 'DATA', 'RSET', 'BDAT 1000 LAST', 'EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n',
    ],
    read: readCommand,
  },
  {
    name: 'address',
    seeds: [
      '<a@b.example>', '<"a\\"b c"@[192.0.2.1]>', '<a@[IPv6:2001:db8::1]>', '<@one.example,@two.example:a@b.example>', '<postmaster>', '<>', '<u%p.example@b.example>',
      '<j\u00c3\u00b6@b\u00c3\u00bccher.example>', '<u@xn--bcher-kva.example>', '<"|sh -c id"@b.example>', '<"../../etc/passwd"@b.example>', '<a!b!c@d.example>',
    ],
    read: readAddress,
  },
  {
    name: 'header',
    seeds: [
      'From: "A, B" <a@b.example>, c@d.example (a (nested) comment)\r\nTo: Friends: x@y.example, z;\r\nSubject: =?utf-8?Q?hall=C3=B6?= =?iso-8859-1?B?5Pb8?=\r\n\tfolded\r\nContent-Type: multipart/mixed; boundary="a \\"b"; charset=utf-8 (comment)\r\n\r\n',
      'Received: from a (b [192.0.2.1])\r\n  by c; Mon, 1 Jan 2024 00:00:00 +0000\r\nMime-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n\r\nbody', 'From a@b Mon Jan 1\nTo : x\n no field\n',
    ],
    read: readHeader,
  },
  {
    name: 'sasl',
    seeds: ['AGFubgBzZWNyZXQ=', 'YW5uAGFubgBzZWNyZXQ=', 'YW5u', '=', '*', 'YW5uIDlkMmFkOTQyZWEwYjQyODdjOTVkM2QzYjA3MWRmOGU4', 'biwsbj1hbm4scj1mb28=', 'bixhPWFubixhdXRoPUJlYXJlciB0b2tlbgEB', 'c2VjcmV0',
      'n,,n=ann,r=fyko\nc=biws,r=fykoNONCE,p=AAAA\n=', 'p=tls-exporter,,n=a=2Cb,r=x\nc=cD10bHMtZXhwb3J0ZXIsLGRhdGE=,r=xNONCE,p=AAAA', 'y,a=ann,n=ann,r=x', 'n,a=ann,\u0001auth=Bearer dG9rZW4=\u0001\u0001', 'user=ann\u0001auth=Bearer t\u0001\u0001', '\0ann\0secret', 'ann@h.example'],
    read: readSasl,
  },
  {
    name: 'introduction',
    seeds: [
      'PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\nEHLO x', 'PROXY TCP6 2001:db8::7 ::ffff:192.0.2.1 1 65535\r\n', 'PROXY UNKNOWN\r\n', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xc0\0\x02\x07\xc0\0\x02\x19\x9c\x40\0\x19\x04\0\x01\0',
      'NAME=spike.example ADDR=IPV6:2001:DB8::7 PORT=40000 PROTO=ESMTP HELO=a+20b LOGIN=[UNAVAILABLE]', 'IDENT=x SOURCE=LOCAL', '100 LAST', '00000000000000000000', '99999999999999999999 last',
    ],
    read: readIntroduction,
  },
  {
    name: 'structure',
    seeds: [
      'Mime-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\npre\r\n--a\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nz\r\n--a--\r\npost',
      'Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nx\r\n--s\r\n\r\nsig\r\n--s--\r\n',
    ],
    read: readStructure,
  },
  {
    name: 'device',
    seeds: [
      'MAIL FROM: scanner@local', 'RCPT TO : "Boss, Big" <boss@192.168.1.5> SIZE=5', 'FROM a@b', 'FROM:mailto:a@b;', 'TO:<a@b', 'HELO Drucker\xfc\0',
      'From: B\xfcro 2 <scan@local>\r\nSender: x\r\nDate: Thu, 1 Jan 1970 00:00:00 GMT\r\nSubject: gr\xfcn\r\n\tund mehr\r\nContent-Type: application/pdf; name="B\xfcro.pdf"\r\n\r\n%PDF',
      'Power failure\r\nB\xfcro', '\r\n\r\n', 'X-A: \xff\r\nTo: "\\"\xe4" <a@b>, \xf6 <c@d>\r\n\r\nx\n.\ny\r',
    ],
    read: readDevice,
  },
  hostileAuthentication,
];

/** What is forgiven must not let in what is not. */
function readDevice(input: string): void {
  const text = Buffer.from(input, 'latin1').toString('utf8');
  for (const word of ['FROM', 'TO'] as const) {
    const answer = word === 'FROM' ? parseMail(mendPath(text, word, true)) : parseRcpt(mendPath(text, word, true));
    const address = answer.kind === 'mail' ? answer.reversePath : answer.kind === 'rcpt' ? answer.recipient : null;
    if (address !== null) assert.equal(parseAddress(address), address);
  }
  const octets = Buffer.from(input, 'latin1');
  const mended = new LineEndMender().mend(octets);
  const cut = new LineEndMender();
  assert.ok(Buffer.concat([cut.mend(octets.subarray(0, input.length >> 1)), cut.mend(octets.subarray(input.length >> 1))]).equals(mended));
  assert.doesNotMatch(mended.toString('latin1'), /(?<!\r)\n/);

  const header = mended.subarray(0, mended.indexOf('\r\n\r\n') < 0 ? mended.length : mended.indexOf('\r\n\r\n') + 2);
  const wishes = { from: parseAddress('office@example.com'), replaceFrom: true, charset: 'windows-1252', bodyCharset: null, subject: 'x' };
  const better = mendHeader(header, parseFields(header), wishes);
  if (better === null) return;
  const fields = parseFields(better);
  // What was one field is still one, and lines that are no field have made none.
  assert.ok(fields.length <= parseFields(header).length + 2);
  for (const { start, end } of fields) assert.doesNotMatch(better.toString('latin1', start, end), /[^\u0000-\u007f]/);
  const senders = fields.filter(({ name }) => name === 'from');
  assert.ok(senders.every(({ value }) => value.endsWith('<office@example.com>')), senders.map(({ value }) => value).join());
}

function readCommand(input: string): void {
  const wire = Buffer.from(input, 'latin1');
  const lines = new CommandLines();
  for (let at = 0; at < wire.length; at = lines.position) {
    const found = lines.next(wire, at);
    assert.ok(lines.position > at, 'a reader that does not move');
    assert.ok(lines.heldOctets <= 12_289);
    if (found === 'line') readLine(lines.text);
  }
  readLine(wire.toString('utf8'));
}

function readLine(text: string): void {
  const command = parseCommandLine(text);
  if (command === null) return;
  assert.ok(!CONTROL.test(command.verb + command.argument));
  assert.ok(!/[\s<>]/.test(cleanHelo(command.argument)));
  for (const answer of [parseMail(command.argument), parseRcpt(command.argument)]) {
    if (answer.kind === 'bad') assert.ok(!CONTROL.test(answer.text) && Buffer.byteLength(answer.text) < 490, 'a reply line of more than 512 octets');
    else if (answer.kind === 'rcpt') assert.ok(!CONTROL.test(answer.recipient + (answer.options.original ?? '')));
    else assert.ok(!CONTROL.test((answer.reversePath ?? '') + (answer.envid ?? '')));
  }
}

function readAddress(input: string): void {
  const text = Buffer.from(input, 'latin1').toString('utf8');
  const path = parsePath(text, 0);
  const inner = path.kind === 'path' ? path.address : parseAddress(text);
  if (path.kind === 'path') assert.ok(path.end <= text.length && text[path.end - 1] === '>');
  if (inner === null) return;
  // One spelling, that reads as itself: what is looked up, stored and sent on is one thing.
  assert.equal(parseAddress(inner), inner);
  assert.deepEqual(parsePath(`<${inner}>`, 0), { kind: 'path', address: inner, route: [], end: inner.length + 2 });
  assert.ok(!CONTROL.test(inner) && Buffer.byteLength(inner) <= 320 + 320);
  assert.equal(inner, domainOf(inner) === '' ? localPart(inner) : `${localPart(inner)}@${domainOf(inner)}`);
  assert.ok(!CONTROL.test(unquotedLocalPart(inner)));
  const ascii = formatPath(inner, true);
  assert.ok(ascii === null || /^[\x20-\x7e]*$/.test(ascii));
  // An A-label and its U-label are one mailbox.
  const domain = domainOf(inner);
  const label = asciiDomain(domain);
  if (domain !== '' && label !== null) assert.equal(parseAddress(`${localPart(inner)}@${label}`.slice(0, 2000)) ?? inner, inner);
}

function readHeader(input: string): void {
  const octets = Buffer.from(input, 'latin1');
  let last = 0;
  for (const field of parseFields(octets)) {
    assert.ok(field.start >= last && field.end > field.start && field.end <= octets.length);
    last = field.end;
    const type = parseContentType(field.value);
    if (type !== null) assert.match(type.type, /^[^\s/]+\/[^\s/]+$/);
    assert.ok(!/\p{Cc}/u.test(decodeText(field.value)));
    readNames(field.value);
  }
  const lf = input.replaceAll('\r\n', '\n');
  const fields = parseRawFields(lf);
  for (const field of fields) {
    unfolded(field);
    valueOf(field);
  }
  assert.ok(lf.startsWith(formatRawFields(fields).replace(/\n$/, '')));
  assert.equal(rewriteAddressFields(input, address => address), input);
  rewriteAddressFields(input, address => `${address}@x.example`);
}

/** Lines as they come, and as what a client would have encoded: the second reaches behind the base64. */
function readSasl(input: string): void {
  // No exchange has more; the session ends it when it does not end itself.
  const lines = input.split('\n', 8);
  const encoded = lines.map(line => Buffer.from(line, 'latin1').toString('base64'));
  for (const mechanism of mechanisms) {
    for (const [first = '', ...rest] of [lines, encoded]) {
      for (const initial of [null, first]) {
        const exchange = createExchange(mechanism, { service: 'esmtp', challenge: () => '<1.2@h.example>', nonce: () => 'NONCE', binding: () => Buffer.from('data'), identity: 'ann@h.example' });
        let step = exchange.begin(initial);
        checkStep(step);
        for (const line of initial === null ? [first, ...rest] : rest) {
          if (step.kind === 'salt') step = exchange.salted?.(Buffer.from('salt'), 4096) ?? step;
          else if (step.kind === 'proof') step = exchange.accepted?.(Buffer.from('signature')) ?? step;
          checkStep(step);
          step = exchange.answer(line);
          checkStep(step);
        }
      }
    }
  }
}

function checkStep(step: Step): void {
  if (step.kind === 'challenge') assert.match(step.text, /^[A-Za-z0-9+/=]*$/);
  if (step.kind === 'proof' || step.kind === 'salt' || step.kind === 'identity') assert.ok(step.login !== '' && !step.login.includes('\0'));
  if (step.kind === 'malformed' || step.kind === 'hopeless') assert.ok(!CONTROL.test(step.why));
}

function readIntroduction(input: string): void {
  const header = parseProxyHeader(Buffer.from(input, 'latin1'));
  if (header.kind === 'header') {
    assert.ok(header.octets > 0 && header.octets <= input.length);
    if (header.peer !== null) assert.match(`${header.peer.remoteAddress} ${header.peer.localAddress}`, /^[0-9a-f.:]+ [0-9a-f.:]+$/);
  }
  for (const names of [xclientNames, xforwardNames]) {
    for (const value of parseClientAttributes(input, names)?.values() ?? []) assert.ok(value === null || !CONTROL.test(value));
  }
  const chunk = parseBdat(input);
  if (chunk.kind === 'bdat') assert.ok(chunk.octets >= 0 && chunk.octets <= 1e20);
}

/** However it is cut, the walk gives every octet back in order. */
function readStructure(input: string): void {
  const octets = Buffer.from(input, 'latin1');
  const walk = (step: number): string => {
    let out = '';
    const give = (piece: Buffer) => void (out += piece.toString('latin1'));
    const structure = new Structure({ entity: ({ header }) => give(header), body: give, end: () => undefined, between: give, malformed: () => undefined, rest: give }, LIMITS);
    for (let at = 0; at < octets.length; at += step) structure.feed(octets.subarray(at, at + step));
    structure.finish();
    return out;
  };
  assert.equal(walk(octets.length + 1), input);
  assert.equal(walk(64 + (octets.length % 61) * 7), input);
}
