/** Writes a folder to start from. What is there already is the operator's and stays as it is. */
import { chown, mkdir, open } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { foldDomain, isDomain } from '../grammar/config/domain-list.ts';
import { defaultFiles, type Choices } from './default-files.ts';

/** embedded: loopback only, high ports, no root. server: all addresses, ports 25 and 587, state in /var/lib/posthorn. */
export interface DefaultProfile extends Partial<Choices> {
  readonly kind: 'embedded' | 'server';
  /** Whom the gateway will be, where that is not who writes: secrets and the state folder are its own. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface Written {
  readonly written: readonly string[];
  readonly kept: readonly string[];
}

export async function writeDefaultConfiguration(folder: string, profile: DefaultProfile): Promise<Written> {
  const choices = { ...standard(resolve(folder), profile.kind), ...given(profile) };
  const stateFolder = isAbsolute(choices.stateFolder) && profile.kind === 'embedded' ? relative(resolve(folder), choices.stateFolder) : choices.stateFolder;
  const written: string[] = [];
  const kept: string[] = [];
  for (const file of defaultFiles({ ...choices, stateFolder })) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    const isNew = await writeNew(path, file.text, file.secret === true ? 0o600 : 0o644);
    (isNew ? written : kept).push(file.path);
    if (isNew && file.secret === true && profile.owner !== undefined) await chown(path, profile.owner.uid, profile.owner.gid);
  }
  if (profile.owner !== undefined) await ownFolder(resolve(folder, stateFolder), profile.owner);
  return { written, kept };
}

/** What is there already is not given away: it may be another gateway's. */
async function ownFolder(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  if ((await mkdir(path, { recursive: true, mode: 0o700 })) === undefined) return;
  await chown(path, uid, gid);
}

function standard(folder: string, kind: DefaultProfile['kind']): Choices {
  if (kind === 'server') {
    return {
      me: machineName(),
      esmtp: [{ address: null, port: 25 }],
      submission: [{ address: null, port: 587 }],
      stateFolder: '/var/lib/posthorn',
      httpAddress: '127.0.0.1:2580',
      trialDomains: [],
      perAddress: 5,
    };
  }
  const loopback = ['127.0.0.1', ...(hasLoopback6() ? ['::1'] : [])];
  return {
    me: machineName(),
    esmtp: loopback.map((address) => ({ address, port: 2525 })),
    submission: loopback.map((address) => ({ address, port: 2587 })),
    stateFolder: join(dirname(folder), 'state'),
    httpAddress: '127.0.0.1:2580',
    trialDomains: ['trial.test'],
    perAddress: 40,
  };
}

function given({ kind: _kind, owner: _owner, ...choices }: DefaultProfile): Partial<Choices> {
  return choices;
}

/** A name without a dot is nobody's on the Internet; .localdomain at least says so. */
function machineName(): string {
  const name = foldDomain(hostname());
  return isDomain(name) && name.includes('.') ? name : 'posthorn.localdomain';
}

function hasLoopback6(): boolean {
  return Object.values(networkInterfaces()).flat().some((one) => one?.address === '::1');
}

/** false when the file was there. */
async function writeNew(path: string, content: string, mode: number): Promise<boolean> {
  try {
    const file = await open(path, 'wx', mode);
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
