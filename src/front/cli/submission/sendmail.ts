/** sendmail(1): how programs of this machine have sent mail since there was any. */
import { readEssentials, formatProblem, type Essentials } from '../../../configuration.ts';
import type { LocalSubmission } from '../../../core/operations.ts';
import { asciiDomain } from '../../../grammar/domain.ts';
import { createSystemAccounts } from '../../../kit/system-accounts.ts';
import { exits, print, type Command, type Context } from '../command.ts';
import { handOver, type HandedOver } from './handing-over.ts';
import { restart } from '../gateway/lifecycle.ts';
import { mailq, ownName } from '../queue/mailq.ts';
import { flush } from '../queue/orders.ts';
import { authorOf, envelopeSender, fullName, type SenderWish } from './sender.ts';
import { parseSendmailArguments, wishesOf, type Wish } from './sendmail-arguments.ts';
import { speakSmtp } from './smtp-dialogue.ts';
import { prepareSubmission } from './submission-header.ts';

export const sendmail: Command = {
  name: 'sendmail',
  summary: 'queue a message from standard input',
  help: `sendmail [-f ADDRESS] [-F NAME] [-t] [-bcc] [-N never|success,fail,delay] [-R full|hdrs] [-V ENVID] [-verp] [-n] [RECIPIENT ...]
       sendmail -bs | -bp | -bi | -q[IQID|RDOMAIN]

Queues the message on standard input. Without recipients (or with -t) those of To, Cc and Bcc are used, or those of the
newest Resent- fields; Bcc is always taken out. A line with a single dot does not end the message.

When no gateway runs, or its socket is closed to the caller, the message is left in the pickup folder of the state folder,
safe on the disk, and goes out when a gateway looks there.

  -f ADDRESS, -r ADDRESS  envelope sender, and From where there is none; "" or <> for none
  -F NAME     display name in From
  -bcc        recipients from Bcc only
  -N -R -V    DSN wishes: NOTIFY, RET, ENVID
  -S STARTTLS every hop by TLS under the private authority, or the mail fails; -S NONE demands nothing
  -verp       a sender of its own for each recipient
  -n          print the message as it would be queued, and do not queue it
  -bs         speak SMTP on standard input and output
  -bp         as mailq;  -bi  as restart;  -q, -qIQID, -qRDOMAIN  as flush
  -i, -o..., -m, -v, -B, -C, -d, -h, -L, -O, -p, -X, -q30m and their like are accepted and ignored

Environment: MAILSUSER, MAILUSER, LOGNAME, USER and MAILSHOST, MAILHOST make the envelope sender; MAILUSER, MAILHOST and
MAILNAME or NAME the From field; DSNNOTIFY, DSNRET and DSNENVID are -N, -R and -V where those are not given.

Exit status: 0; 64 wrong options; 65 no message; 67 refused for good, or nobody to send to; 75 not now, try again;
78 the configuration cannot be read.`,
  async run(args, context) {
    const wish = parseSendmailArguments(args);
    switch (wish.mode) {
      case 'mailq':
        return mailq.run([], context);
      case 'newaliases':
        return restart.run([], context);
      case 'flush':
        return flush.run(wish.selection ?? [], context);
      case 'nothing':
        return exits.ok;
      case 'smtp':
      case 'send':
        break;
      default:
        wish.mode satisfies never;
    }
    const read = readEssentials(context.folder);
    if (read.kind === 'wrong') {
      for (const problem of read.problems) await print(context.stderr, formatProblem(problem));
      return exits.configuration;
    }
    return wish.mode === 'smtp' ? speak(context, read.essentials) : send(wish, context, read.essentials);
  },
};

async function speak(context: Context, essentials: Essentials): Promise<number> {
  await speakSmtp({
    input: context.stdin,
    say: lines => print(context.stdout, lines),
    me: asciiDomain(essentials.names.me) ?? essentials.names.me,
    owner: ownName(),
    sizeOctets: essentials.sizeOctets,
    handOver: submission => handOver(context, essentials, submission),
  });
  return exits.ok;
}

async function send(asked: Wish, context: Context, essentials: Essentials): Promise<number> {
  const wish = { ...wishesOf(context.environment), ...asked };
  const { defaultDomain } = essentials.names;
  const owner = ownName();
  const who: SenderWish = {
    account: { name: owner, gecos: fullName(createSystemAccounts().find(process.getuid?.() ?? -1)?.gecos ?? '', owner) },
    defaultDomain, environment: context.environment,
    ...(wish.sender === undefined ? {} : { sender: wish.sender }), ...(wish.name === undefined ? {} : { name: wish.name }),
  };
  const prepared = await prepareSubmission(context.stdin, {
    author: authorOf(who), defaultDomain,
    recipientsFromHeader: wish.recipients.length === 0 || wish.fromHeader || wish.onlyBcc, onlyBcc: wish.onlyBcc,
  });
  if (wish.dry) {
    for await (const chunk of prepared.content) context.stdout.write(chunk);
    return exits.ok;
  }
  const named = wish.recipients.map(one => (one.includes('@') || one.includes('!') ? one : `${one}@${defaultDomain}`));
  const recipients = [...new Set([...named, ...prepared.recipients])];
  if (recipients.length === 0) {
    await print(context.stderr, 'No recipients: name them on the command line or in To, Cc or Bcc.');
    return exits.noUser;
  }
  const reversePath = envelopeSender(who);
  const submission: LocalSubmission = {
    owner, reversePath, recipients, content: prepared.content,
    ...(wish.notify === undefined ? {} : { notify: wish.notify }), ...(wish.ret === undefined ? {} : { ret: wish.ret }), ...(wish.envid === undefined ? {} : { envid: wish.envid }), ...(wish.security === undefined ? {} : { security: wish.security }), ...(wish.verp ? { verp: true as const } : {}),
  };
  return told(await handOver(context, essentials, submission), context);
}

async function told(handed: HandedOver, { stderr }: Context): Promise<number> {
  switch (handed.kind) {
    case 'refused':
      await print(stderr, `${handed.reply} ${handed.status} ${handed.text}`);
      return handed.reply >= 500 ? exits.noUser : exits.tryLater;
    case 'nowhere':
      await print(stderr, `Not taken: ${handed.why}.`);
      return exits.tryLater;
    case 'queued':
    case 'left':
      // Programs expect silence; a person at a terminal wants to know.
      if (stderr.isTTY === true) await print(stderr, handed.kind === 'queued' ? `Queued as ${handed.id}.` : 'Left for the gateway; it goes out when one runs.');
      return exits.ok;
    default:
      return handed satisfies never;
  }
}
