/** A whole box killed with mail in its journal: the commands see it at once, without a gateway, and the next one delivers it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink, silence } from '../props/sink.ts';
import { dialSmtp } from '../props/smtp-client.ts';
import { eventually } from '../props/within.ts';

for (const first of ['a command', 'the next gateway'] as const) {
  test(`mail that was in the journal when the gateway was killed is found by ${first}, and delivered`, { timeout: 120_000 }, async (t) => {
    const folder = scratchFor(t, 'journal-kill');
    let quiet = true;
    const sink = await openSink({ keep: 'tokens', answer: ({ stage }) => (quiet && stage === 'end' ? silence : undefined) });
    t.after(() => sink.close());
    const box = await boxFor(t, { folder, nextHop: sink.port });
    await box.start();
    const client = await dialSmtp({ port: box.port });
    await client.hello();
    const journals = join(folder, 'state', 'queue', 'journal');
    let sent = 0;
    await eventually(20_000, 'a message in the journal', async () => {
      const token = `letter-${++sent}`;
      const answer = await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token, octets: 2000 }) });
      assert.equal(answer.code, 250, answer.text);
      return readdirSync(journals).some((name) => readFileSync(join(journals, name)).includes(token));
    });
    await box.kill();
    if (first === 'a command') {
      const { stdout } = await box.run(['mailq']);
      assert.match(stdout, new RegExp(`^${sent} messages?\\.`, 'm'));
    }
    quiet = false;
    await box.start();
    if (first === 'the next gateway') {
      const recovered = box.log.findLast((line) => line['what'] === 'recovered');
      assert.ok(Number(recovered?.['journal']) > 0, JSON.stringify(recovered));
    }
    await box.run(['flush']);
    for (let n = 1; n <= sent; n++) await sink.until(20_000, `letter ${n}`, () => sink.tokens.has(`letter-${n}`));
    assert.equal(await box.stop(), 0);
  });
}
