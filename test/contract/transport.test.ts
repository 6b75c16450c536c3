import { localPart } from '../../src/grammar/address.ts';
import { at, openEsmtpBox } from '../props/esmtp-box.ts';
import { openFaxBox } from '../props/fax-box.ts';
import { createScriptedFaxLine } from '../props/scripted-fax-line.ts';
import { openScriptedPeer, say, silence } from '../props/scripted-peer.ts';
import { openScriptedTransport, relayed } from '../props/scripted-transport.ts';
import { transportContract } from './transport.ts';

transportContract('scripted', t => {
  const transport = openScriptedTransport({
    answer: ({ address }) => {
      const local = localPart(address);
      if (local === 'deferred') return { kind: 'deferred', status: '4.2.0', blame: 'recipient' };
      if (local === 'failed') return { kind: 'failed', status: '5.1.1' };
      return local === 'held' ? new Promise(() => undefined) : relayed;
    },
  });
  t.after(() => transport.close());
  return Promise.resolve({ transport, nexthop: 'there.example' });
});

for (const extensions of [['PIPELINING'], []]) {
  transportContract(`esmtp${extensions.length > 0 ? ' with PIPELINING' : ''}`, async t => {
    const peer = await openScriptedPeer({
      extensions,
      act: ({ step, line }) => {
        if (step !== 'rcpt') return undefined;
        if (line.includes('<deferred@')) return say('450 4.2.0 Later');
        if (line.includes('<failed@')) return say('550 5.1.1 Never');
        return line.includes('<held@') ? silence : undefined;
      },
    });
    const box = openEsmtpBox(at(peer));
    t.after(async () => {
      await peer.close();
      await box.close();
    });
    return { transport: box.transport, nexthop: 'there.example' };
  });
}

transportContract('fax', t => {
  const line = createScriptedFaxLine(({ number }) => {
    if (number === 'deferred') return { end: { kind: 'busy' } };
    if (number === 'failed') return { end: { kind: 'hangup', code: 21 } };
    return number === 'held' ? { held: true } : undefined;
  });
  const { transport } = openFaxBox({ line, plan: { queueTimeMs: Number.MAX_SAFE_INTEGER, busyDelaysMs: [3_600_000] } });
  t.after(() => transport.close());
  // In the contract all messages have one id; in a queue no two have.
  let messages = 0;
  const deliver: typeof transport.deliver = (job, signal) => transport.deliver({ ...job, id: `${job.id}-${messages++}` as typeof job.id }, signal);
  return Promise.resolve({ transport: { name: 'fax', limits: transport.limits, deliver, close: () => transport.close() }, nexthop: 'there.example' });
});
