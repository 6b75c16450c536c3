import assert from 'node:assert/strict';
import { createHash, type X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { TlsaRecord } from '../../../src/core/tls.ts';
import { formatTlsa, matchChain, usableRecords } from '../../../src/kit/net/dane.ts';
import { createAuthority } from '../../props/authority.ts';

const now = Date.UTC(2026, 0, 1);

function recordOf(certificate: X509Certificate, usage: number, selector: number, matchingType: number): TlsaRecord {
  const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' });
  return { usage, selector, matchingType, association: matchingType === 0 ? octets : createHash(matchingType === 1 ? 'sha256' : 'sha512').update(octets).digest() };
}

function judged(chain: readonly X509Certificate[], records: readonly TlsaRecord[], names = ['mx.there.example', 'there.example']): string {
  const matched = matchChain(chain, { records: usableRecords(records), base: names[0] as string, names }, now);
  return matched.kind === 'matched' ? 'matched' : matched.fault;
}

test('DANE-EE by every selector and matching type; neither name nor date nor authority matter', () => {
  const authority = createAuthority();
  const leaf = authority.issue('another.example', { from: '200101000000Z', to: '210101000000Z' });
  const other = authority.issue('another.example');
  for (const selector of [0, 1]) {
    for (const matchingType of [0, 1, 2]) {
      assert.equal(judged(leaf.chain, [recordOf(leaf.certificate, 3, selector, matchingType)]), 'matched', `3 ${selector} ${matchingType}`);
      assert.equal(judged(other.chain, [recordOf(leaf.certificate, 3, selector, matchingType)]), 'validation-failure', `3 ${selector} ${matchingType} of another`);
    }
  }
  assert.equal(judged(leaf.chain, [recordOf(other.certificate, 3, 1, 1), recordOf(leaf.certificate, 3, 1, 1)]), 'matched', 'the key before and after it changes');
  assert.equal(judged([], [recordOf(leaf.certificate, 3, 1, 1)]), 'validation-failure');
  // An authority's digest under usage 3 says nothing of what it issued.
  assert.equal(judged(leaf.chain, [recordOf(authority.certificate, 3, 1, 1)]), 'validation-failure');
});

test('DANE-TA: an anchor in the chain, and then names, dates, signatures and purposes count', () => {
  const root = createAuthority();
  const middle = root.issue('Middle Authority', { authority: true });
  const leaf = middle.issue('mx.there.example');
  const anchors = [recordOf(root.certificate, 2, 0, 1)];
  assert.equal(judged(leaf.chain, anchors), 'matched');
  assert.equal(judged(leaf.chain, [recordOf(middle.certificate, 2, 1, 2)]), 'matched', 'the middle of the chain');
  assert.equal(judged(leaf.chain.slice(0, 2), anchors), 'validation-failure', 'the anchor was not sent');
  assert.equal(judged(middle.issue('there.example').chain, anchors), 'matched', 'the next hop itself is a name as well (RFC 7672 §3.2.2)');
  assert.equal(judged(middle.issue('*.there.example').chain, anchors), 'matched');
  assert.equal(judged(middle.issue('evil.example').chain, anchors), 'certificate-host-mismatch');
  assert.equal(judged(middle.issue('mx.there.example', { to: '220101000000Z' }).chain, anchors), 'certificate-expired');
  assert.equal(judged(middle.issue('mx.there.example', { from: '380101000000Z', to: '390101000000Z' }).chain, anchors), 'certificate-expired');
  assert.equal(judged(middle.issue('mx.there.example', { forged: true }).chain, anchors), 'validation-failure');
  assert.equal(judged(root.issue('Not An Authority').issue('mx.there.example').chain, anchors), 'validation-failure');
  assert.equal(judged(middle.issue('mx.there.example', { purposes: ['2b06010505070301'] }).chain, anchors), 'matched', 'serverAuth');
  assert.equal(judged(middle.issue('mx.there.example', { purposes: ['2b06010505070304'] }).chain, anchors), 'validation-failure', 'made for mail signatures');
  // The peer's own certificate is no anchor of itself.
  assert.equal(judged(leaf.chain, [recordOf(leaf.certificate, 2, 0, 1)]), 'validation-failure');
  // A stranger who appends the anchor to his own chain has no signature of it.
  assert.equal(judged([createAuthority('Evil').issue('mx.there.example').certificate, root.certificate], anchors), 'validation-failure');
});

test('records that a client can use, and the strongest digest of each kind', () => {
  const { certificate } = createAuthority();
  const good = recordOf(certificate, 3, 1, 1);
  const unusable: readonly TlsaRecord[] = [
    { ...good, usage: 0 }, { ...good, usage: 1 }, { ...good, usage: 255 }, { ...good, selector: 2 }, { ...good, matchingType: 3 },
    { ...good, association: good.association.subarray(1) }, { ...good, matchingType: 2 }, { ...good, matchingType: 0, association: new Uint8Array() },
  ];
  assert.deepEqual(usableRecords(unusable), []);
  const long = recordOf(certificate, 3, 1, 2);
  const whole = recordOf(certificate, 3, 1, 0);
  const anchor = recordOf(certificate, 2, 1, 1);
  assert.deepEqual(usableRecords([good, long, whole, anchor, ...unusable]), [long, whole, anchor]);
  assert.equal(formatTlsa({ usage: 3, selector: 1, matchingType: 1, association: Uint8Array.of(0, 255) }), '3 1 1 00ff');
});
