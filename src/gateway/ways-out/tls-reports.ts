/** TLS reports of this gateway: counts in the state folder, letters by its own intake, as `tlsreports` says. */
import { join } from 'node:path';
import type { Chance, Clock } from '../../core/clock.ts';
import type { Intake } from '../../core/intake.ts';
import type { Kernels } from '../../core/kernels.ts';
import type { Log } from '../../core/log.ts';
import type { TlsJournal, TlsResults } from '../../core/tls.ts';
import { fromField, queueLetter } from '../../flow/report/index.ts';
import { openReportDuty, openTlsCollection, type ReportTerms } from '../../flow/tls-report/index.ts';
import { parseAddress } from '../../grammar/address.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import { openHttpClient } from '../../kit/net/http-client.ts';
import type { Resolver } from '../../kit/dns/resolver.ts';
import { addressesOf } from '../name-service.ts';
import { proxyOf } from './route-plan.ts';
import type { Rules } from '../rules.ts';

export interface TlsReportDesk {
  readonly journal: TlsJournal;
  /** The days' results, the newest last. */
  results(): readonly TlsResults[];
  /** From now on reports are sent or written. */
  begin(rooms: { readonly intake: Intake; readonly resolver: Resolver }): void;
  close(): Promise<void>;
}

interface Rooms {
  readonly kernels: Pick<Kernels, 'openScan'>;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
}

export function openTlsReportDesk(rules: () => Rules, { kernels, clock, chance, log }: Rooms): TlsReportDesk {
  const collection = openTlsCollection({ folder: folderOf(rules()), clock, log });
  const opened: { close(): Promise<void> }[] = [];

  function terms(): ReportTerms {
    const { names, reports, client: { tlsReports } } = rules().configuration;
    const me = asciiDomain(names.me) ?? names.me;
    const contact = tlsReports.contact ?? `postmaster@${me}`;
    return { reporter: { organization: tlsReports.organization ?? names.me, contact, me }, from: fromField(names.me, reports.from), send: tlsReports.collect && tlsReports.send, folder: tlsReports.collect ? tlsReports.folder : null };
  }

  async function post(intake: Intake, to: string, content: Buffer): Promise<boolean> {
    const address = parseAddress(to);
    if (address === null) return false;
    // Should it not arrive, that is no news to anybody here.
    const queued = await queueLetter(intake, kernels, { origin: { source: 'dsn', protocol: 'tlsrpt', at: clock.now() }, to: address, mail: { body: '7bit' }, rcpt: { notify: 'never' }, pieces: () => [content] });
    return queued.kind === 'queued';
  }

  return {
    journal: {
      note(session) {
        if (rules().configuration.client.tlsReports.collect) collection.note(session);
      },
    },
    results: () => collection.days().flatMap(day => collection.results(day)),
    begin({ intake, resolver }) {
      // Strangers say where reports go.
      const http = openHttpClient({ clock, proxy: () => proxyOf(rules().configuration.client, undefined), lookUp: host => addressesOf(resolver, host), connections: 1, privateAddresses: 'refused' });
      opened.push(http, openReportDuty({ collection, resolver, http, terms, clock, chance, log, post: (to, content) => post(intake, to, content) }));
    },
    async close() {
      for (const one of opened) await one.close();
      await collection.close();
    },
  };
}

/** What an earlier run, or the running gateway's last minute, left on disk. */
export function readTlsResults(rules: Pick<Rules, 'configuration'>, clock: Clock, log: Log): readonly TlsResults[] {
  const collection = openTlsCollection({ folder: folderOf(rules), clock, log, everyMs: 2 ** 31 });
  void collection.close();
  return collection.days().flatMap(day => collection.results(day));
}

function folderOf({ configuration }: Pick<Rules, 'configuration'>): string {
  return join(configuration.stateFolder, 'tls-reports');
}
