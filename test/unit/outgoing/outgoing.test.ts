/** What mail looks like when it leaves: signed when it is ours, changed where a route says so, else as it came. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { StoredContent } from '../../../src/core/queue-store.ts';
import type { Delivery } from '../../../src/core/transport.ts';
import { createOutgoing, createSigners, type Manner, type OutgoingSettings } from '../../../src/flow/outgoing/index.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { openConversion } from '../../../src/grammar/mime/convert.ts';
import { parseFields, type HeaderField } from '../../../src/grammar/mime/field.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { readCorpus } from '../../props/corpus.ts';
import { createKey, judge } from '../../props/dkim-keys.ts';
import { letter, type Letter } from '../../props/esmtp-box.ts';
import fc from '../../props/fast-check.ts';
import { createHandClock } from '../../props/hand-clock.ts';

const kernels = openKernels();
const rsa = createKey('sender.example', 'r', 'rsa');
const ed = createKey('sender.example', 'e', 'ed25519');
const keys = [rsa, ed];
const ours: Origin = { source: 'submission', protocol: 'ESMTPSA', login: 'ada', at: 0 };

interface Left {
  readonly sent: Delivery[];
  leave(delivery: Delivery): Promise<Buffer>;
}

function door(own: Partial<OutgoingSettings> = {}, domains: readonly string[] = ['sender.example']): Left {
  const sent: Delivery[] = [];
  const clock = createHandClock();
  const outgoing = createOutgoing({
    transport: { deliver: job => { sent.push(job); return Promise.resolve(new Map(job.recipients.map(({ id }) => [id, { kind: 'relayed', status: '2.0.0' }]))); } },
    mannerOf: () => undefined,
    signers: createSigners(domains.map(match => ({ match, keys }))),
    kernels, toSevenBit, clock, log: silent, ...own,
  });
  return {
    sent,
    async leave(delivery) {
      const outcomes = await outgoing.deliver(delivery, new AbortController().signal);
      assert.ok([...outcomes.values()].every(({ kind }) => kind === 'relayed'));
      return read((sent.at(-1) as Delivery).content);
    },
  };
}

function toSevenBit(content: StoredContent): readonly Uint8Array[] | AsyncIterable<Uint8Array> {
  const conversion = openConversion({ to: '7bit', kernels, malformed: 'accept' });
  const source = content.read();
  if (Array.isArray(source)) return [...source.flatMap(piece => conversion.feed(piece)), ...conversion.finish().output];
  return (async function* convert() {
    for await (const piece of source as AsyncIterable<Uint8Array>) yield* conversion.feed(piece);
    yield* conversion.finish().output;
  })();
}

async function read(content: StoredContent): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content.read()) pieces.push(piece);
  const whole = Buffer.concat(pieces);
  assert.equal(whole.length, content.sizeOctets, 'its size is what it says');
  assert.equal(content.facts.has8bit, whole.some(octet => octet > 127), 'and so is its 8-bit');
  return whole;
}

const text = 'From: Ada <ada@sender.example>\r\nTo: bob@there.example\r\nSubject: a word\r\n\r\nGood morning.\r\n';
const own = (more: Letter = {}): Delivery => letter({ text, ...more, envelope: { origin: ours, ...more.envelope } });

test('our mail gets a signature of each kind, and nothing else of it changes', async () => {
  const left = await door().leave(own());
  assert.ok(left.toString().endsWith(text));
  assert.deepEqual(await judge(left, keys), ['sender.example/r pass', 'sender.example/e pass']);
  assert.match(left.toString(), /^DKIM-Signature: v=1; a=rsa-sha256; c=relaxed\/relaxed;\r\n\td=sender\.example; s=r; t=1700000000;/);
  assert.doesNotMatch(left.toString(), /; l=/);
});

test('a From that somebody adds, on top or below, breaks the signature', async () => {
  const left = await door().leave(own());
  for (const forged of [Buffer.concat([Buffer.from('From: eve@evil.example\r\n'), left]), Buffer.from(left.toString().replace('Subject:', 'From: eve@evil.example\r\nSubject:'))]) {
    assert.deepEqual(await judge(forged, keys), ['sender.example/r neutral', 'sender.example/e neutral'].map(verdict => verdict.replace('neutral', 'fail')));
  }
});

test('who is signed for: those who may relay, for domains that have keys, and nobody else', async () => {
  const rows: readonly (readonly [string, Partial<Origin>, string, boolean])[] = [
    ['logged in', {}, 'ada@sender.example', true],
    ['by address', { source: 'esmtp', relayClient: '' }, 'ada@sender.example', true],
    ['this machine', { source: 'local' }, 'ada@sender.example', true],
    ['our own reports', { source: 'dsn' }, 'postmaster@sender.example', true],
    ['a stranger who says he is us', { source: 'esmtp' }, 'ada@sender.example', false],
    ['the submission port without a login', { source: 'submission' }, 'ada@sender.example', false],
    ['a neighbour by UUCP', { source: 'uucp', relayClient: '' }, 'ada@sender.example', false],
    ['another domain', {}, 'ada@other.example', false],
    ['a subdomain', {}, 'ada@sub.sender.example', false],
    ['in capitals', {}, 'ADA@SENDER.EXAMPLE', true],
  ];
  for (const [what, { login, ...origin }, from, signed] of rows) {
    const stated = origin.source === undefined ? { ...ours, ...(login === undefined ? {} : { login }) } : { protocol: 'x', at: 0, ...origin };
    const left = await door().leave(own({ text: text.replace('ada@sender.example', from), envelope: { origin: stated as Origin } }));
    assert.equal(left.toString().startsWith('DKIM-Signature:'), signed, what);
  }
  const below = await door({}, ['.sender.example']).leave(own({ text: text.replace('ada@sender', 'ada@a.b.sender') }));
  assert.deepEqual(await judge(below, keys), ['sender.example/r pass', 'sender.example/e pass']);
});

test('mail that is nobody\'s to change goes on untouched, and nobody reads it first', async () => {
  let reads = 0;
  const box = door();
  const foreign = letter({ text, envelope: { origin: { source: 'esmtp', protocol: 'ESMTP', at: 0 } }, pieces: () => { reads++; return [Buffer.from(text)]; } });
  await box.leave(foreign);
  assert.equal(box.sent[0], foreign);
  assert.equal(reads, 1, 'by the test itself');
});

test('8-bit mail is made 7-bit before it is signed, and the signature is over what is sent; converted again it stays', async () => {
  const golden = new URL('../../golden/conversion/in/', import.meta.url);
  const stubborn = ['multipart-signed.eml', 'eight-bit-header.eml', 'signed-beside-plain.eml', 'unknown-encoding.eml'].map(name => ({ name, content: readFileSync(new URL(name, golden)) }));
  for (const { name, content } of [...readCorpus(), ...stubborn]) {
    const message = Buffer.from(`From: Ada <ada@sender.example>\r\n${content.toString('latin1').replace(/^From:.*\r\n/m, '')}`, 'latin1');
    for (const streamed of [false, true]) {
      const pieces = streamed ? async function* flow() { for (let at = 0; at < message.length; at += 100) yield await Promise.resolve(message.subarray(at, at + 100)); } : () => [message];
      const delivery = own({ pieces });
      const facts = { ...delivery.content.facts, has8bit: message.some(octet => octet > 127) };
      const box = door();
      const left = await box.leave({ ...delivery, content: { ...delivery.content, facts, sizeOctets: message.length } });
      const verdicts = await judge(left, keys);
      assert.deepEqual(verdicts.slice(0, 2), ['sender.example/r pass', 'sender.example/e pass'], `${name} ${streamed ? 'streamed' : 'at once'}`);
      if (!left.some(octet => octet > 127)) continue;
      // What may not be touched is left in it: a peer without 8BITMIME has it converted once more, and nothing comes of that.
      const again = toSevenBit((box.sent[0] as Delivery).content);
      const octets: Uint8Array[] = [];
      for await (const piece of again) octets.push(piece);
      assert.deepEqual(await judge(Buffer.concat(octets), keys), verdicts, `${name}, at a peer without 8BITMIME`);
    }
  }
});

test('one message to two next hops is signed once; another attempt signs anew', async () => {
  let openings = 0;
  const box = door({ kernels: { openSurvey: () => { openings++; return kernels.openSurvey(); } } });
  const delivery = own();
  await Promise.all([box.leave(delivery), box.leave({ ...delivery, nexthop: 'elsewhere.example' })]);
  assert.equal(openings, 1);
  await box.leave(own());
  assert.equal(openings, 2);
});

test('content that cannot be read defers the message, and is no fault of anybody', async () => {
  const delivery = own({ pieces: () => { throw new Error('the disk is gone'); } });
  const errors: string[] = [];
  const outgoing = createOutgoing({ transport: { deliver: () => assert.fail('nothing is sent') }, mannerOf: () => undefined, signers: createSigners([{ match: 'sender.example', keys }]), kernels, toSevenBit, clock: createHandClock(), log: { ...silent, error: event => void errors.push(event) } });
  const [outcome] = [...(await outgoing.deliver(delivery, new AbortController().signal)).values()];
  assert.ok(outcome?.kind === 'deferred' && outcome.status === '4.3.0' && outcome.blame === 'message');
  assert.deepEqual(errors, ['outgoing']);
});

const fixed: Manner = { name: 'fixed', senders: { replace: address => (address.endsWith('@sender.example') ? null : parseAddress('box@sender.example')), fields: true, replyTo: true } };

test('a provider that refuses foreign senders: envelope, From and Sender change, the name stays, answers find their way', async () => {
  const foreign = 'Received: by x\r\nFrom: "Scanner, 2nd floor"\r\n <scan@lan.local> (tray 2)\r\nSender: scan@lan.local\r\nTo: bob@there.example, scan@lan.local\r\nSubject: pages\r\n\r\nFrom: scan@lan.local\r\n';
  const box = door({ mannerOf: () => fixed });
  const left = (await box.leave(letter({ text: foreign, envelope: { from: 'scan@lan.local', origin: ours } }))).toString();
  assert.equal(box.sent[0]?.envelope.reversePath, 'box@sender.example');
  assert.ok(left.endsWith('Received: by x\r\nFrom: "Scanner, 2nd floor"\r\n <box@sender.example> (tray 2)\r\nReply-To: "Scanner, 2nd floor"\r\n <scan@lan.local> (tray 2)\r\nSender: box@sender.example\r\nTo: bob@there.example, scan@lan.local\r\nSubject: pages\r\n\r\nFrom: scan@lan.local\r\n'));
  assert.deepEqual(await judge(Buffer.from(left), keys), ['sender.example/r pass', 'sender.example/e pass'], 'signed after the change');

  const kept = (await box.leave(letter({ text: foreign.replace('Subject', 'Reply-To: office@lan.local\r\nSubject'), envelope: { from: 'scan@lan.local' } }))).toString();
  assert.equal(kept.match(/^Reply-To: .*$/gm)?.join(), 'Reply-To: office@lan.local');
  const mine = own();
  assert.deepEqual((await door({ mannerOf: () => fixed }, []).leave(mine)).toString(), text, 'a sender that the provider takes stays');
  await box.leave(letter({ text, envelope: { from: null } }));
  assert.equal(box.sent.at(-1)?.envelope.reversePath, null, 'a report has no sender to change (RFC 5321 §4.5.5)');
});

test('whatever a header looks like, a change of senders changes addresses of From and Sender and nothing else', async () => {
  const box = door({ mannerOf: () => ({ ...fixed, senders: { ...fixed.senders!, replyTo: false } }) }, []);
  const piece = fc.constantFrom('From', 'Sender', 'To', ':', ' ', '\t', '<a@b.example>', 'a@b.example', '"q, <x@y>"', '(c (d) a@b)', ',', ';', '\r\n ', '\r\n', '<', '>', '"', '\\', '@', 'é', '=?utf-8?q?a=40b?=', 'grp:');
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 40 }), fc.string(), async (words, body) => {
    const message = `From: a@b.example\r\n${words.join('')}\r\n\r\n${body}`;
    const left = await box.leave(letter({ text: message }));
    const [before, after] = [Buffer.from(message), left].map(octets => ({ octets, fields: parseFields(octets.subarray(0, octets.indexOf('\r\n\r\n') + 2)) }));
    assert.ok(before !== undefined && after !== undefined && before.fields.length === after.fields.length);
    for (const [n, { name, start, end }] of before.fields.entries()) {
      const now: HeaderField | undefined = after.fields[n];
      const written: string = before.octets.toString('latin1', start, end);
      const became: string = after.octets.toString('latin1', now?.start, now?.end);
      if (name !== 'from' && name !== 'sender') assert.equal(became, written);
      else assert.match(written, new RegExp(`^${became.split('box@sender.example').map(part => part.replaceAll(/[^a-z]/gi, octet => `\\x${octet.charCodeAt(0).toString(16).padStart(2, '0')}`)).join('(?:"[^]*?"|[^\\s,;])+')}$`));
    }
    assert.ok(left.toString().endsWith(`\r\n\r\n${body}`));
  }), { numRuns: 300 });
});

test('ARC: only our own word is sealed, only on a chain that passed, and mail of ours is not', async () => {
  const stranger: Origin = { source: 'esmtp', protocol: 'ESMTP', at: 0 };
  const trace = 'Received: from x\r\nAuthentication-Results: first.example;\r\n  spf=pass smtp.mailfrom=sender.example;\r\n  dkim=none\r\n';
  const sealer = { ...rsa, host: 'First.Example' };
  const rows: readonly (readonly [string, string, string, Origin, boolean])[] = [
    ['our word', trace, text, stranger, true],
    ['in the content', '', `${trace}${text}`, stranger, false],
    ['another host\'s word', trace.replace('first.example', 'second.example'), text, stranger, false],
    ['nothing was found out', trace.replace(/;[^]*none/, '; none'), text, stranger, false],
    ['ours', trace, text, ours, false],
    ['a chain with a hole', trace, `ARC-Seal: i=1; a=rsa-sha256; cv=none; d=x.example; s=s; b=AA==\r\n${text}`, stranger, false],
    ['a chain that nobody looked at', trace, `ARC-Seal: i=1; cv=none; b=AA==\r\nARC-Message-Signature: i=1; b=AA==\r\nARC-Authentication-Results: i=1; x.example; none\r\n${text}`, stranger, false],
    ['a chain that passed', trace.replace('dkim=none', 'arc=pass'), `ARC-Seal: a=rsa-sha256; i=1; cv=none; b=AA==\r\nARC-Message-Signature: i=1; b=AA==\r\nARC-Authentication-Results: i=1; x.example; none\r\n${text}`, stranger, true],
    ['a chain that failed', trace.replace('dkim=none', 'arc=fail'), `ARC-Seal: i=1; cv=none; b=AA==\r\nARC-Message-Signature: i=1; b=AA==\r\nARC-Authentication-Results: i=1; x.example; none\r\n${text}`, stranger, false],
  ];
  for (const [what, head, content, origin, sealed] of rows) {
    const delivery = letter({ text: head + content, envelope: { origin } });
    const facts = { ...delivery.content.facts, sizeOctets: content.length };
    const left = (await door({ sealer }, []).leave({ ...delivery, content: { ...delivery.content, facts } })).toString();
    assert.equal(left.startsWith('ARC-Seal: i='), sealed, what);
    assert.ok(left.endsWith(head + content), what);
  }
});

test('a provider\'s limit counts what it will count: a message to many is one, with VERP it is many; what did not go is not counted', async () => {
  const taken: unknown[] = [];
  const manner: Manner = { name: 'limited', quota: { take: sent => { taken.push(sent); return { kind: 'taken', giveBack: () => taken.push('back') }; } } };
  const box = door({ mannerOf: () => manner }, []);
  const to = ['a@there.example', 'b@there.example', 'c@there.example'];
  await box.leave(letter({ text, to }));
  await box.leave(letter({ text, to, envelope: { verp: true } }));
  assert.deepEqual(taken, [{ messages: 1, recipients: 3 }, { messages: 3, recipients: 3 }]);
  const refusing = createOutgoing({ transport: { deliver: job => Promise.resolve(new Map(job.recipients.map(({ id }) => [id, { kind: 'deferred', status: '4.4.1', blame: 'nexthop' }]))) }, mannerOf: () => manner, signers: createSigners([]), kernels, toSevenBit, clock: createHandClock(), log: silent });
  await refusing.deliver(letter({ text, to }), new AbortController().signal);
  assert.equal(taken.at(-1), 'back');
});

test('what is known of the content is still about the content: our trace fields count for nothing', async () => {
  const trace = 'Received: from x\r\n';
  const delivery = own({ text: trace + text });
  const box = door();
  await box.leave({ ...delivery, content: { ...delivery.content, facts: { ...delivery.content.facts, sizeOctets: text.length } } });
  const { facts } = (box.sent[0] as Delivery).content;
  assert.deepEqual([facts.sizeOctets, facts.headerEnd], [text.length, text.indexOf('\r\n\r\n') + 4]);
});
