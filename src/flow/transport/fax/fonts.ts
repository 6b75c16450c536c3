/** Which font files there are: ours, those that are configured, and what the system has for the rest of the world. */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Face = 'mono' | 'sans' | 'bold';

export interface FontFile {
  readonly path: string;
  /** Of a collection: the PostScript name in it. */
  readonly name?: string;
}

const FOLDERS = ['/usr/share/fonts', '/usr/local/share/fonts'];
/** Fonts that reach far beyond Latin, the better ones first. */
const WANTED: readonly (readonly [RegExp, string?])[] = [
  [/^NotoSansCJK-Regular\.ttc$/, 'NotoSansCJKsc-Regular'], [/^NotoSansCJKsc-Regular\.otf$/], [/^SourceHanSans.*-Regular\.otf$/], [/^DroidSansFallback(Full)?\.ttf$/],
  [/^wqy-microhei\.ttc$/, 'WenQuanYiMicroHei'], [/^wqy-zenhei\.ttc$/, 'WenQuanYiZenHei'], [/^(ipag|ipagp|TakaoGothic|fonts-japanese-gothic)\.ttf$/], [/^NanumGothic\.ttf$/], [/^unifont.*\.(ttf|otf)$/],
  [/^NotoSans(Devanagari|Thai|Bengali|Tamil|Georgian|Armenian|Ethiopic)-Regular\.ttf$/],
  [/^NotoEmoji-Regular\.ttf$/], [/^Symbola.*\.ttf$/],
];
const DEEP = 5;
const ENTRIES = 20_000;

/** In the order in which they are asked for a character. */
export function fontChain(face: Face): readonly FontFile[] {
  const folder = join(dirname(fileURLToPath(import.meta.resolve('dejavu-fonts-ttf/package.json'))), 'ttf');
  const names = { mono: ['DejaVuSansMono', 'DejaVuSans'], sans: ['DejaVuSans'], bold: ['DejaVuSans-Bold', 'DejaVuSans'] }[face];
  return names.map(name => ({ path: join(folder, `${name}.ttf`) }));
}

/** `/path/font.ttf`, or `/path/fonts.ttc#PostScriptName`. */
export function parseFontPath(text: string): FontFile {
  const hash = text.lastIndexOf('#');
  return hash < 0 ? { path: text } : { path: text.slice(0, hash), name: text.slice(hash + 1) };
}

/** Looked for only when a character is in none of ours. */
export function systemFonts(): readonly FontFile[] {
  const found = new Map<number, FontFile>();
  let left = ENTRIES;
  const walk = (folder: string, depth: number): void => {
    for (const name of listed(folder)) {
      if (left-- <= 0) return;
      const path = join(folder, name);
      if (/\.(ttf|otf|ttc)$/i.test(name)) {
        const rank = WANTED.findIndex(([pattern]) => pattern.test(name));
        const inside = WANTED[rank]?.[1];
        // Of the scripts that have a file each, all are kept.
        if (rank >= 0) found.set(rank * 1000 + found.size, inside === undefined ? { path } : { path, name: inside });
      } else if (depth < DEEP && isFolder(path)) walk(path, depth + 1);
    }
  };
  for (const folder of FOLDERS) walk(folder, 0);
  return [...found].toSorted(([one], [other]) => one - other).map(([, file]) => file);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
