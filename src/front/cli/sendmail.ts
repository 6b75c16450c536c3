/** sendmail(1) as Courier has it: the options that programs rely on; the rest of its manual page comes with issue 9. */
import { hostname } from 'node:os';
import type { LocalSubmission } from '../../core/operations.ts';
import { configurationOf } from './configuration-of.ts';
import { exits, print, Usage, withQueue, type Command } from './command.ts';
import { ownName } from './mailq.ts';
import { prepareSubmission } from './submission-header.ts';

export const sendmail: Command = {
  name: 'sendmail',
  summary: 'queue a message from standard input',
  help: `sendmail [-f ADDRESS] [-F NAME] [-t] [-bcc] [-N never|success,fail,delay] [-R full|hdrs] [-V ENVID] [-n] [RECIPIENT ...]

Queues the message on standard input. Without recipients (or with -t) those of To, Cc and Bcc are used; Bcc is always
taken out. Works without a running gateway: the message goes out when one starts.

  -f ADDRESS  envelope sender; "" or <> for none
  -F NAME     display name for a From field that is missing
  -N -R -V    DSN wishes: NOTIFY, RET, ENVID
  -n          print the message as it would be queued, and do not queue it
  -o... -i -q... -v are accepted and ignored, as elsewhere

Exit status: 0; 64 wrong options; 67 refused for good; 75 not now, try again.`,
  async run(args, context) {
    const wish = parseSendmailArguments(args);
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const owner = ownName();
    const sender = wish.sender ?? `${context.environment['MAILUSER'] ?? context.environment['LOGNAME'] ?? owner}@${context.environment['MAILHOST'] ?? configuration.names.defaultDomain}`;
    const prepared = await prepareSubmission(context.stdin, {
      sender, defaultDomain: configuration.names.defaultDomain, host: hostname(),
      ...(wish.name === undefined ? {} : { name: wish.name }),
      recipientsFromHeader: wish.recipients.length === 0 || wish.fromHeader, onlyBcc: wish.onlyBcc,
    });
    if (wish.dry) {
      for await (const chunk of prepared.content) context.stdout.write(chunk);
      return exits.ok;
    }
    const recipients = [...wish.recipients.map(one => (one.includes('@') || one.includes('!') ? one : `${one}@${configuration.names.defaultDomain}`)), ...prepared.recipients];
    if (recipients.length === 0) {
      await print(context.stderr, 'No recipients: name them on the command line or in To, Cc or Bcc.');
      return exits.noUser;
    }
    const submission: LocalSubmission = {
      owner, reversePath: sender, recipients, content: prepared.content,
      ...(wish.notify === undefined ? {} : { notify: wish.notify }), ...(wish.ret === undefined ? {} : { ret: wish.ret }), ...(wish.envid === undefined ? {} : { envid: wish.envid }),
    };
    return withQueue(context, configuration, async (queue, running) => {
      const answer = await queue.submit(submission);
      if (answer.kind === 'refused') {
        await print(context.stderr, `${answer.reply} ${answer.status} ${answer.text}`);
        return answer.reply >= 500 ? exits.noUser : exits.tryLater;
      }
      // Programs expect silence; a person at a terminal wants the id.
      if (context.stderr.isTTY === true) await print(context.stderr, `Queued as ${answer.id}${running ? '' : '; it goes out when the gateway starts'}.`);
      return exits.ok;
    });
  },
};

interface Wish {
  sender?: string;
  name?: string;
  recipients: string[];
  fromHeader: boolean;
  onlyBcc: boolean;
  dry: boolean;
  notify?: 'never' | ('success' | 'failure' | 'delay')[];
  ret?: 'full' | 'hdrs';
  envid?: string;
}

/** sendmail's options are older than getopt_long: values may be glued on, and one dash starts long ones. */
export function parseSendmailArguments(args: readonly string[]): Wish {
  const wish: Wish = { recipients: [], fromHeader: false, onlyBcc: false, dry: false };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    const value = (): string => {
      const glued = arg.slice(2);
      if (glued !== '') return glued;
      const next = args[++at];
      if (next === undefined) throw new Usage(`${arg} needs a value`);
      return next;
    };
    if (arg === '--') {
      wish.recipients.push(...args.slice(at + 1));
      break;
    } else if (!arg.startsWith('-') || arg === '-') wish.recipients.push(arg);
    else if (arg === '-t') wish.fromHeader = true;
    else if (arg === '-n') wish.dry = true;
    else if (arg === '-bcc') wish.onlyBcc = true;
    else if (arg.startsWith('-f') || arg.startsWith('-r')) wish.sender = value().replace(/^<(.*)>$/, '$1');
    else if (arg.startsWith('-F')) wish.name = value();
    else if (arg.startsWith('-N')) wish.notify = parseNotify(value());
    else if (arg.startsWith('-R')) wish.ret = parseRet(value());
    else if (arg.startsWith('-V')) wish.envid = value();
    else if (!/^-(?:o|i$|q|v$|bm$|em$|ee$|odi|odb|m$|G$|L)/.test(arg)) throw new Usage(`unknown option ${arg}`);
  }
  return wish;
}

/** Only the first letter of each word counts, and N overrides (courier sendmail(1)). */
function parseNotify(text: string): 'never' | ('success' | 'failure' | 'delay')[] {
  const letters = text.split(',').map(word => word.trim().charAt(0).toLowerCase());
  if (letters.includes('n')) return 'never';
  const words = { s: 'success', f: 'failure', d: 'delay' } as const;
  return letters.map(letter => {
    if (letter !== 's' && letter !== 'f' && letter !== 'd') throw new Usage(`-N takes never, or success, fail and delay joined by commas; not ${text}`);
    return words[letter];
  });
}

function parseRet(text: string): 'full' | 'hdrs' {
  if (/^f/i.test(text)) return 'full';
  if (/^h/i.test(text)) return 'hdrs';
  throw new Usage(`-R takes full or hdrs; not ${text}`);
}
