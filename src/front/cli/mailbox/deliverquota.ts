/** `posthorn deliverquota`: deliverquota(8). A message into a Maildir that may hold so much and no more. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { exits, print, Usage, type Command } from '../command.ts';
import { readOptions } from '../getopt.ts';

const HELP = `deliverquota [-c] [-w PERCENT] [-W FILE] MAILDIR [QUOTA]

Reads a message on standard input and delivers it to MAILDIR, which may be a folder
of a Maildir++.

  -c          make the Maildir when it is not there
  -w PERCENT  leave a warning in it when it is that full, at most once a day
  -W FILE     the warning's text; else quotawarnmsg of the configuration's folder
  QUOTA       10000000S,1000C: octets and messages; else what maildirsize says

Exit status: 0; 64 wrong call; 75 try again later; 77 over quota.`;

export const deliverquota: Command = {
  name: 'deliverquota',
  summary: 'deliver a message to a Maildir with a quota',
  help: HELP,
  async run(args, context) {
    if (args[0] === '--help') {
      await print(context.stdout, `Usage: posthorn ${HELP}`);
      return exits.ok;
    }
    const options = readOptions(args, 'cw:W:h');
    const [maildir, quota, ...more] = options.rest;
    if (maildir === undefined || more.length > 0 || options.has('h')) throw new Usage('deliverquota MAILDIR [QUOTA]');
    if (quota !== undefined && !/^\d+[SC](?:,\d+[SC])*$/.test(quota)) throw new Usage(`${quota}: a quota such as 10000000S,1000C`);
    const percent = Number(options.value('w') ?? 0);
    if (!(percent >= 0 && percent <= 100)) throw new Usage('-w PERCENT: 1 to 100');
    const place = await placeOf(resolve(maildir));
    // A path that is to be made says so by its slash.
    const path = options.has('c') && place.folder === undefined ? `${place.path}/` : place.path;
    const { mailboxes, maildrop } = await context.rooms.maildrop(context.folder);
    if (!options.has('c') && (await stat(place.path).catch(() => null))?.isDirectory() !== true) {
      await print(context.stderr, `posthorn deliverquota: ${maildir} is no Maildir`);
      return exits.tryLater;
    }
    const stored = await mailboxes.deliver(path, {
      fields: new Uint8Array(0), content: () => context.stdin as AsyncIterable<Uint8Array>, reversePath: '',
      ...(quota === undefined ? {} : { quota }), ...(place.folder === undefined ? {} : { folder: place.folder }),
    }, new AbortController().signal);
    if (stored.kind === 'refused') {
      await print(context.stderr, `posthorn deliverquota: ${stored.text}`);
      return stored.why === 'quota' ? exits.noPermission : exits.tryLater;
    }
    if (percent > 0) await maildrop.warnIfFull(place.path, { percent, template: options.value('W') ?? join(context.folder, 'quotawarnmsg') }, new AbortController().signal);
    return exits.ok;
  },
};

/** `Maildir/.Drafts` is a folder of Maildir, whose quota counts. */
async function placeOf(path: string): Promise<{ readonly path: string; readonly folder?: string }> {
  const name = basename(path);
  const above = dirname(path);
  if (!name.startsWith('.') || (await stat(join(above, 'cur')).catch(() => null))?.isDirectory() !== true) return { path };
  return { path: above, folder: name };
}
