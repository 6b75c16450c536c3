/** A site that is reached by a program: as nncp-exec is, but here the program carries the message to a second gateway. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxFor } from '../../props/box.ts';
import { messageText } from '../../props/messages.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const entry = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

test('by words and by batched SMTP, and an exit status that is the recipient\'s', { timeout: 120_000 }, async t => {
  const sink = await openSink();
  t.after(() => sink.close());
  const far = await boxFor(t, { nextHop: sink.port, files: { me: 'far.example\n', locals: 'far.example\n', uucpneighbors: 'near\n' } });
  const carrier = join(far.folder, 'nncp-exec');
  writeFileSync(carrier, `#!/bin/sh\n[ "$1" = -quiet ] && shift\nnode=$1; shift\n[ "$node" = far ] || { echo "unknown node $node" >&2; exit 68; }\nUU_MACHINE=near UU_USER=nncp exec '${process.execPath}' '${entry}' --config '${far.config}' "$@"\n`);
  chmodSync(carrier, 0o755);
  const near = await boxFor(t, {
    nextHop: sink.port,
    files: {
      pipes: `nncp recipients=5: ${carrier} -quiet {nexthop} rmail -f {sender} -- {recipients}\nbatch input=bsmtp: ${carrier} {nexthop} rsmtp\n`,
      piperoutes: 'boat.example nncp far\nisland.example batch far\nlost.example nncp nowhere\n',
    },
  });
  await far.start();
  await near.start();
  for (const [token, domain] of [['words', 'boat.example'], ['batch', 'island.example']] as const) {
    const content = messageText({ token });
    await post(near, { token, from: 'ada@sender.example', to: [`bob@${domain}`, `-oQ@${domain}`], content });
    const arrival = await sink.arrival(token);
    assert.equal(arrival.reversePath, 'ada@sender.example');
    assert.ok(arrival.content.toString().endsWith(content));
    await sink.until(20_000, 'both recipients', () => sink.arrivals.filter(one => one.token === token).flatMap(one => one.recipients).length === 2);
  }
  await post(near, { token: 'lost', from: 'ada@sender.example', to: ['bob@lost.example'] });
  await sink.until(20_000, 'the report', () => sink.arrivals.some(one => one.reversePath === ''));
  assert.match(sink.arrivals.find(one => one.reversePath === '')?.content.toString() ?? '', /Status: 5\.1\.2\r\n[^]*unknown node nowhere/);
});
