/** A way out that is there by signal: mail waits for it without a word, through a restart, and goes at once. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeFileSync } from 'node:fs';
import { boxFor } from '../../props/box.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

test('mail waits for its link, is seen to wait, and goes when the link comes up; the rest goes meanwhile', { timeout: 90_000 }, async (t) => {
  const far = await openSink();
  const near = await openSink();
  t.after(() => Promise.all([far.close(), near.close()]));
  const box = await boxFor(t, {
    nextHop: near.port,
    files: { esmtproutes: `.islands.example:[127.0.0.1],${far.port}\n:[127.0.0.1],${near.port}\n`, links: `satellite [127.0.0.1],${far.port}: signal\n`, retryalpha: '1s\n', warntime: '1s\n' },
  });
  await box.start();
  await post(box, { token: 'waits', to: ['bob@far.islands.example', 'eve@there.example'] });
  await near.arrival('waits', 20_000);
  const listed = await box.run(['mailq', '--why']);
  assert.match(listed.stdout, /done eve@there\.example/);
  assert.match(listed.stdout, /bob@far\.islands\.example\n\s+waits for the link satellite, which is down\n/);
  const status = await box.run(['link', 'status', 'satellite']);
  assert.deepEqual([status.code, /^satellite +down .* 1 waits {2}signal$/m.test(status.stdout)], [1, true], status.stdout);
  assert.match((await box.run(['queue', 'top', '--once'])).stdout, /^link satellite .* down /m);
  assert.match((await box.run(['queue', 'show', /^ *\S+ +(\S+)/.exec(listed.stdout)?.[1] ?? ''])).stdout, /waiting for the link satellite/);
  await box.run(['flush']);
  assert.equal(far.count, 0);

  // A restart changes nothing; a word said while nothing runs is heard at the next start.
  assert.equal(await box.stop(), 0);
  await box.start();
  assert.equal((await box.run(['link', 'status', 'satellite'])).code, 1);
  await post(box, { token: 'second', to: ['bob@far.islands.example'] });
  assert.equal(await box.stop(), 0);
  assert.match((await box.run(['link', 'up', 'satellite'])).stdout, /^No gateway runs: satellite is up when it starts\./);
  await box.start();
  await far.until(20_000, 'both', () => far.count === 2);
  assert.equal(near.count, 1);
  assert.equal(box.log.some((line) => line.event === 'report'), false, 'nobody was warned');

  // Down again: what comes now waits; a reload that takes the link away lets it go.
  assert.match((await box.run(['link', 'down', 'satellite'])).stdout, /^satellite is down\./);
  await post(box, { token: 'third', to: ['bob@far.islands.example'] });
  await box.logged('the word', (line) => line.event === 'link' && line['state'] === 'down');
  assert.equal(far.count, 2);
  writeFileSync(join(box.config, 'links'), '');
  assert.equal((await box.run(['restart'])).code, 0);
  await far.arrival('third', 20_000);
  assert.equal((await box.run(['link', 'up', 'satellite'])).code, 66);
});
