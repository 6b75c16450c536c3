/** `posthorn maildirmake`: maildirmake(1). Maildirs, their folders, quotas and lists of shared ones. */
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { decodeFolderName, encodeFolderName } from '../../../grammar/local/folder-name.ts';
import { exits, print, Usage, type Command, type Context } from '../command.ts';
import { readOptions } from '../getopt.ts';

const HELP = `maildirmake [-q QUOTA] [-S] MAILDIR
       maildirmake -f FOLDER | -F FOLDER [-s read|write[,group]] MAILDIR
       maildirmake --add NICK=PATH MAILDIR     maildirmake --del NICK MAILDIR
       maildirmake --checkutf8|--convutf8 MAILDIR

Makes a Maildir, or a folder in one.

  -f FOLDER     the folder FOLDER (Drafts, Drafts.2026), as IMAP writes names
  -F FOLDER     the same, as it is written here
  -q QUOTA      10000000S,1000C: octets and messages; for a Maildir that exists too
  -S            one whose folders may be shared: others may walk through it
  -s WHO        the folder is shared: others may read, or read and write; ,group: only
                the group
  --add, --del  name a shared Maildir in the list of this one, or take it out
  --checkutf8   say which folders have names in modified UTF-7, as old versions wrote them
  --convutf8    write them in UTF-8

Exit status: 0; 1 it is there already, or something is wrong with it; 64 wrong call.`;

const PARTS = ['tmp', 'new', 'cur'];

export const maildirmake: Command = {
  name: 'maildirmake',
  summary: 'make Maildirs and their folders, set quotas',
  help: HELP,
  async run(args, context) {
    const [first = '', ...words] = args;
    try {
      switch (first) {
        case '--help':
          await print(context.stdout, `Usage: posthorn ${HELP}`);
          return exits.ok;
        case '--add':
        case '--del':
          return await changeShared(first, words);
        case '--checkutf8':
        case '--convutf8':
          return await convertNames(first === '--convutf8', words, context);
        default:
          return await make(args);
      }
    } catch (error) {
      if (error instanceof Usage) throw error;
      await print(context.stderr, `posthorn maildirmake: ${error instanceof Error ? error.message : String(error)}`);
      return exits.failed;
    }
  },
};

async function make(args: readonly string[]): Promise<number> {
  const options = readOptions(args, 'q:f:F:s:Sh');
  const [maildir, more] = options.rest;
  if (maildir === undefined || more !== undefined || options.has('h')) throw new Usage('maildirmake MAILDIR');
  const quota = options.value('q');
  if (quota !== undefined && !/^\d+[SC](?:,\d+[SC])*$/.test(quota)) throw new Usage(`-q ${quota}: such as 10000000S,1000C`);
  const written = options.value('F');
  const folder = options.value('f') ?? (written === undefined ? undefined : encodeFolderName(written));
  const shared = sharing(options.value('s'));
  if (shared !== null && folder === undefined) throw new Usage('-s is about a folder: -f FOLDER');
  if (folder !== undefined) {
    // One name, never a way out of the Maildir.
    if (folder === '' || folder.startsWith('.') || folder.endsWith('.') || folder.includes('..') || /[/\0]/.test(folder)) throw new Usage(`${folder}: no name of a folder`);
    if (!(await isMaildir(maildir))) throw new Error(`${maildir} is no Maildir`);
    const path = join(maildir, `.${folder}`);
    await makeMaildir(path, shared?.folder ?? 0o700, shared?.parts ?? 0o700);
    await (await open(join(path, 'maildirfolder'), 'wx', 0o600)).close();
  } else if (quota === undefined || !(await isMaildir(maildir))) {
    const mode = options.has('S') ? 0o755 : 0o700;
    await makeMaildir(maildir, mode, 0o700);
  }
  if (quota !== undefined) await writeQuota(maildir, quota);
  return exits.ok;
}

