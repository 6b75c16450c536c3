/** A queue on a disk that fills up: 452 long before the end, no crash, nothing acknowledged lost, and work goes on when there is room. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { boxFor } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';
import { dialSmtp, type Reply } from '../props/smtp-client.ts';
import { eventually } from '../props/within.ts';

/** 32 MiB that are gone with the test. */
function smallDisk(t: TestContext, folder: string): string {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m,mode=755', 'posthorn-test', disk]);
  t.after(() => execFileSync('umount', ['-l', disk]));
  return disk;
}

function mountAbsent(): string | false {
  return process.getuid?.() === 0 ? false : 'mounting a small disk needs root';
}

for (const [what, freespace] of [['the watermark', '8M'], ['the disk itself', '0']] as const) {
  test(`mail meets ${what}: 452, then goes on`, { skip: mountAbsent(), timeout: 180_000 }, async (t) => {
    const folder = scratchFor(t, 'disk-full');
    const disk = smallDisk(t, folder);
    const sink = await openSink({ keep: 'tokens', answer: ({ stage }) => (stage === 'greeting' ? '421 4.3.2 Closed today' : undefined) });
    t.after(() => sink.close());
    const box = await boxFor(t, { folder, nextHop: sink.port, files: { statedir: `${join(disk, 'state')}\n`, freespace: `${freespace}\n`, esmtpdelay: '0\n' } });
    await box.start();

    const accepted: string[] = [];
    let refusal: Reply | undefined;
    const client = await dialSmtp({ port: box.port });
    await client.hello();
    for (let number = 0; number < 1000 && refusal === undefined; number += 1) {
      const token = `full-${number}`;
      const answer = await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token, octets: number % 3 === 0 ? 150_000 : 20_000 }) });
      if (answer.code === 250) accepted.push(token);
      else refusal = answer;
    }
    assert.ok(refusal !== undefined, 'the disk never filled');
    assert.ok(refusal.code === 452 || (freespace === '0' && refusal.code === 451), refusal.text);
    assert.ok(box.running, 'the gateway lives');
    assert.ok(accepted.length > 20, `${accepted.length} messages fitted`);

    sink.obey(undefined);
    await box.run(['flush']);
    await sink.until(60_000, 'all that was accepted', () => accepted.every((token) => sink.tokens.has(token)));
    await eventually(20_000, 'room for mail', async () => {
      const again = await dialSmtp({ port: box.port });
      await again.hello();
      const answer = await again.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token: 'after', octets: 20_000 }) });
      await again.quit();
      return answer.code === 250;
    });
    await sink.until(20_000, 'mail accepted afterwards', () => sink.tokens.has('after'));
    await client.quit();
    assert.equal(await box.stop(), 0);
  });
}
