/** A job from its recipes to its end: variables, the interpreter's turns, the default mailbox, the exit code. */
import { hostname } from 'node:os';
import type { Clock } from '../../core/clock.ts';
import type { Mailboxes } from '../../core/mailbox.ts';
import type { Maildrop, MaildropEnd, MaildropJob } from '../../core/maildrop.ts';
import { isTrue, parseNumber } from '../../grammar/maildrop/numbers.ts';
import { parseMailboxes } from '../../grammar/maildrop/addresses.ts';
import { Interpreter, type Ending } from './interpreter.ts';
import { createJobWorld, type JobWorld } from './job-world.ts';
import { openMessage, type Message } from './message.ts';
import { createQuotaWarning } from './quota-warning.ts';
import { createPatterns } from './patterns.ts';
import { findRecipes } from './recipe-files.ts';
import { createRecipes } from './recipes.ts';
import { TRY_LATER, type Turn } from './turn.ts';

export interface MaildropOptions {
  readonly mailboxes: Mailboxes;
  readonly clock: Clock;
  /** The operator's recipe, before everybody's own. */
  readonly systemRecipe: string;
  /** Recipes below it may do everything, whoever includes them. */
  readonly trustedFolder: string;
  readonly sendmail: string;
  /** The watchdog. */
  readonly limitMs?: number;
}

const LIMIT_MS = 300_000;
const LOCALE = /^(?:LANG|LANGUAGE|LC_.*)$/;
const PATH = '/usr/local/bin:/usr/bin:/bin';

export function createMaildropJobs(options: MaildropOptions): Maildrop {
  const patterns = createPatterns();
  const recipes = createRecipes();
  return {
    async run(job, outer) {
      const watchdog = new AbortController();
      const timer = setTimeout(() => watchdog.abort(), options.limitMs ?? LIMIT_MS);
      const signal = AbortSignal.any([outer, watchdog.signal]);
      try {
        return await runJob(job, signal);
      } catch (error) {
        job.complain(error instanceof Error ? error.message : String(error));
        return { code: TRY_LATER, delivered: false };
      } finally {
        clearTimeout(timer);
      }
    },
    warnIfFull: (maildir, { percent, template }, signal) => createQuotaWarning(percent, template, options.clock).look(maildir, message => options.mailboxes.deliver(maildir, message, signal)),
  };

  async function runJob(job: MaildropJob, signal: AbortSignal): Promise<MaildropEnd> {
    const found = await findRecipes(job, options.systemRecipe);
    if (found.kind === 'unsafe') {
      job.complain(found.why);
      return { code: TRY_LATER, delivered: false };
    }
    const embedded = job.recipe.kind === 'named' || ('embedded' in job.recipe && job.recipe.embedded);
    if (embedded && found.files.length === 0) return { code: 0, delivered: false, unasked: true };
    const message = await openMessage(job.fields ?? [], job.content());
    const initial = initialVariables(job);
    const variables = new Map([...imported(job, embedded), ...initial, ...messageVariables(message, job)]);
    const world = createJobWorld({ ...options, job, message, signal, verbosity: () => verbosityOf(job, variables) });
    try {
      for (const { name, text } of found.files) {
        variables.set('MAILFILTER', name);
        const interpreter = new Interpreter({ world, variables, original: job.environment, embedded, trusted: options.trustedFolder, initial, patterns, recipes });
        const ending = await drive(interpreter.run(name, text));
        if (ending.kind !== 'end') return endOf(ending, variables, job);
      }
      if (embedded) return endOf({ kind: 'exit' }, variables, job);
      return await deliverByDefault(world, variables, job);
    } finally {
      await world.close();
    }
  }

  function initialVariables(job: MaildropJob): ReadonlyMap<string, string> {
    const own: Record<string, string> = {
      HOME: job.home, DEFAULT: job.defaultMailbox, LOGNAME: job.login, SHELL: '/bin/sh', PATH, HOSTNAME: hostname(), SENDMAIL: options.sendmail,
      LOCKEXT: '.lock', LOCKSLEEP: '5', LOCKTIMEOUT: '60', LOCKREFRESH: '15', UMASK: '077', MAILDIRQUOTA: '', ...job.variables,
    };
    (job.parameters ?? []).forEach((parameter, index) => {
      own[String(index + 1)] = parameter;
    });
    return new Map(Object.entries(own).map(([name, value]) => [name, octets(value)]));
  }
}

async function drive<T>(turn: Turn<T>): Promise<T> {
  for (let step = turn.next(); ;) {
    if (step.done === true) return step.value;
    let answer: unknown;
    try {
      answer = await step.value;
    } catch (error) {
      step = turn.throw(error);
      continue;
    }
    step = turn.next(answer);
  }
}

async function deliverByDefault(world: JobWorld, variables: Map<string, string>, job: MaildropJob): Promise<MaildropEnd> {
  if (world.message().sizeOctets === 0) return endOf({ kind: 'exit' }, variables, job);
  const done = await world.deliver(variables.get('DEFAULT') ?? '', variables);
  if (done.kind === 'refused') return endOf({ kind: 'trouble', code: TRY_LATER, why: done.why }, variables, job);
  if (done.kind === 'ran') variables.set('EXITCODE', String(done.code));
  return endOf({ kind: 'delivered' }, variables, job);
}

function endOf(ending: Ending, variables: ReadonlyMap<string, string>, job: MaildropJob): MaildropEnd {
  if (ending.kind === 'trouble') {
    job.complain(ending.why);
    return { code: ending.code, delivered: false };
  }
  const code = Math.trunc(parseNumber(variables.get('EXITCODE') ?? '')) || 0;
  return { code: code & 0xff, delivered: ending.kind === 'delivered' };
}

/** Strangers fill the environment of a delivery: of it only the language of programs becomes variables by itself. */
function imported(job: MaildropJob, embedded: boolean): [string, string][] {
  return Object.entries(job.environment).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || ((job.importAll !== true || embedded) && !LOCALE.test(name))) return [];
    return [[name, octets(value)]];
  });
}

function messageVariables(message: Message, job: MaildropJob): [string, string][] {
  const path = message.firstLine('return-path');
  const from = job.reversePath === undefined ? (parseMailboxes(path)[0]?.address ?? '') : octets(job.reversePath);
  return [['SIZE', String(message.sizeOctets)], ['LINES', String(message.lines)], ['FROM', from === '' ? 'MAILER-DAEMON' : from]];
}

function verbosityOf(job: MaildropJob, variables: ReadonlyMap<string, string>): number {
  const said = variables.get('VERBOSE') ?? '';
  return isTrue(said) ? parseNumber(said) : (job.verbose ?? 0);
}

function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