function sharing(said: string | undefined): { readonly folder: number; readonly parts: number } | null {
  if (said === undefined) return null;
  const found = /^(read|write)(,group)?$/.exec(said);
  if (found === null) throw new Usage('-s read|write[,group]');
  const others = found[2] === undefined;
  // Who may write there may still not remove what others wrote.
  if (found[1] === 'write') return { folder: others ? 0o755 : 0o750, parts: others ? 0o1777 : 0o1770 };
  return { folder: others ? 0o755 : 0o750, parts: others ? 0o755 : 0o750 };
}

async function makeMaildir(path: string, mode: number, parts: number): Promise<void> {
  await mkdir(path, { mode });
  await chmod(path, mode);
  for (const part of PARTS) {
    await mkdir(join(path, part), { mode: parts });
    await chmod(join(path, part), parts);
  }
}

async function isMaildir(path: string): Promise<boolean> {
  const found = await Promise.all(PARTS.map(part => stat(join(path, part)).then(one => one.isDirectory(), () => false)));
  return found.every(Boolean);
}

/** The count begins anew: the next delivery counts what is there. */
async function writeQuota(maildir: string, quota: string): Promise<void> {
  const counts = { octets: 0, messages: 0 };
  for (const folder of ['', ...(await readdir(maildir)).filter(name => /^\.[^.]/.test(name) && !/^\.Trash(?:\.|$)/.test(name))]) {
    for (const part of ['new', 'cur']) {
      for (const name of await readdir(join(maildir, folder, part)).catch(() => [])) {
        if (name.startsWith('.') || /:2,[A-Za-z]*T/.test(name)) continue;
        const size = /,S=(\d+)/.exec(name)?.[1];
        counts.octets += size === undefined ? ((await stat(join(maildir, folder, part, name)).catch(() => null))?.size ?? 0) : Number(size);
        counts.messages++;
      }
    }
  }
  const beside = join(maildir, 'tmp', `maildirsize.${process.pid}`);
  await writeFile(beside, `${quota}\n${`${counts.octets} ${counts.messages}`.padEnd(13)}\n`, { mode: 0o644, flag: 'wx' });
  await rename(beside, join(maildir, 'maildirsize'));
}

async function changeShared(how: '--add' | '--del', [entry, maildir, ...more]: readonly string[]): Promise<number> {
  if (entry === undefined || maildir === undefined || more.length > 0) throw new Usage(`maildirmake ${how} ${how === '--add' ? 'NICK=PATH' : 'NICK'} MAILDIR`);
  const [nick = '', ...rest] = entry.split('=');
  const path = rest.join('=');
  if (!/^[^/.\s][^/\s]*$/.test(nick) || (how === '--add' && !isAbsolute(path)) || /[\n\t]/.test(entry)) throw new Usage(`${entry}: NICK=PATH, the path from the root on`);
  if (!(await isMaildir(maildir))) throw new Error(`${maildir} is no Maildir`);
  const list = join(maildir, 'shared-maildirs');
  const lines = (await readFile(list, 'utf8').catch(() => '')).split('\n').filter(line => line !== '' && line.split(/\s/)[0] !== nick);
  if (how === '--add') lines.push(`${nick}\t${path}`);
  const beside = join(maildir, 'tmp', `shared-maildirs.${process.pid}`);
  await writeFile(beside, lines.map(line => `${line}\n`).join(''), { mode: 0o600, flag: 'wx' });
  await rename(beside, list);
  if (how === '--del') await rm(join(maildir, 'shared-folders', nick), { recursive: true, force: true });
  return exits.ok;
}

async function convertNames(convert: boolean, [maildir, ...more]: readonly string[], context: Context): Promise<number> {
  if (maildir === undefined || more.length > 0) throw new Usage('maildirmake --checkutf8 MAILDIR');
  for (const name of (await readdir(maildir)).toSorted()) {
    if (!/^\.[^.]/.test(name) || !name.includes('&')) continue;
    const decoded = decodeFolderName(name);
    if (decoded === null || decoded === name) continue;
    await print(context.stdout, `${name} ${convert ? 'is now' : 'would be'} ${decoded}`);
    if (convert) await rename(join(maildir, name), join(maildir, decoded));
  }
  if (convert) await unlink(join(maildir, 'courierimapsubscribed.lock')).catch(() => undefined);
  return exits.ok;
}
