import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silent } from '../../src/core/log.ts';
import { createLocalTransport } from '../../src/flow/transport/local/index.ts';
import { localPart } from '../../src/grammar/address.ts';
import { at, openEsmtpBox } from '../props/esmtp-box.ts';
import { openFaxBox } from '../props/fax-box.ts';
import { createScriptedFaxLine } from '../props/scripted-fax-line.ts';
import { usualSettings } from '../props/local-desk.ts';
import { mailboxesOn, stillClock } from '../props/mailbox-desk.ts';
import { scratchFolder } from '../props/scratch-folder.ts';
import { openScriptedPeer, say, silence } from '../props/scripted-peer.ts';
import { openScriptedTransport, relayed } from '../props/scripted-transport.ts';
import { transportContract } from './transport.ts';

transportContract('local', t => {
  const folder = scratchFolder('contract');
  const home = (name: string, text: string) => {
    mkdirSync(join(folder, name), { mode: 0o700 });
    writeFileSync(join(folder, name, '.courier'), text);
    return { home: join(folder, name) };
  };
  const withHome = new Map([['deferred', home('deferred', '| exit 75\n')], ['held', home('held', '| sleep 600\n')]]);
  const transport = createLocalTransport({
    name: 'local', folder: join(folder, 'mailboxes'), clock: stillClock, log: silent, settings: () => usualSettings, mailboxes: mailboxesOn(),
    accounts: {
      name: 'everybody', verify: () => Promise.resolve({ kind: 'rejected' }),
      find: login => Promise.resolve(login === 'failed' ? { kind: 'rejected' } : { kind: 'accepted', account: { login, options: new Map(), ...withHome.get(login) } }),
    },
  });
  t.after(() => transport.close());
  return Promise.resolve({ transport, nexthop: 'there.example' });
});

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
