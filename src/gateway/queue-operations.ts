/** Operations over a store and an intake: what the control socket and the command line ask for. */
import type { Address, Origin, Recipient } from '../core/envelope.ts';
import type { Intake, Queued, RcptOptions } from '../core/intake.ts';
import type { Kernels } from '../core/kernels.ts';
import type { ListedMessage, LocalSubmission, Operations, QueueDesk } from '../core/operations.ts';
import type { LinkView } from '../core/links.ts';
import { isFinal, type Outcome } from '../core/outcome.ts';
import type { QueueEntry, Selection, StoredMessage } from '../core/queue-store.ts';
import { refuse, type Refusal } from '../core/status.ts';
import type { Router } from '../core/transport.ts';
import { parseAddress } from '../grammar/address.ts';
import { createLineEnds } from '../grammar/line-ends.ts';
import { createQueueDesk, type QueueDeskOptions } from './queue-desk.ts';
import { createWantedMessages } from './wanted-messages.ts';

export interface QueueOperationsOptions extends QueueDeskOptions {
  readonly intake: Intake;
  readonly kernels: Kernels;
  /** Flushing does more in a running gateway: next hops in trouble are forgiven. */
  readonly flush?: (which: Selection) => Promise<number>;
}

export function createQueueOperations(options: QueueOperationsOptions): Pick<Operations, 'list' | 'order' | 'summary' | 'submit' | 'links' | 'orderLink' | keyof QueueDesk> {
  const { store, clock, links } = options;
  const wanted = createWantedMessages(store, options.router);
  return {
    async *list(which) {
      const someDown = links.views().some(({ state }) => state === 'down');
      for await (const entry of wanted.list(which)) yield listed(entry, someDown ? await downLinks(entry.message, options.router, links) : NOBODY);
    },
    async order(which, order) {
      const now = clock.now();
      let obeyed = 0;
      for await (const selection of wanted.selections(which)) {
        if (order === 'flush' && options.flush !== undefined) obeyed += await options.flush(selection);
        else obeyed += await store.order(selection, typeof order === 'string' ? { kind: order, now } : { kind: 'cancel', now, reason: order.cancel });
      }
      return obeyed;
    },
    links: () => countWaiting(options),
    orderLink: (name, word) => links.order(name, word),
    ...createQueueDesk(options),
    summary: async () => store.summary(),
    submit: submission => submit(options, submission),
  };
}

/** One look at the queue, where any link is down. */
async function countWaiting({ store, router, links }: QueueOperationsOptions): Promise<readonly LinkView[]> {
  const views = links.views();
  if (!views.some(({ state }) => state === 'down')) return views;
  const waiting = new Map<string, number>();
  for await (const { message } of store.list('all')) {
    for (const name of new Set((await downLinks(message, router, links)).values())) waiting.set(name, (waiting.get(name) ?? 0) + 1);
  }
  return views.map(view => (view.state === 'up' ? view : { ...view, waiting: waiting.get(view.name) ?? 0 }));
}

/** The links that pending recipients wait for. */
async function downLinks({ recipients, envelope }: StoredMessage, router: Router, links: QueueOperationsOptions['links']): Promise<ReadonlyMap<Recipient['id'], string>> {
  const found = new Map<Recipient['id'], string>();
  for (const recipient of recipients) {
    if (recipient.outcome !== undefined && isFinal(recipient.outcome)) continue;
    const route = await router.route(recipient, envelope);
    const down = route.kind === 'route' ? links.down(route) : null;
    if (down !== null) found.set(recipient.id, down.name);
  }
  return found;
}

function listed({ message, due, state, why }: QueueEntry, waitFor: ReadonlyMap<Recipient['id'], string>): ListedMessage {
  const { envelope } = message;
  return {
    id: message.id, sizeOctets: message.facts.sizeOctets + message.trace.length, acceptedAt: message.acceptedAt, due, state,
    ...(why === undefined ? {} : { why }),
    owner: envelope.origin.login ?? envelope.origin.source,
    reversePath: envelope.reversePath ?? '',
    attempts: message.attempts,
    recipients: message.recipients.map(({ id, address, outcome }) => {
      const link = waitFor.get(id);
      return { address, status: statusOf(outcome), ...(outcome?.said === undefined ? {} : { said: saidBy(outcome) }), ...(link === undefined ? {} : { link }) };
    }),
  };
}

const NOBODY: ReadonlyMap<Recipient['id'], string> = new Map();

function statusOf(outcome: Outcome | undefined): 'done' | 'fail' | '' {
  if (outcome === undefined || outcome.kind === 'deferred') return '';
  return outcome.kind === 'failed' ? 'fail' : 'done';
}

function saidBy({ status, said }: Outcome): string {
  return `${status} ${said?.remoteMta === undefined ? '' : `${said.remoteMta}: `}${said?.text ?? ''}`;
}

async function submit({ intake, kernels, clock }: QueueOperationsOptions, submission: LocalSubmission): Promise<Pick<Queued, 'kind' | 'id'> | Refusal> {
  const reversePath = submission.reversePath === '' ? null : parseAddress(submission.reversePath);
  if (reversePath === null && submission.reversePath !== '') return refuse('badSenderAddress', { text: `Bad sender ${submission.reversePath}` });
  const { uucp } = submission;
  const origin: Origin = { source: uucp === undefined ? 'local' : 'uucp', protocol: uucp?.protocol ?? 'local', ...(uucp === undefined ? {} : { helo: uucp.machine }), login: submission.owner, relayClient: '', at: clock.now() };
  const transaction = await intake.open(origin);
  if (transaction.kind === 'refused') return transaction;
  const mail = await transaction.mail(reversePath, {
    ...(submission.ret === undefined ? {} : { ret: submission.ret }), ...(submission.envid === undefined ? {} : { envid: submission.envid }),
    ...(submission.security === undefined ? {} : { security: submission.security }),
    ...(submission.requireTls === undefined ? {} : { requireTls: submission.requireTls }),
    ...(submission.verp === undefined || reversePath === null ? {} : { verp: submission.verp }),
    smtputf8: [submission.reversePath, ...submission.recipients].some(text => /[^\0-\x7f]/.test(text)),
  });
  if (mail.kind === 'refused') return mail;
  const everyone: RcptOptions = submission.notify === undefined ? {} : { notify: submission.notify };
  const named = new Set<string>();
  for (const [at, text] of submission.recipients.entries()) {
    if (named.has(text)) continue;
    named.add(text);
    const address: Address | null = parseAddress(text);
    const verdict = address === null ? refuse('badRecipientAddress', { text: `Bad recipient ${text}` }) : await transaction.rcpt(address, submission.wishes?.[at] ?? everyone);
    if (verdict.kind === 'refused') {
      transaction.abort();
      return { ...verdict, text: `${verdict.text}: ${text}` };
    }
  }
  const writer = await transaction.data();
  if (writer.kind === 'refused') return writer;
  const scan = kernels.openScan();
  const lineEnds = createLineEnds();
  try {
    for await (const chunk of submission.content) {
      const octets = lineEnds.feed(chunk);
      scan.feed(octets);
      await writer.write(octets);
    }
  } catch (error) {
    transaction.abort();
    scan.facts(); // closes the scan
    throw error;
  }
  return writer.end(scan.facts());
}
