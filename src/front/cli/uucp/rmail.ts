/** rmail: a message by UUCP, as uuxqt hands it over (RFC 976 §2.4). */
import type { Configuration } from '../../../configuration.ts';
import type { LocalSubmission, Operations } from '../../../core/operations.ts';
import { parseAddress } from '../../../grammar/address.ts';
import { rewriteAddressFields } from '../../../grammar/uucp/address-fields.ts';
import { fromUucp } from '../../../grammar/uucp/bang-path.ts';
import { FROM_LINES_OCTETS, parseFromLines } from '../../../grammar/uucp/from-line.ts';
import { parseRmailArguments, type RmailCall } from '../../../grammar/uucp/rmail-arguments.ts';
import { exits, print, Usage, type Command, type Context } from '../command.ts';
import { asCaller, chunksOf, continued, recipientOf, type Caller } from './caller.ts';

export const rmail: Command = {
  name: 'rmail',
  summary: 'take a message from a UUCP neighbour (run by uuxqt)',
  help: `rmail [-f ADDRESS] [-N never|success,fail,delay] [-R full|hdrs] [-V ENVID] [-verp] RECIPIENT ...

Queues the message on standard input, which may begin with From_ lines. The sender is what -f says, else what the From_
lines say, else the user who sent the job. Everything behind the word rmail is its own: --config goes before it.

  -N -R -V  DSN wishes: NOTIFY, RET, ENVID
  -verp     a sender of its own for each recipient
  -o... -t  are ignored

Exit status, as uuxqt reads it: 0 taken; 75 not now, keep the job; 64, 67, 77 never.`,
  async run(args, context) {
    const call = parseRmailArguments(args);
    if (call.kind === 'bad') throw new Usage(call.why);
    return asCaller(context, (caller, configuration, queue) => take(call, caller, configuration, queue, context));
  },
};

/** A header past this is passed on as it is. */
const HEADER_OCTETS = 256 * 1024;

async function take(call: RmailCall, caller: Caller, configuration: Configuration, queue: Operations, context: Context): Promise<number> {
  const chunks = chunksOf(context.stdin);
  const head = await readHead(chunks, configuration.uucp.rewriteHeaders);
  const from = parseFromLines(head.subarray(0, FROM_LINES_OCTETS).toString('latin1'));
  const { site } = configuration.uucp;
  const written = call.sender ?? from.path ?? caller.owner;
  const sender = fromUucp(written, site);
  if (sender !== '' && parseAddress(sender) === null) {
    await print(context.stderr, `This is no sender: ${written}`);
    return exits.noUser;
  }
  const content = continued(configuration.uucp.rewriteHeaders ? rewritten(head.subarray(from.end), text => fromUucp(text, site)) : head.subarray(from.end), chunks);
  const recipients = call.recipients.map(one => recipientOf(one, configuration));
  const submission = {
    owner: caller.owner, uucp: { machine: caller.machine, protocol: 'rmail' as const },
    ...(call.notify === undefined ? {} : { notify: call.notify }), ...(call.ret === undefined ? {} : { ret: call.ret }), ...(call.envid === undefined ? {} : { envid: call.envid }),
  };
  return submit({ ...submission, ...(call.verp ? { verp: true as const } : {}), reversePath: sender, recipients, content });

  async function submit(message: LocalSubmission): Promise<number> {
    const answer = await queue.submit(message);
    if (answer.kind !== 'refused') return exits.ok;
    await print(context.stderr, `${answer.reply} ${answer.status} ${answer.text}`);
    return answer.reply >= 500 ? exits.noUser : exits.tryLater;
  }
}

/** Enough for the From_ lines, and with `header` for the whole header where it is not absurdly long. */
async function readHead(chunks: AsyncIterator<Uint8Array>, header: boolean): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0);
  for (;;) {
    const done = header ? /\n\r?\n/.test(head.toString('latin1')) || head.length > HEADER_OCTETS : head.length >= FROM_LINES_OCTETS || !/^>?F?r?o?m?[ \t]?$|^>?From[ \t]/.test(lastLine(head));
    if (done && head.length > 0) return head;
    const next = await chunks.next();
    if (next.done === true) return head;
    head = Buffer.concat([head, Buffer.from(next.value)]);
  }
}

/** The line in progress: while it may still be a From_ line, more is needed. */
function lastLine(head: Buffer): string {
  const text = head.toString('latin1');
  const from = parseFromLines(text);
  return text.slice(from.end, from.end + 7);
}

function rewritten(octets: Buffer, rewrite: (address: string) => string): Uint8Array {
  const text = octets.toString('latin1');
  const empty = /\n\r?\n/.exec(text);
  if (empty === null) return octets;
  return Buffer.from(rewriteAddressFields(text.slice(0, empty.index + 1), rewrite) + text.slice(empty.index + 1), 'latin1');
}
