/** Whose mail is ours: `locals`, `hosteddomains`, `esmtpacceptmailfor` and its folder, `trialdomains`. */
import { join } from 'node:path';
import { createDomainList, parseDomainList, type DomainList, type DomainPattern } from '../grammar/config/domain-list.ts';
import { createHostedDomains, parseHostedDomains } from '../grammar/config/hosted-domains.ts';
import { leftovers } from './known-files.ts';
import { reviewAccepted } from './open-relay.ts';
import type { Sheet } from './sheet.ts';
import type { Domains } from './types.ts';

export function readDomains(sheet: Sheet, me: string, hostName: string): Domains {
  const list = (name: string, fallback: readonly string[]): readonly DomainPattern[] => {
    const found = sheet.list(name, (text) => parseDomainList(text, hostName));
    const patterns = found ?? fallback.map((domain): DomainPattern => ({ line: 0, domain, match: 'exact', excluded: false }));
    sheet.setting(name, patterns.map(shownPattern).join(', '), found === undefined ? undefined : name);
    return patterns;
  };
  const locals = list('locals', [me]);
  const hosted = filesOf(sheet, 'hosteddomains').flatMap((file) => sheet.list(file, (text) => parseHostedDomains(text, hostName)) ?? []);
  const hostedNames = hosted.map(({ domain, aliasOf }) => (aliasOf === undefined ? domain : `${domain} = ${aliasOf}`));
  sheet.setting('hosteddomains', hostedNames.join(', '), hosted.length > 0 ? 'hosteddomains' : undefined);
  const accepted = list('esmtpacceptmailfor', [me]);
  reviewAccepted(sheet, 'esmtpacceptmailfor', accepted);
  const more = filesOf(sheet, 'esmtpacceptmailfor.dir').flatMap((file) => {
    const patterns = sheet.list(file, (text) => parseDomainList(text, hostName)) ?? [];
    reviewAccepted(sheet, file, patterns);
    return patterns;
  });
  sheet.setting('esmtpacceptmailfor.dir', more.map(shownPattern).join(', '), more.length > 0 ? 'esmtpacceptmailfor.dir' : undefined);
  return {
    locals: createDomainList(locals),
    hosted: createHostedDomains(hosted),
    acceptMailFor: eitherOf(createDomainList(accepted), createDomainList(more)),
    percentRelay: createDomainList([...list('esmtppercentrelay', []), ...listed(sheet, 'esmtppercentrelay.dir', hostName)]),
    trial: createDomainList(list('trialdomains', [])),
  };
}

function listed(sheet: Sheet, folder: string, hostName: string): readonly DomainPattern[] {
  const patterns = sheet.names(folder) === undefined ? [] : filesOf(sheet, folder).flatMap((file) => sheet.list(file, (text) => parseDomainList(text, hostName)) ?? []);
  sheet.setting(folder, patterns.map(shownPattern).join(', '), patterns.length > 0 ? folder : undefined);
  return patterns;
}

/** Both are asked: an exception in one takes nothing out of the other. */
function eitherOf(first: DomainList, second: DomainList): DomainList {
  if (second.patterns.length === 0) return first;
  return { patterns: [...first.patterns, ...second.patterns], has: (domain) => first.has(domain) || second.has(domain) };
}

/** The text files that make up `name`: itself, or those in it. */
export function filesOf(sheet: Sheet, name: string): readonly string[] {
  return sheet.names(name)?.filter((entry) => !leftovers.test(entry)).map((entry) => join(name, entry)) ?? [name];
}

function shownPattern({ domain, match, excluded }: DomainPattern): string {
  return `${excluded ? '!' : ''}${match === 'subdomains' ? '.' : ''}${domain}`;
}
