/** Our SASL client against Dovecot's server: mechanisms as others understand them. By IMAP, for Dovecot has that without a relay. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createSaslClient } from '../../src/kit/sasl/client.ts';
import { dovecotAbsent, openDovecot } from '../props/dovecot.ts';
import { within } from '../props/within.ts';

/** What the server says in the end. */
async function logIn(port: number, mechanism: string, password: string): Promise<{ readonly said: string; readonly doubt: string | null }> {
  const client = createSaslClient({ login: 'ada', password }, { offered: new Set([mechanism]), maySayPassword: true, host: 'imap.example', port });
  assert.ok(client !== null);
  const socket = connect(port, '127.0.0.1');
  const encode = (text: string) => Buffer.from(text).toString('base64');
  try {
    let begun = false;
    let initial = client.initial;
    for await (const line of createInterface({ input: socket })) {
      if (!begun) {
        begun = true;
        socket.write(`a AUTHENTICATE ${mechanism}\r\n`);
      } else if (line.startsWith('+')) {
        if (initial !== undefined) {
          socket.write(`${encode(initial)}\r\n`);
          initial = undefined;
          continue;
        }
        const answer = await client.answer(Buffer.from(line.slice(2), 'base64').toString());
        if (answer.kind === 'distrust') return { said: answer.why, doubt: answer.why };
        socket.write(`${encode(answer.text)}\r\n`);
      } else if (line.startsWith('a ')) return { said: line, doubt: client.doubt() };
    }
    return { said: 'the end', doubt: null };
  } finally {
    socket.destroy();
  }
}

test('each mechanism with a password that is not plain ASCII, right and wrong', { skip: dovecotAbsent(), timeout: 60_000 }, async t => {
  const { port } = await openDovecot(t, 'ada', 'päss wörd=,1');
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    const right = await within(10_000, mechanism, logIn(port, mechanism, 'päss wörd=,1'));
    assert.match(right.said, /^a OK/, mechanism);
    assert.equal(right.doubt, null, mechanism);
    const wrong = await within(10_000, mechanism, logIn(port, mechanism, 'pass word'));
    assert.match(wrong.said, /^a NO/, mechanism);
    assert.equal(wrong.doubt !== null, mechanism.startsWith('SCRAM'), mechanism);
  }
});
