/** Finding recipes, and not trusting those that others could have written. */
import { constants, fstatSync, readFileSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { MaildropJob } from '../../core/maildrop.ts';
import { readText } from './job-world.ts';

export interface RecipeFile {
  /** As recipes see it in MAILFILTER, and people in complaints. */
  readonly name: string;
  readonly text: string;
}

export type Found = { readonly kind: 'recipes'; readonly files: readonly RecipeFile[] } | { readonly kind: 'unsafe'; readonly why: string };

const LARGEST = 4 * 1024 * 1024;
const SMALL = 64 * 1024;
const STICKY = 0o1000;
const WORLD_WRITES = 0o002;
const OTHERS = 0o077;

/** None: there is no recipe, which is no trouble. */
export async function findRecipes(job: MaildropJob, systemRecipe: string): Promise<Found> {
  const { recipe } = job;
  const uid = job.uid ?? process.getuid?.() ?? 0;
  switch (recipe.kind) {
    case 'text':
      return recipes({ name: recipe.name, text: recipe.text });
    case 'file': {
      const file = await readOwn(resolve(job.folder ?? job.home, recipe.path), uid);
      if (file === 'absent') return unsafe(`Unable to open ${recipe.path}.`);
      return typeof file === 'string' ? unsafe(`${recipe.path}: ${file}`) : recipes({ name: recipe.path, text: file.text });
    }
    case 'delivery': {
      const home = await checkHome(job.home, uid);
      if (home !== null) return unsafe(home);
      const files: RecipeFile[] = [];
      const system = await readText(systemRecipe);
      if (system !== null) files.push({ name: systemRecipe, text: system });
      const own = await readOwn(join(job.home, '.mailfilter'), uid);
      if (typeof own !== 'string') files.push({ name: '.mailfilter', text: own.text });
      else if (own !== 'absent') return unsafe(`.mailfilter: ${own}`);
      return { kind: 'recipes', files };
    }
    case 'named': {
      const home = await checkHome(job.home, uid);
      if (home !== null) return unsafe(home);
      return findNamed(job.home, recipe.name, uid);
    }
    default:
      return recipe satisfies never;
  }
}

async function findNamed(home: string, wanted: string, uid: number): Promise<Found> {
  const folder = join(home, '.mailfilters');
  const found = await stat(folder).catch(() => null);
  if (found === null) return { kind: 'recipes', files: [] };
  if (found.uid !== uid || (found.mode & OTHERS) !== 0) return unsafe('.mailfilters belongs to somebody else, or others may see it.');
  for (const name of namesFor(wanted)) {
    const file = await readOwn(join(folder, name), uid);
    if (file === 'absent') continue;
    return typeof file === 'string' ? unsafe(`.mailfilters/${name}: ${file}`) : recipes({ name: wanted, text: file.text });
  }
  return { kind: 'recipes', files: [] };
}

/** The name itself, then `-default` in place of each part behind a dash, from the last on; `default` at the end. */
export function namesFor(wanted: string): readonly string[] {
  const name = wanted.replaceAll(/[./]/g, ':');
  const names = [name, `${name}-default`];
  for (let dash = name.lastIndexOf('-'); dash > 0; dash = name.lastIndexOf('-', dash - 1)) names.push(`${name.slice(0, dash)}-default`);
  return [...names, 'default'];
}

/** Null: mail may be delivered there. */
async function checkHome(home: string, uid: number): Promise<string | null> {
  const found = await stat(home).catch(() => null);
  if (found === null || !found.isDirectory()) return `Unable to change to home directory ${home}.`;
  if (found.uid !== uid) return 'The home directory belongs to somebody else.';
  if ((found.mode & WORLD_WRITES) !== 0) return 'Everyone may write to the home directory.';
  // How somebody holds their mail while they edit the recipe.
  if ((found.mode & STICKY) !== 0) return 'The home directory has the sticky bit: mail is held.';
  return null;
}

/** The text, 'absent', or what is wrong with the file. */
async function readOwn(path: string, uid: number): Promise<{ readonly text: string } | string> {
  try {
    // A link is somebody's way to have another's file read; a fifo must not hold us.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      // Once it is open, looking and reading a few lines is faster done than waited for.
      const found = fstatSync(file.fd);
      if (!found.isFile() || found.size > LARGEST) return 'it is no file of a recipe.';
      if (found.uid !== uid) return 'it belongs to somebody else.';
      if ((found.mode & OTHERS) !== 0) return 'others may read or write it; its mode must be 600.';
      return { text: found.size > SMALL ? await file.readFile('latin1') : readFileSync(file.fd, 'latin1') };
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    return code === 'ENOENT' ? 'absent' : code === 'ELOOP' ? 'it is a symbolic link.' : 'it cannot be read.';
  }
}

function recipes(file: RecipeFile): Found {
  return { kind: 'recipes', files: [file] };
}

function unsafe(why: string): Found {
  return { kind: 'unsafe', why };
}
