/** What pages are made of. A page is one file in pages/: where it is, how it is called, how it is drawn. */
import type { LinkView } from '../../core/links.ts';
import type { DeviceReport, NexthopView, RecentEvent } from '../../core/operations.ts';
import type { PageRequest } from '../../core/pages.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { QueueStore } from '../../core/queue-store.ts';
import type { Html } from '../../kit/html.ts';
import type { History } from './history.ts';
import type { Survey } from './survey.ts';
import type { Traffic } from './traffic.ts';

export interface View {
  /** What this box is called. */
  me(): string;
  readonly version: string;
  readonly startedAt: number;
  now(): number;
  readonly queue: Pick<QueueStore, 'get' | 'list' | 'summary'>;
  readonly history: History;
  readonly traffic: Pick<Traffic, 'nextHops'>;
  /** Next hops that are being delivered to, waited for, or left alone now. */
  lanes(): readonly NexthopView[];
  /** Ways out that are not always there. */
  links(): readonly LinkView[];
  survey(): Promise<Survey>;
  devices(): DeviceReport;
  /** Events of messages, oldest first; of one message when `id` is given. */
  recent(id?: string): readonly RecentEvent[];
  /** The last lines of the log, oldest first. */
  lines(): readonly LoggedLine[];
  configuration(): ShownConfiguration;
  troubles(): readonly string[];
  /** What somebody should look at, though mail flows. */
  alarms(): readonly string[];
  listeners(): readonly { readonly kind: string; readonly host: string; readonly port: number }[];
}

export interface LoggedLine extends RecentEvent {
  readonly level: 'info' | 'warn' | 'error';
}

export interface ShownConfiguration {
  readonly folder: string;
  readonly stateFolder: string;
  /** Secrets are left out already. */
  readonly settings: readonly { readonly name: string; readonly value: string; readonly source: string }[];
  readonly notices: readonly { readonly file: string; readonly what: string }[];
}

export interface Page {
  /** The first part of the path; '' is the start page. */
  readonly path: string;
  /** In the navigation; absent: not in it. */
  readonly name?: string;
  /** Absent: always in the navigation. */
  shown?(view: View): boolean;
  /** Seconds between two looks; absent: it does not change by itself. */
  readonly refresh?: number;
  /** Null: there is no such page below this path. */
  draw(request: PageRequest, view: View): Awaitable<Drawn | null>;
}

export interface Drawn {
  readonly title: string;
  readonly main: Html;
  readonly status?: number;
  /** Under which name of the navigation it belongs, when it is not in it itself. */
  readonly under?: string;
}
