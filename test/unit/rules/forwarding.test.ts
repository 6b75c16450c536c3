/** A copy that a dot file sends on: once, however often its message is tried, and no less safely than that was to travel. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Address, MessageId, Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import type { Intake, MailOptions, OpenOptions } from '../../../src/core/intake.ts';
import type { Copy } from '../../../src/flow/transport/local/index.ts';
import { forwardCopy } from '../../../src/gateway/ways-out/forwarding.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { openKernels } from '../../../src/kit/wasm/kernels.ts';
import { createHandClock } from '../../props/hand-clock.ts';
import { contentOf, jobTo, localDesk } from '../../props/local-desk.ts';
import { scratchFor } from '../../props/scratch.ts';

const clock = createHandClock();
const copy: Copy = { id: '660C3C5CA36C8.91A89F9F' as MessageId, recipient: parseAddress('ann@here.example') as Address, sender: 'bob@there.example', content: contentOf('Subject: x\r\n\r\nHello.\r\n') };

interface Heard {
  readonly origin: Origin;
  readonly options: OpenOptions | undefined;
  readonly mail: MailOptions;
}

async function forwarded(own: Partial<Copy> = {}, addresses = ['far@there.example'], queued: readonly string[] = []): Promise<Heard | null> {
  const heard: Heard[] = [];
  const intake: Intake = {
    open: (origin, options) => ({
      kind: 'open',
      mail: (_, mail) => {
        heard.push({ origin, options, mail });
        return { kind: 'taken' };
      },
      rcpt: () => ({ kind: 'taken' }),
      data: () => ({ kind: 'writer', write: () => undefined, end: () => Promise.resolve({ kind: 'queued', id: copy.id, refused: new Map() }) }),
      abort: () => undefined,
    }),
  };
  assert.equal((await forwardCopy({ store: { queuedUnder: key => (queued.includes(key) ? copy.id : null) }, intake, kernels: openKernels(), clock }, addresses, { ...copy, ...own })).kind, 'queued');
  return heard[0] ?? null;
}

test('what was demanded of the message is demanded of the copy (RFC 8689 §6, courier-core 1.6)', async () => {
  assert.deepEqual((await forwarded())?.mail, { body: '7bit', smtputf8: false });
  assert.deepEqual((await forwarded({ security: 'starttls', requireTls: true, virtualHost: 'second.example' }))?.mail, { body: '7bit', smtputf8: false, security: 'starttls', requireTls: true });
});

test('one forward of one message for one recipient has one key, and it ends with the message', async () => {
  const keyOf = async (...words: Parameters<typeof forwarded>) => (await forwarded(...words))?.options?.idempotencyKey ?? '';
  assert.equal(await keyOf(), await keyOf());
  assert.ok((await keyOf()).startsWith(`${copy.id}:`));
  const others = [await keyOf(), await keyOf({}, ['else@there.example']), await keyOf({ recipient: parseAddress('tim@here.example') as Address }), await keyOf({ id: '660C3C5CA36C9.91A89F9F' as MessageId })];
  assert.equal(new Set(others).size, 4);
  assert.equal(await forwarded({}, undefined, [await keyOf()]), null, 'no filter is asked about what went already');
});

test('a dot file\'s forward is handed the demands and the id of its message', async (t: TestContext) => {
  const copies: Copy[] = [];
  const desk = localDesk(scratchFor(t, 'forwarding'), { forward: (_, one) => { copies.push(one); return Promise.resolve({ kind: 'queued' }); }, log: silent });
  desk.write('ann/.courier', '&far@there.example\n');
  const job = jobTo(['ann@gate.example'], copy.content);
  await desk.deliver({ ...job, envelope: { ...job.envelope, security: 'starttls', requireTls: true } });
  await desk.deliver(job);
  assert.deepEqual(copies.map(({ id, security, requireTls }) => [id, security, requireTls]), [[job.id, 'starttls', true], [job.id, undefined, undefined]]);
});
