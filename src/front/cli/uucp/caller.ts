/** Who runs us: uuxqt, for a neighbour. And what its answers mean there: 0 is done, 75 keeps the job, all else is final. */
import { Readable } from 'node:stream';
import type { Configuration } from '../../../configuration.ts';
import { parseAddress } from '../../../grammar/address.ts';
import { fromUucp } from '../../../grammar/uucp/bang-path.ts';
import { isNode } from '../../../grammar/uucp/neighbors.ts';
import type { Operations } from '../../../core/operations.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, type Context } from '../command.ts';
import { withQueue } from '../queue-access.ts';

export interface Caller {
  readonly machine: string;
  readonly user: string;
  /** `MACHINE!USER`. */
  readonly owner: string;
}

/** Null unless the environment is uuxqt's: rmail believes the sender it is told, so not everybody may say it. */
export function callerOf({ environment }: Pick<Context, 'environment'>): Caller | null {
  const machine = environment['UU_MACHINE'] ?? '';
  const user = environment['UU_USER'] ?? '';
  if (!isNode(machine) || !/^[!-~]{1,100}$/.test(user)) return null;
  return { machine, user, owner: `${machine}!${user}` };
}

/**
 * Runs `work` for a caller. Whatever is wrong on our side, the configuration included, keeps the job (75): a neighbour's
 * mail must not come back because of us.
 */
export async function asCaller(context: Context, work: (caller: Caller, configuration: Configuration, queue: Operations) => Promise<number>): Promise<number> {
  const caller = callerOf(context);
  if (caller === null) {
    await print(context.stderr, 'This is run by uuxqt, which sets UU_MACHINE and UU_USER.');
    return exits.noPermission;
  }
  try {
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.tryLater;
    return await withQueue(context, queue => work(caller, configuration, queue));
  } catch (error) {
    await print(context.stderr, error instanceof Error ? error.message : String(error));
    return exits.tryLater;
  }
}

/** The house's address; one that cannot be is still named in the report that our sender gets: no mailbox has a quoted name. */
export function recipientOf(text: string, configuration: Configuration): string {
  const address = fromUucp(text, configuration.uucp.site);
  return parseAddress(address) === null ? undeliverable(text, configuration) : address;
}

export function undeliverable(text: string, { names }: Configuration): string {
  return `"${text.replaceAll(/[\u0000-\u001f\u007f"\\]/g, '?').slice(0, 100)} "@${names.defaultDomain}`;
}

/** What was read of a stream already, then the rest of it. */
export async function* continued(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

export function chunksOf(input: Readable): AsyncIterator<Uint8Array> {
  return input[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
}
