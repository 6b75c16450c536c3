/**
 * Peers that fall silent, hang up or die at each step. Whatever they do, the message stays queued and is deferred, never
 * bounced; mail for others is not held up; and when they come back the message arrives.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boxFor } from '../props/box.ts';
import { messageText } from '../props/messages.ts';
import { hangUp, openSink, silence, type Stage } from '../props/sink.ts';
import { dialSmtp } from '../props/smtp-client.ts';

const impatient = {
  esmtptimeoutconnect: '1s\n', esmtptimeouthelo: '1s\n', esmtptimeout: '1s\n', esmtptimeoutdata: '1s\n', esmtptimeoutquit: '1s\n', esmtpdelay: '0\n',
  retryalpha: '1s\n', retrygamma: '1s\n',
};
const stages: readonly Stage[] = ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'end'];

for (const [manner, said] of [['falls silent', silence], ['hangs up', hangUp]] as const) {
  describe(`a next hop that ${manner}`, () => {
    for (const stage of stages) {
      test(`at ${stage}: deferred, others pass, delivered when it is back`, { timeout: 60_000 }, async (t) => {
        const ill = await openSink({ answer: (asked) => (asked.stage === stage ? said : undefined) });
        const well = await openSink();
        t.after(() => Promise.all([ill.close(), well.close()]));
        const box = await boxFor(t, { files: { ...impatient, esmtproutes: `ill.example:[127.0.0.1],${ill.port}\n:[127.0.0.1],${well.port}\n` } });
        await box.start();
        const client = await dialSmtp({ port: box.port });
        await client.hello();
        for (const [token, domain] of [['patient', 'ill.example'], ['quick', 'well.example']] as const) {
          assert.equal((await client.send({ from: 'a@posthorn.example', to: [`b@${domain}`], content: messageText({ token }) })).code, 250);
        }
        await well.arrival('quick');
        const line = await box.logged('the deferral', (one) => one.event === 'delivery' && one['status'] === 'deferred');
        assert.match(JSON.stringify(line), /b@ill\.example/);
        ill.obey(undefined);
        await box.run(['flush']);
        const arrival = await ill.arrival('patient');
        assert.deepEqual(arrival.recipients, ['b@ill.example']);
        assert.equal(well.arrivals.length, 1, 'no report was sent: a deferral is no failure');
        await client.quit();
        assert.equal(await box.stop(), 0);
      });
    }
  });
}

const steps = ['', 'EHLO half', 'EHLO client.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.ex'] as const;
const inData = 'EHLO client.example\r\nMAIL FROM:<a@x.example>\r\nRCPT TO:<b@y.example>\r\nDATA\r\nX-Token: half\r\n\r\nhalf a mess';

for (const [what, halves, stopMs] of [['in the middle of a command', steps, 10_000], ['in the middle of its data', [inData], 45_000]] as const) {
  test(`a client that stops ${what}, or vanishes there, holds nobody up and leaves nothing behind`, { timeout: 90_000 }, async (t) => {
    const sink = await openSink();
    t.after(() => sink.close());
    const box = await boxFor(t, { nextHop: sink.port });
    await box.start();
    for (const half of halves) {
      const silent = await dialSmtp({ port: box.port });
      silent.write(half);
      const vanishing = await dialSmtp({ port: box.port });
      vanishing.write(half);
      vanishing.vanish();
    }
    const client = await dialSmtp({ port: box.port });
    await client.hello();
    assert.equal((await client.send({ from: 'a@x.example', to: ['b@y.example'], content: messageText({ token: 'whole' }) })).code, 250);
    await sink.arrival('whole');
    await client.quit();
    // The end waits a while for what is on the wire, not for ever.
    assert.equal(await box.stop(stopMs), 0);
    assert.equal(sink.count, 1);
  });
}

test('the reply to the final dot is lost: sent again, and said to be uncertain', { timeout: 60_000 }, async (t) => {
  let took = 0;
  const sink = await openSink({
    answer: ({ stage }) => {
      if (stage !== 'end') return undefined;
      took += 1;
      return took === 1 ? hangUp : undefined;
    },
  });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files: impatient });
  await box.start();
  const client = await dialSmtp({ port: box.port });
  await client.hello();
  await client.send({ from: 'a@posthorn.example', to: ['b@y.example'], content: messageText({ token: 'twice' }) });
  await client.quit();
  const line = await box.logged('the deferral', (one) => one.event === 'delivery' && one['status'] === 'deferred');
  assert.equal(line['uncertain'], true, JSON.stringify(line));
  await box.run(['flush']);
  await sink.arrival('twice');
  assert.equal(await box.stop(), 0);
});
