import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { chown, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { dkimKeyFile, isSelector, parseDkim } from '../../../grammar/config/ways-out/dkim.ts';
import { formatKeyRecord, formatZoneLine, parseKeyRecord } from '../../../grammar/dkim/key-record.ts';
import { asciiDomain, parseDomain } from '../../../grammar/domain.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command, type Context } from '../command.ts';

const generate = promisify(generateKeyPair);

export const dkim: Command = {
  name: 'dkim',
  summary: 'keys that sign our mail: make them, show what DNS must say, check it',
  help: `dkim generate DOMAIN [SELECTOR] [--type rsa|ed25519|both] [--bits N]
       posthorn dkim records [DOMAIN]
       posthorn dkim check [DOMAIN]

generate  makes a key of each kind (an RSA key of 2048 bits under SELECTOR, an Ed25519 key under SELECTOR-ed), in
          files that only the service can read, and prints the DNS records to publish and the line for the file
          dkim. SELECTOR is posthorn and the month unless you say otherwise. A key that exists is never replaced.
records   prints the DNS records of the keys that the file dkim names.
check     asks DNS whether they are published as they should be.

Exit status: 0; 1 when a record is not as it should be; 73 when a key exists or cannot be written; 75 when DNS does
not answer.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { type: { type: 'string' }, bits: { type: 'string' } } });
    const [word, ...rest] = positionals;
    switch (word ?? '') {
      case 'generate':
        return generateKeys(context, rest, values);
      case 'records':
      case 'check':
        if (rest.length > 1 || values.type !== undefined || values.bits !== undefined) throw new Usage(`dkim ${word} takes at most one domain`);
        return word === 'records' ? showRecords(context, rest[0]) : checkRecords(context, rest[0]);
      default:
        throw new Usage('dkim needs one of: generate, records, check');
    }
  },
};

const KINDS: Readonly<Record<string, readonly ('rsa' | 'ed25519')[]>> = { rsa: ['rsa'], ed25519: ['ed25519'], both: ['rsa', 'ed25519'] };

async function generateKeys(context: Context, [written = '', selector = usualSelector(new Date()), more]: readonly string[], { type = 'both', bits = '2048' }: { readonly type?: string; readonly bits?: string }): Promise<number> {
  const parsed = parseDomain(written);
  const domain = parsed === null ? null : asciiDomain(parsed);
  const kinds = Object.hasOwn(KINDS, type) ? KINDS[type] : undefined;
  if (domain === null || domain.startsWith('[') || more !== undefined) throw new Usage('dkim generate needs a domain, and perhaps a selector');
  if (!isSelector(selector)) throw new Usage(`"${selector}" is not a selector: a name as DNS has them`);
  if (kinds === undefined) throw new Usage('--type is rsa, ed25519 or both');
  if (!/^(2048|3072|4096)$/.test(bits)) throw new Usage('--bits is 2048, 3072 or 4096');
  const made: { readonly selector: string; readonly record: string }[] = [];
  for (const kind of kinds) {
    const own = kind === 'ed25519' && kinds.length > 1 ? `${selector}-ed` : selector;
    const file = join(context.folder, dkimKeyFile(domain, own));
    const { privateKey } = kind === 'rsa' ? await generate('rsa', { modulusLength: Number(bits) }) : await generate('ed25519');
    const trouble = await writeKey(context.folder, file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    if (trouble !== null) {
      await print(context.stderr, trouble);
      return exits.cantCreate;
    }
    await print(context.stderr, `${file}: written.`);
    made.push({ selector: own, record: recordOf(privateKey) });
  }
  await print(context.stdout, [
    '; Publish this in DNS:', '', ...made.map(one => formatZoneLine(`${one.selector}._domainkey.${domain}`, one.record)), '',
    `; When "dig TXT ${made[0]?.selector}._domainkey.${domain}" shows it, add this line to ${join(context.folder, 'dkim')}, then "posthorn restart":`, '',
    `; ${domain} ${made.map(one => one.selector).join(' ')}`,
  ].join('\n'));
  return exits.ok;
}

function usualSelector(now: Date): string {
  return `posthorn${now.toISOString().slice(0, 7).replace('-', '')}`;
}

/** What is wrong, or null. Made by root, it belongs to whom the folder's other files belong to, so that the service can read it. */
async function writeKey(folder: string, file: string, pem: string): Promise<string | null> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o750 });
    const key = await open(file, 'wx', 0o600);
    try {
      await key.writeFile(pem);
      await key.sync();
    } finally {
      await key.close();
    }
    const { uid, gid } = await stat(folder);
    if (process.getuid?.() === 0 && (uid !== 0 || gid !== 0)) {
      await chown(dirname(file), uid, gid);
      await chown(file, uid, gid);
    }
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return why.startsWith('EEXIST') ? `${file} exists, and mail may be signed with it: choose another selector` : `${file}: ${why}`;
  }
}

function recordOf(key: KeyObject): string {
  return formatKeyRecord(key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256', createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

interface Published {
  readonly name: string;
  readonly record: string;
}

/** Of the keys in force; null: the configuration is wrong, and it was said. */
async function recordsOf(context: Context, only: string | undefined): Promise<readonly Published[] | null> {
  const wanted = only === undefined ? null : parseDomain(only);
  if (only !== undefined && wanted === null) throw new Usage(`"${only}" is not a domain`);
  const parsed = parseDkim(await readFile(join(context.folder, 'dkim'), 'utf8').catch(() => ''));
  if (parsed.kind === 'wrong') return null;
  const found = new Map<string, Published>();
  for (const { domain, selectors } of parsed.value) {
    if (wanted !== null && domain !== asciiDomain(wanted)) continue;
    for (const selector of selectors) {
      const name = `${selector}._domainkey.${domain}`;
      found.set(name, { name, record: recordOf(createPrivateKey(await readFile(join(context.folder, dkimKeyFile(domain, selector))))) });
    }
  }
  return [...found.values()];
}

async function showRecords(context: Context, only: string | undefined): Promise<number> {
  if ((await configurationOf(context)) === null) return exits.configuration;
  const records = await recordsOf(context, only) ?? [];
  if (records.length === 0) await print(context.stderr, 'No key is named in the file dkim; posthorn dkim generate DOMAIN makes one.');
  for (const { name, record } of records) await print(context.stdout, formatZoneLine(name, record));
  return records.length === 0 ? exits.failed : exits.ok;
}

async function checkRecords(context: Context, only: string | undefined): Promise<number> {
  const configuration = await configurationOf(context);
  if (configuration === null) return exits.configuration;
  const records = await recordsOf(context, only) ?? [];
  if (records.length === 0) await print(context.stderr, 'No key is named in the file dkim; posthorn dkim generate DOMAIN makes one.');
  let worst: number = records.length === 0 ? exits.failed : exits.ok;
  for (const { name, record } of records) {
    const answer = await context.rooms.lookUpTxt(configuration, name);
    const said = verdict(answer, record);
    await print(context.stdout, `${name}: ${said.text}`);
    if (said.exit !== exits.ok && worst !== exits.failed) worst = said.exit;
  }
  return worst;
}

function verdict(answer: Awaited<ReturnType<Context['rooms']['lookUpTxt']>>, record: string): { readonly text: string; readonly exit: number } {
  if (answer.kind === 'unavailable') return { text: `DNS does not answer (${answer.why})`, exit: exits.tryLater };
  const keys = answer.kind === 'found' ? answer.records.flatMap(text => parseKeyRecord(text) ?? []) : [];
  const [first] = keys;
  if (first === undefined) return { text: answer.kind === 'none' ? 'not published' : 'something else stands there', exit: exits.failed };
  if (keys.length > 1) return { text: `${keys.length} records, and one is right`, exit: exits.failed };
  if (first.key === '') return { text: 'withdrawn: its p= is empty', exit: exits.failed };
  const ours = parseKeyRecord(record);
  if (first.kind !== ours?.kind || first.key !== ours.key) return { text: 'another key is published than the one that signs', exit: exits.failed };
  return { text: 'published', exit: exits.ok };
}
