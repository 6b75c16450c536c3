/** What we rely on in smtp-server and nobody promised. A new version that moves any of it fails here, by name. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';

function methods(of: { prototype: object }): string[] {
  return Object.getOwnPropertyNames(of.prototype);
}

describe('smtp-server underneath', () => {
  it('is the version that smtp-wire.ts was written for', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { dependencies: Record<string, string> };
    assert.equal(dependencies['smtp-server'], '3.21.6');
  });

  it('has the places that are overridden', () => {
    for (const name of ['_acceptSocket', '_handleProxy', 'connect', 'updateSecureContext']) assert.ok(methods(SMTPServer).includes(name), name);
    for (const name of ['init', '_createParser', '_setListeners', '_armTimeout', '_onError', '_onClose', 'upgrade', 'close']) assert.ok(methods(SMTPConnection).includes(name), name);
  });

  it('retires the parser at STARTTLS, which keeps what came in the clear out of the session', () => {
    assert.match(SMTPConnection.prototype.upgrade.toString(), /_parser\.isClosed = true/);
    assert.match(SMTPConnection.prototype.upgrade.toString(), /_parser = this\._createParser\(\)/);
  });

  it('pipes the socket into the parser, whose write() and end() are ours', () => {
    assert.match(Reflect.get(SMTPConnection.prototype, '_setListeners').toString(), /_socket\.pipe\(this\._parser\)/);
    assert.equal(typeof SMTPStream.prototype.write, 'function');
  });

  it('bounds a half-closed socket by itself', () => {
    assert.match(SMTPConnection.prototype.close.toString(), /HALF_CLOSE_TIMEOUT/);
  });
});
