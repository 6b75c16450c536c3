/** A SCRAM client (RFC 5802) written apart from the server's side, so that the two check each other. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface ScramClient {
  /** Base64. */
  readonly first: string;
  final(serverFirst: string): string;
  serverIsRight(serverFinal: string): boolean;
}

export interface ScramCall {
  readonly mechanism: string;
  readonly login: string;
  readonly password: string;
  /** `n`, `y`, `p=tls-exporter`, `p=tls-server-end-point`; `!` at the end: with data of another channel. */
  readonly flag: string;
  readonly socket?: Socket;
}

export function createScramClient({ mechanism, login, password, flag, socket }: ScramCall): ScramClient {
  const digest = mechanism.includes('256') ? 'sha256' : 'sha1';
  const octets = digest === 'sha256' ? 32 : 20;
  const header = `${flag.replace('!', '')},,`;
  const nonce = randomBytes(12).toString('base64');
  const bare = `n=${login.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  let expected = '';

  function channel(): Buffer {
    if (!flag.startsWith('p=')) return Buffer.alloc(0);
    if (flag.endsWith('!')) return Buffer.alloc(32, 7);
    assert.ok(socket instanceof TLSSocket, 'channel binding needs TLS');
    if (flag === 'p=tls-exporter') return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    return createHash('sha256').update(socket.getPeerCertificate().raw).digest();
  }

  return {
    first: base64(`${header}${bare}`),
    final(serverFirst) {
      const said = Buffer.from(serverFirst, 'base64').toString();
      const [, whole = '', salt = '', iterations = ''] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(said) ?? [];
      assert.ok(whole.startsWith(nonce) && whole.length > nonce.length, `the server's nonce: ${said}`);
      const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), octets, digest);
      const clientKey = createHmac(digest, salted).update('Client Key').digest();
      const stored = createHash(digest).update(clientKey).digest();
      const withoutProof = `c=${base64(Buffer.concat([Buffer.from(header), channel()]))},r=${whole}`;
      const message = `${bare},${said},${withoutProof}`;
      const signature = createHmac(digest, stored).update(message).digest();
      expected = createHmac(digest, createHmac(digest, salted).update('Server Key').digest()).update(message).digest('base64');
      return base64(`${withoutProof},p=${base64(Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] as number))))}`);
    },
    serverIsRight: serverFinal => Buffer.from(serverFinal, 'base64').toString() === `v=${expected}`,
  };
}
