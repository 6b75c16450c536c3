/** The web view beside the health address: whether it is shown, by which names it may be called, and with which token. */
import { isDomain, foldDomain } from '../grammar/config/domain-list.ts';
import { parseLines, parseSwitch } from '../grammar/config/control-file.ts';
import type { Endpoint } from '../grammar/config/endpoint.ts';
import { read, settle, shown, wrong, type Parsed, type Problem } from '../grammar/config/parsed.ts';
import type { Sheet, ValueRule } from './sheet.ts';
import type { WebSettings } from './types.ts';

/** 80 bits as base32 are 16 characters; less can be guessed at from outside. */
const LEAST_TOKEN = 16;
const RIGHT_TOKEN = 'what `openssl rand -hex 16` prints';

export function readWeb(sheet: Sheet, http: Endpoint | null): WebSettings {
  const isShown = sheet.value('webview', true, switchRule);
  const names = sheet.list('webhosts', parseHosts) ?? [];
  sheet.setting('webhosts', names.join(', '), names.length > 0 ? 'webhosts' : undefined);
  const token = sheet.value('webtoken', undefined, tokenRule);
  if (token !== undefined) sheet.demandPrivate('webtoken', { group: true });
  if (isShown && token === undefined && http !== null && !/^127\.|^::1$|^localhost$/.test(http.host)) {
    sheet.notice(sheet.path('httpaddress'), 'the web view is beyond this machine only shown with a token in the file webtoken');
  }
  return { shown: isShown, names, ...(token === undefined ? {} : { token }) };
}

const switchRule: ValueRule<boolean> = { example: 'off', show: value => (value ? 'on' : 'off'), parse: text => parseSwitch(text, 'on or off') };

const tokenRule: ValueRule<string | undefined> = {
  example: RIGHT_TOKEN,
  show: value => (value === undefined ? 'none' : 'set'),
  // Never shown, not even a wrong one: it may be right but for a letter.
  parse: text => (text.length >= LEAST_TOKEN && /^[!-~]+$/.test(text) ? read(text) : wrong(`the token has fewer than ${LEAST_TOKEN} characters, or others than printable ASCII`, RIGHT_TOKEN)),
};

function parseHosts(text: string): Parsed<readonly string[]> {
  const problems: Problem[] = [];
  const names: string[] = [];
  for (const { line, text: name } of parseLines(text)) {
    const folded = foldDomain(name);
    if (isDomain(folded) && !folded.startsWith('[')) names.push(folded);
    else problems.push({ line, what: `${shown(name)} is not a host name`, right: 'gateway.example.com' });
  }
  return settle(names, problems);
}
