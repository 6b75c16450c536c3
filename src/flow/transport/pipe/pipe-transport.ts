/** Runs the command, as often as its limit of recipients asks for. */
import type { Recipient, RecipientId } from '../../../core/envelope.ts';
import type { Log } from '../../../core/log.ts';
import type { Outcome } from '../../../core/outcome.ts';
import type { Delivery, Transport } from '../../../core/transport.ts';
import type { PipeRule } from '../../../grammar/config/ways-out/pipes.ts';
import { BATCH_END, formatBatchEnvelope, formatBatchStart, MESSAGE_END } from '../../../grammar/uucp/batch.ts';
import { createUnixLines } from '../../../grammar/uucp/unix-lines.ts';
import { runProgram, type Ran } from '../../../kit/run-program.ts';
import { signalOf } from '../../../kit/interrupter.ts';
import { commandWords } from './command-words.ts';

export interface PipeOptions {
  /** The command of that name now; undefined when a reload has taken it away. */
  rule(name: string): PipeRule | undefined;
  /** HELO of BSMTP. */
  me(): string;
  readonly log: Log;
}

const RECIPIENTS = 1000;
const AT_ONCE = 10;
const PER_NEXTHOP = 4;
const LONGEST = 500;
/** What a program must know of the world, and nothing of ours. */
const ENVIRONMENT = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'USER', 'LOGNAME'];

export function createPipeTransport(options: PipeOptions): Transport {
  return {
    name: 'pipe',
    limits: { recipients: RECIPIENTS, perNexthop: PER_NEXTHOP, inAll: AT_ONCE },
    async deliver(job, interruption) {
      const signal = signalOf(interruption);
      const [name = '', nexthop = ''] = job.nexthop.split('/', 2);
      const rule = options.rule(name);
      const outcomes = new Map<RecipientId, Outcome>();
      if (rule === undefined) {
        for (const { id } of job.recipients) outcomes.set(id, deferred('nexthop', `There is no pipe ${name} any more`));
        return outcomes;
      }
      for (let at = 0; at < job.recipients.length; at += rule.recipients) {
        const group = job.recipients.slice(at, at + rule.recipients);
        const outcome = await deliverTo(options, job, rule, nexthop, group, signal);
        for (const { id } of group) outcomes.set(id, outcome);
      }
      return outcomes;
    },
    close: () => Promise.resolve(),
  };
}

async function deliverTo(options: PipeOptions, job: Delivery, rule: PipeRule, nexthop: string, recipients: readonly Recipient[], signal: AbortSignal): Promise<Outcome> {
  const words = commandWords(rule.command, { id: job.id, nexthop, reversePath: job.envelope.reversePath, recipients });
  if (words === null) return { kind: 'failed', status: '5.1.3', said: { type: 'x-unix', text: 'This address would be an option of the program' } };
  const [program = '', ...args] = words;
  const environment = Object.fromEntries(ENVIRONMENT.flatMap(name => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));
  const input = rule.input === 'bsmtp' ? formatBatch(job, recipients, options.me()) : formatMessage(job);
  return outcomeOf(await runProgram(program, args, { input, signal, timeoutMs: rule.timeoutMs, environment }), rule.name, options.log);
}

async function* formatMessage({ content }: Delivery): AsyncGenerator<Uint8Array> {
  const lines = createUnixLines({ dots: false });
  for await (const piece of content.read()) yield lines.feed(piece);
  yield lines.finish();
}

async function* formatBatch({ envelope, content }: Delivery, recipients: readonly Recipient[], me: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(formatBatchStart(me) + formatBatchEnvelope(envelope, recipients, content.facts.has8bit));
  const lines = createUnixLines({ dots: true });
  for await (const piece of content.read()) yield lines.feed(piece);
  yield lines.finish();
  yield Buffer.from(MESSAGE_END + BATCH_END);
}

function outcomeOf(ran: Ran, name: string, log: Log): Outcome {
  switch (ran.kind) {
    case 'exited':
      return exitOutcome(ran.code, wordsOf(ran.stderr) || wordsOf(ran.stdout), name, log);
    case 'absent':
      log.error('pipe', { name, why: ran.why });
      return deferred('nexthop', `The program of ${name} cannot be run`);
    case 'killed':
      return deferred('message', `The program of ${name} did not end: ${ran.why}`);
    case 'starved':
      log.error('pipe', { name, cause: ran.cause });
      return deferred('message', 'The message cannot be read now');
    default:
      return ran satisfies never;
  }
}

/** sysexits(3). Only words about this mail are final; words about the program or this box are ours to mend. */
function exitOutcome(code: number, text: string, name: string, log: Log): Outcome {
  const failed = (status: `5.${0 | 1 | 5 | 6 | 7}.${number}`): Outcome => ({ kind: 'failed', status, said: { type: 'x-unix', text: text || `${name} ended with ${code}` } });
  switch (code) {
    case 0:
      return { kind: 'relayed', status: '2.0.0', said: { type: 'x-unix', text: text || `Given to ${name}` } };
    case 65: // EX_DATAERR
      return failed('5.6.0');
    case 67: // EX_NOUSER
      return failed('5.1.1');
    case 68: // EX_NOHOST
      return failed('5.1.2');
    case 76: // EX_PROTOCOL
      return failed('5.5.0');
    case 77: // EX_NOPERM
      return failed('5.7.1');
    case 75: // EX_TEMPFAIL
      return deferred('message', text || `${name} asks for another time`);
    default:
      log.warn('pipe', { name, code, said: text });
      return deferred('nexthop', text === '' ? `${name} ended with ${code}` : `${name} ended with ${code}: ${text}`);
  }
}

function deferred(blame: 'nexthop' | 'message', text: string): Outcome {
  return { kind: 'deferred', status: '4.3.0', blame, said: { type: 'x-unix', text } };
}

function wordsOf(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').trim().slice(0, LONGEST);
}
