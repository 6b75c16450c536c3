/** Fax for the gateway and its commands: the configuration made into a plan, and fax addresses before all others. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Configuration } from '../../configuration.ts';
import type { Clock } from '../../core/clock.ts';
import type { FaxLine } from '../../core/fax.ts';
import type { FaxKernels, MimeKernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { Failed } from '../../core/outcome.ts';
import type { Router } from '../../core/transport.ts';
import { createPageMaker, createProof, openFaxTransport, type CallPlan, type Dialled, type FaxTransport, type Proof } from '../../flow/transport/fax/index.ts';
import { domainOf, unquotedLocalPart } from '../../grammar/address.ts';
import type { FaxOptions } from '../../grammar/fax/fax-address.ts';
import { dialFax, type DialledFax } from '../../grammar/fax/dial-fax.ts';
import { openKernels } from '../../kit/wasm/kernels.ts';
import type { Address } from '../../core/envelope.ts';

export interface FaxRooms {
  readonly line: FaxLine;
  readonly kernels: MimeKernels & FaxKernels;
  readonly clock: Clock;
  readonly log: Log;
}

export function openFax(configuration: () => Configuration, { line, kernels, clock, log }: FaxRooms): FaxTransport {
  return openFaxTransport({
    line, clock, log,
    plan: () => planOf(configuration()),
    dial: ({ address }) => dialledFor(configuration(), address, null),
    pages: createPageMaker(kernels),
    folder: join(configuration().stateFolder, 'fax'),
  });
}

/** Where no modem is configured. */
export const noFaxLine: FaxLine = {
  name: 'none',
  lines: 1,
  send: () => Promise.resolve({ end: { kind: 'unavailable', why: 'absent' }, pagesConfirmed: 0, lastPageUncertain: false, durationMs: 0, said: 'no modem is configured' }),
  close: () => Promise.resolve(),
};

/** Mail that nobody could refuse at the door, a UUCP job's, meets the rules here. */
export function faxFirst(configuration: () => Configuration, others: Router): Router {
  return {
    route(to, envelope) {
      if (!configuration().fax.enabled) return others.route(to, envelope);
      const { source } = envelope.origin;
      const dialled = dialFax(configuration().fax, unquotedLocalPart(to.address), domainOf(to.address), source === 'uucp' ? source : null);
      if (dialled === null) return others.route(to, envelope);
      return dialled.kind === 'dial' ? { kind: 'route', transport: 'fax', nexthop: dialled.number } : { kind: 'settled', outcome: failureOf(dialled) };
    },
  };
}

function dialledFor({ fax }: Configuration, address: Address, source: 'uucp' | null): Dialled {
  const dialled = fax.enabled ? dialFax(fax, unquotedLocalPart(address), domainOf(address), source) : null;
  if (dialled?.kind === 'dial') return dialled;
  return { kind: 'refused', outcome: dialled === null ? { kind: 'failed', status: '5.1.2', said: { type: 'x-fax', text: 'No fax is sent from here any more' } } : failureOf(dialled) };
}

function failureOf({ reason }: Extract<DialledFax, { kind: 'refused' }>): Failed {
  const blocked = reason === 'blocked';
  return { kind: 'failed', status: blocked ? '5.7.1' : '5.1.1', said: { type: 'x-fax', text: blocked ? 'This number is not called from here' : 'Invalid fax phone number' } };
}

function planOf({ fax, queue }: Configuration): CallPlan {
  return { ...fax, queueTimeMs: queue.faxQueueTimeMs };
}

/** For `posthorn fax render`: what would be sent, without a line. */
export async function proofOf(configuration: Configuration, file: string, request: { readonly number: string; readonly options: FaxOptions }, signal: AbortSignal): Promise<Proof> {
  const octets = Buffer.from((await readFile(file)).toString('latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1');
  return createProof(createPageMaker(openKernels()), { octets: [octets], ...request, plan: planOf(configuration), at: Date.now() }, signal);
}
