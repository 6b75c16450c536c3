import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, hash, scryptSync, argon2Sync } from 'node:crypto';
import { test } from 'node:test';
import { isKnownForm } from '../../../src/grammar/config/ways-in/userdb.ts';
import { hmacContext, hmacFromContext } from '../../../src/service/auth/hmac-context.ts';
import { compareStored } from '../../../src/service/auth/stored-password.ts';
import fc from '../../props/fast-check.ts';

test('crypt forms are what openssl makes of the same password and salt', async () => {
  const passwords = ['x', 'secret', 'pass word with blanks', 'ümlaut', 'sixteen octets!!', 'l'.repeat(31), 'l'.repeat(32), 'l'.repeat(64), 'l'.repeat(65), 'l'.repeat(200)];
  for (const scheme of ['-1', '-5', '-6']) {
    for (const [index, password] of passwords.entries()) {
      const salt = 'abcdefgh12345678'.slice(0, scheme === '-1' ? 8 : 1 + (index % 16));
      const stored = execFileSync('openssl', ['passwd', scheme, '-salt', salt, '-stdin'], { input: `${password}\n`, encoding: 'utf8' }).trim();
      assert.equal(await compareStored(stored, password), 'same', stored);
      assert.equal(await compareStored(`{CRYPT}${stored}`, password), 'same');
      assert.equal(await compareStored(stored, `${password}x`), 'different', stored);
    }
  }
});

test('rounds are honoured: the published vectors', async () => {
  // Drepper, "Unix crypt using SHA-256 and SHA-512", test vectors.
  const vectors: readonly (readonly [string, string])[] = [
    ['$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8', 'Hello world!'],
    ['$5$rounds=10000$saltstringsaltst$3xv.VbSCBX41eDL9L3voGdBsBvYMN9hGJs3LqYXKHZ7', 'Hello world!'],
    ['$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1', 'Hello world!'],
    ['$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.', 'Hello world!'],
  ];
  const perl = (stored: string, password: string): string => execFileSync('openssl', ['passwd', `-${stored[1]}`, '-salt', stored.split('$').slice(2, -1).join('$'), password], { encoding: 'utf8' }).trim();
  for (const [stored, password] of vectors) assert.equal(await compareStored(stored, password), perl(stored, password) === stored ? 'same' : 'different', stored);
});

test('digest forms with and without salt', async () => {
  const digest = (algorithm: string, encoding: 'base64' | 'hex', text = 'secret'): string => hash(algorithm, text, encoding);
  const salted = Buffer.concat([hash('sha1', Buffer.from('secretpepper'), 'buffer'), Buffer.from('pepper')]).toString('base64');
  for (const stored of [`{MD5}${digest('md5', 'base64')}`, `{MD5RAW}${digest('md5', 'hex')}`, `{SHA}${digest('sha1', 'base64')}`, `{SHA256}${digest('sha256', 'base64')}`, `{SHA512}${digest('sha512', 'base64')}`, `{sha}${digest('sha1', 'base64')}`, `{SSHA}${salted}`, '{PLAIN}secret']) {
    assert.equal(await compareStored(stored, 'secret'), 'same', stored);
    for (const not of ['', 'Secret', 'secret ', 'secret\0']) assert.equal(await compareStored(stored, not), 'different', `${stored} ${not}`);
    assert.ok(isKnownForm(stored));
  }
});

test('forms that cost memory', async () => {
  const salt = Buffer.from('sixteen octets!!');
  const scrypt = `{SCRYPT}ln=10,r=8,p=1$${salt.toString('base64')}$${scryptSync('secret', salt, 32, { N: 1024, r: 8, p: 1 }).toString('base64')}`;
  const tag = argon2Sync('argon2id', { message: 'secret', nonce: salt, parallelism: 1, tagLength: 32, memory: 64, passes: 2 });
  const bare = (octets: Uint8Array): string => Buffer.from(octets).toString('base64').replace(/=+$/, '');
  const argon2 = `$argon2id$v=19$m=64,t=2,p=1$${bare(salt)}$${bare(tag)}`;
  for (const stored of [scrypt, argon2, `{ARGON2}${argon2}`]) {
    assert.equal(await compareStored(stored, 'secret'), 'same', stored);
    assert.equal(await compareStored(stored, 'Secret'), 'different', stored);
  }
  for (const greedy of [scrypt.replace('ln=10', 'ln=30'), scrypt.replace('p=1', 'p=99'), argon2.replace('m=64', 'm=99999999'), argon2.replace('t=2', 't=999'), `$6$rounds=999999999$salt$${'x'.repeat(86)}`]) {
    const answer = await compareStored(greedy, 'secret');
    assert.ok(typeof answer === 'object', `${greedy} would take the machine`);
  }
});

test('what only the system\'s crypt(3) knows is our trouble, a locked account nobody\'s', async () => {
  for (const stored of ['$y$j9T$salt$hash', '$2b$10$abcdefghijklmnopqrstuv', 'ab1234567890.', '{SSHA512}x']) {
    assert.ok(typeof (await compareStored(stored, 'x')) === 'object', stored);
    assert.ok(!isKnownForm(stored), stored);
  }
  for (const stored of ['', '!', '*', '!$6$a$b', 'x', '{CRYPT}', '{PLAIN}', '{SHA}', '{MD5RAW}', '{SSHA}', '$6$', '$1$']) assert.equal(await compareStored(stored, ''), 'different', stored);
});

test('no stored form and no password is the end of us', async () => {
  const stored = fc.oneof(fc.string(), fc.string().map((rest) => `{SCRYPT}${rest}`), fc.string().map((rest) => `$argon2id$${rest}`), fc.string().map((rest) => `$1$${rest}`), fc.string().map((rest) => `{SSHA}${rest}`));
  await fc.assert(fc.asyncProperty(stored, fc.string({ maxLength: 600 }), async (text, password) => void (await compareStored(text, password))), { numRuns: 200 });
});

test('half-way digests continue to what HMAC says', () => {
  fc.assert(
    fc.property(fc.constantFrom('md5' as const, 'sha1' as const, 'sha256' as const), fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 200 }), (digest, key, message) => {
      const context = hmacContext(digest, key, (long) => hash(digest, long, 'buffer'));
      assert.deepEqual(Buffer.from(hmacFromContext(digest, context, message)!), createHmac(digest, key).update(message).digest());
      assert.equal(hmacFromContext(digest, context.slice(1), message), null);
    }),
  );
});
