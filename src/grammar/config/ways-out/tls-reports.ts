/**
 * `tlsreports`, one a line: `off`, or any of `send`, `write FOLDER`, `organization NAME`, `contact ADDRESS`. Without the file
 * results are counted for `posthorn tlsrpt`, and nobody is told.
 */
import { parseAddress } from '../../address.ts';
import { parseLines } from '../control-file.ts';
import { settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface TlsReports {
  readonly collect: boolean;
  /** To whom a domain's record names. */
  readonly send: boolean;
  /** Absolute; null: reports are not written. */
  readonly folder: string | null;
  readonly organization?: string;
  readonly contact?: string;
}

export const usualTlsReports: TlsReports = { collect: true, send: false, folder: null };

const example = 'send';

export function parseTlsReports(text: string): Parsed<TlsReports> {
  const problems: Problem[] = [];
  const found: { collect: boolean; send: boolean; folder: string | null; organization?: string; contact?: string } = { ...usualTlsReports };
  const lines = parseLines(text);
  for (const { line, text: entry } of lines) {
    const [word = '', ...rest] = entry.split(/\s+/);
    const value = rest.join(' ');
    const report = (what: string, right = example): void => void problems.push({ line, what, right });
    if (word === 'off' && value === '') {
      found.collect = false;
      if (lines.length > 1) report('off stands alone', 'off');
    } else if (word === 'send' && value === '') found.send = true;
    else if (word === 'write' && value.startsWith('/')) found.folder = value.replace(/(?<=.)\/+$/, '');
    else if (word === 'write') report(`${shown(value)} is no absolute path`, 'write /var/lib/posthorn/tls-reports');
    else if (word === 'organization' && value !== '') found.organization = value;
    else if (word === 'contact' && value.includes('@') && parseAddress(value) !== null) found.contact = value;
    else if (word === 'contact') report(`${shown(value)} is not a mail address`, 'contact postmaster@example.com');
    else report(`${shown(entry)} is not off, send, write FOLDER, organization NAME or contact ADDRESS`);
  }
  return settle(found, problems);
}

export function formatTlsReports({ collect, send, folder, organization, contact }: TlsReports): string {
  if (!collect) return 'off';
  return ['collect', ...(send ? ['send'] : []), ...(folder === null ? [] : [`write ${folder}`]), ...(organization === undefined ? [] : [`organization ${organization}`]), ...(contact === undefined ? [] : [`contact ${contact}`])].join('; ');
}
