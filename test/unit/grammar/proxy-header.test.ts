import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseProxyHeader, type ProxiedPeer } from '../../../src/grammar/smtp/proxy-header.ts';
import { parseClientAttributes, xclientNames } from '../../../src/grammar/smtp/client-attributes.ts';
import fc from '../../props/fast-check.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const port = fc.integer({ min: 0, max: 65_535 });

function line({ remoteAddress, remotePort, localAddress, localPort }: ProxiedPeer): Buffer {
  return Buffer.from(`PROXY TCP4 ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`);
}

function binary({ remoteAddress, remotePort, localAddress, localPort }: ProxiedPeer, extensions: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from([...remoteAddress.split('.'), ...localAddress.split('.')].map(Number)), Buffer.alloc(4), extensions]);
  body.writeUInt16BE(remotePort, 8);
  body.writeUInt16BE(localPort, 10);
  return Buffer.concat([SIGNATURE, Buffer.of(0x21, 0x11, body.length >> 8, body.length & 255), body]);
}

describe('PROXY headers', () => {
  const address = fc.ipV4().map(text => text.split('.').map(Number).join('.'));
  const peer = fc.record({ remoteAddress: address, remotePort: port, localAddress: address, localPort: port });

  it('says what was said, in both versions, and not before all of it is there', () => {
    fc.assert(fc.property(peer, fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 20 }), (said, extensions, behind) => {
      for (const header of [line(said), binary(said, extensions)]) {
        assert.deepEqual(parseProxyHeader(Buffer.concat([header, behind])), { kind: 'header', octets: header.length, peer: { ...said } });
        for (let cut = 0; cut < header.length; cut++) assert.equal(parseProxyHeader(header.subarray(0, cut)).kind, 'more');
      }
    }), { numRuns: 200 });
  });

  it('never throws, asks for no more than it may hold, and takes no more than there is', () => {
    const octets = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }).map(rest => Buffer.concat([SIGNATURE, rest])), fc.string().map(text => Buffer.from(`PROXY ${text}`)));
    fc.assert(fc.property(octets, given => {
      const header = parseProxyHeader(given);
      if (header.kind === 'header') assert.ok(header.octets <= given.length && header.octets > 0);
      if (header.kind === 'more') assert.ok(given.length < 16 + 4096);
    }), { numRuns: 2000 });
  });

  it('an IPv4 address in IPv6 clothes is IPv4: the access file has it so', () => {
    assert.deepEqual(parseProxyHeader(Buffer.from('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n')), { kind: 'header', octets: 50, peer: { remoteAddress: '192.0.2.1', remotePort: 1, localAddress: '192.0.2.2', localPort: 2 } });
  });
});

describe('attributes of XCLIENT', () => {
  it('never throws, and lets nothing through that would end a line', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string().map(text => `HELO=${text}`), fc.string().map(text => `NAME=a ADDR=${text}`)), text => {
      for (const value of parseClientAttributes(text, xclientNames)?.values() ?? []) assert.doesNotMatch(value ?? '', /[\0-\x1f\x7f]/);
    }), { numRuns: 1000 });
  });
});
