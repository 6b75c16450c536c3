/** Limits of authorities on the way to a DANE trust anchor: our verdict, beside that of the OpenSSL in Node, which knows no DANE. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { readCertificateNames } from '../../../src/kit/net/certificate-names.ts';
import { readDer } from '../../../src/kit/net/der.ts';
import { forbiddenBy } from '../../../src/kit/net/name-constraints.ts';
import { createAuthority, generalName, type Issued, type IssueOptions } from '../../props/authority.ts';
import fc from '../../props/fast-check.ts';
import { listen } from '../../props/ports.ts';

const HOST = 'mx.there.example';
const { dns, address, email, directory } = generalName;

/** What the root, a middle authority and the leaf say. */
interface Case {
  readonly root?: IssueOptions;
  readonly middle?: IssueOptions;
  readonly leaf?: IssueOptions;
  readonly name?: string;
}

const rows: readonly (readonly [string, Case, boolean])[] = [
  ['nothing is limited', {}, true],
  ['the domain is permitted', { root: { permitted: [dns('there.example')] } }, true],
  ['the host itself is permitted', { middle: { permitted: [dns(HOST)] } }, true],
  ['one of two is permitted', { root: { permitted: [dns('elsewhere.example'), dns('there.example')] } }, true],
  ['all is permitted', { root: { permitted: [dns('')] } }, true],
  ['another domain is permitted', { root: { permitted: [dns('elsewhere.example')] } }, false],
  ['another domain is permitted, by the middle', { middle: { permitted: [dns('elsewhere.example')] } }, false],
  ['the end of a label is no domain', { root: { permitted: [dns('ere.example')] } }, false],
  ['subdomains alone are permitted', { root: { permitted: [dns('.there.example')] } }, true],
  ['subdomains of the host alone are permitted', { root: { permitted: [dns(`.${HOST}`)] } }, false],
  ['the case of letters is nothing', { root: { permitted: [dns('There.EXAMPLE')] } }, true],
  ['the domain is excluded', { root: { excluded: [dns('there.example')] } }, false],
  ['another is excluded', { root: { excluded: [dns('elsewhere.example')] } }, true],
  ['permitted, and a part of it excluded', { root: { permitted: [dns('example')], excluded: [dns('there.example')] } }, false],
  ['a second name in the certificate is not permitted', { root: { permitted: [dns('there.example')] }, leaf: { alternatives: [dns(HOST), dns('elsewhere.example')] } }, false],
  ['without alternative names the common name is limited', { root: { permitted: [dns('elsewhere.example')] }, leaf: { alternatives: [] } }, false],
  ['an address is not permitted', { root: { permitted: [address(192, 0, 2, 0, 255, 255, 255, 0)] }, leaf: { alternatives: [dns(HOST), address(198, 51, 100, 7)] } }, false],
  ['an address is permitted', { root: { permitted: [address(192, 0, 2, 0, 255, 255, 255, 0)] }, leaf: { alternatives: [dns(HOST), address(192, 0, 2, 7)] } }, true],
  ['an address of the other family is not', { root: { permitted: [address(...Array.from({ length: 32 }, () => 0))] }, leaf: { alternatives: [dns(HOST), address(192, 0, 2, 7)] } }, false],
  ['a limit of names that nobody has', { root: { permitted: [email('there.example')] } }, true],
  ['the subject is another\'s', { root: { permitted: [directory('Elsewhere')] } }, false],
  ['the subject is excluded, in other letters', { root: { excluded: [directory(' MX.There.Example ')] } }, false],
  ['room for the authorities there are', { root: { pathLength: 1 }, middle: { pathLength: 0 } }, true],
  ['one authority too many', { root: { pathLength: 0 } }, false],
];

function chainOf({ root, middle, leaf, name = HOST }: Case): Issued {
  return createAuthority('Root', root).issue('Middle', { authority: true, alternatives: [], ...middle }).issue(name, leaf);
}

/** Does OpenSSL trust it, given that it trusts the root? */
async function trusted(issued: Issued): Promise<boolean> {
  const server = createServer({ SNICallback: (_, done) => done(null, issued.context) });
  server.on('tlsClientError', () => undefined);
  const port = await listen(server);
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', servername: HOST, ca: String(issued.chain.at(-1)), rejectUnauthorized: false, checkServerIdentity: () => undefined });
  try {
    await once(socket, 'secureConnect');
    return socket.authorized;
  } finally {
    socket.destroy();
    server.close();
  }
}

for (const [what, one, good] of rows) {
  test(`limits of authorities: ${what}`, { timeout: 20_000 }, async () => {
    const issued = chainOf(one);
    const why = forbiddenBy(issued.chain, HOST);
    assert.equal(why === null, good, why ?? 'allowed');
    assert.equal(await trusted(issued), good, 'OpenSSL says so too');
  });
}

test('a wildcard never reaches what is excluded, and a form that nobody can judge is rejected', () => {
  const wild = chainOf({ root: { excluded: [dns(HOST)] }, name: '*.there.example' });
  assert.match(forbiddenBy(wild.chain, HOST) ?? '', /may not vouch for mx\.there\.example/);
  assert.equal(forbiddenBy(wild.chain, 'other.there.example'), null);
  const mailed = chainOf({ root: { permitted: [email('there.example')] }, leaf: { alternatives: [dns(HOST), email('postmaster@there.example')] } });
  assert.match(forbiddenBy(mailed.chain, HOST) ?? '', /may not vouch for this email name/);
});

test('DER that is cut or garbled is refused, never read beyond its end', () => {
  const { raw } = createAuthority('Root', { permitted: [dns('there.example'), directory('There')], pathLength: 3 }).certificate;
  for (let cut = 0; cut < raw.length; cut++) assert.equal(readCertificateNames({ raw: raw.subarray(0, cut) } as never), null);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), octets => {
    for (const { content } of readDer(Buffer.from(octets)) ?? []) assert.ok(content.length <= octets.length);
  }));
  fc.assert(fc.property(fc.nat(raw.length - 1), fc.nat(255), (at, octet) => {
    const broken = Buffer.from(raw);
    broken[at] = octet;
    readCertificateNames({ raw: broken } as never);
  }));
});
