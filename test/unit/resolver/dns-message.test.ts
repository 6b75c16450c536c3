import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode } from 'dns-packet';
import { encodeQuery, parseAnswer } from '../../../src/kit/dns/message.ts';
import fc from '../../props/fast-check.ts';

test('a question asks for recursion, an honest AD, and answers of 1280 octets', () => {
  const query = decode(encodeQuery(4711, 'd.example', 'MX', true));
  assert.deepEqual([query.id, query.flag_rd, query.flag_ad, query.questions?.[0]?.name, query.questions?.[0]?.type], [4711, true, true, 'd.example', 'MX']);
  const [opt] = query.additionals ?? [];
  assert.ok(opt?.type === 'OPT' && opt.udpPayloadSize === 1280);
});

test('no octets make it throw, and none without our id are an answer', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom('A' as const, 'MX' as const, 'TXT' as const, 'TLSA' as const), (octets, kind) => {
    const buffer = Buffer.from(octets);
    const parsed = parseAnswer(buffer, 0x1234, 'd.example', kind);
    if (buffer.length < 12 || buffer.readUInt16BE(0) !== 0x1234) assert.equal(parsed.kind, 'stray');
  }));
});

test('a true answer with any octet changed, or cut anywhere, is still only an answer, a failure or a stray', () => {
  const answer = encode({
    type: 'response', id: 0x1234, questions: [{ type: 'MX', name: 'd.example', class: 'IN' }],
    answers: [{ type: 'CNAME', name: 'd.example', ttl: 60, data: 'e.example' }, { type: 'MX', name: 'e.example', ttl: 60, data: { preference: 10, exchange: 'mx.example' } }],
  });
  fc.assert(fc.property(fc.nat(answer.length - 1), fc.nat(255), fc.nat(answer.length), (at, octet, cut) => {
    const broken = Buffer.from(answer);
    broken[at] = octet;
    for (const one of [broken, answer.subarray(0, cut)]) assert.ok(['found', 'none', 'alias', 'truncated', 'failed', 'stray'].includes(parseAnswer(one, 0x1234, 'd.example', 'MX').kind));
  }));
});
