/** Address files of other mail systems, put into our language. What has no counterpart is said, never dropped. */
import { parseAliases } from './aliases.ts';
import { parseDomain } from '../domain.ts';

export interface Imported {
  readonly aliases: string;
  /** Lines for `hosteddomains` and `locals`, by file. */
  readonly domains: readonly string[];
  /** What a person has to decide. */
  readonly remarks: readonly string[];
}

/** sendmail's /etc/aliases: almost our language; `owner-x` and `/dev/null` are not quite. */
export function importSendmailAliases(text: string): Imported {
  const remarks: string[] = [];
  const lines = text.split(/\r?\n/);
  const kept: string[] = [];
  for (const [index, line] of lines.entries()) {
    const owner = /^owner-([^\s:]+)\s*:/i.exec(line)?.[1];
    if (owner !== undefined) remarks.push(`line ${index + 1}: owner-${owner} is an alias like any other here; it does not become the sender of mail to ${owner}`);
    // sendmail reads names in any case; `nobody: /dev/null` is an mbox file that is thrown away, here as there.
    kept.push(line.replace(/^("?)([^\s"#:@|]+)\1(\s*:)/, (_, quote: string, name: string, colon: string) => `${quote}${name.toLowerCase()}${quote}${colon}`));
  }
  const aliases = `${kept.join('\n').trimEnd()}\n`;
  const parsed = parseAliases(aliases);
  if (parsed.kind === 'wrong') remarks.push(...parsed.problems.map(({ line, what }) => `line ${line}: ${what}`));
  return { aliases, domains: [], remarks };
}

/** qmail's control/virtualdomains: `domain:prepend`, `user@domain:prepend`, `.domain:prepend`, and exceptions `domain:`. */
export function importVirtualDomains(text: string): Imported {
  const remarks: string[] = [];
  const aliases: string[] = [];
  const domains: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const colon = trimmed.indexOf(':');
    const [left, prepend] = [trimmed.slice(0, Math.max(0, colon)).trim(), trimmed.slice(colon + 1).trim()];
    const say = (what: string) => remarks.push(`line ${index + 1}: ${trimmed}: ${what}`);
    const at = left.lastIndexOf('@');
    const domain = parseDomain(left.slice(at + 1).replace(/^\./, ''));
    if (colon < 0 || domain === null) say('no domain and colon');
    else if (prepend === '') say('an exception: this domain goes out by SMTP; leave it out of locals and hosteddomains');
    else if (left.startsWith('.')) say(`every name under ${domain}: list the names one by one, or use hosteddomains with ${left}`);
    else if (at > 0) aliases.push(`${left}: ${prepend}-${left.slice(0, at)}`);
    else {
      aliases.push(`@${domain}: ${prepend}`);
      domains.push(domain);
    }
  }
  return { aliases: aliases.map(line => `${line}\n`).join(''), domains, remarks };
}
