/** `tlspolicy`, with the authorities that its lines point to; `tlsreports`. */
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { parseTlsPolicies, type TlsRule } from '../../grammar/config/ways-out/tls-policies.ts';
import { formatTlsReports, parseTlsReports, usualTlsReports, type TlsReports } from '../../grammar/config/ways-out/tls-reports.ts';
import { readText, type Sheet } from '../sheet.ts';
import type { DomainTls } from './types.ts';

export function readTlsPolicies(sheet: Sheet): readonly DomainTls[] {
  const rules = sheet.list('tlspolicy', parseTlsPolicies) ?? [];
  sheet.setting('tlspolicy', rules.map(({ domain, policy }) => `${domain === '' ? '*' : domain} ${policy}`).join('; '), rules.length > 0 ? 'tlspolicy' : undefined);
  return rules.map(rule => ({ domain: rule.domain, policy: rule.policy, names: rule.names, ...(rule.file === undefined ? {} : { authorities: readAuthorities(sheet, rule, rule.file) }) }));
}

export function readTlsReports(sheet: Sheet): TlsReports {
  const given = sheet.list('tlsreports', parseTlsReports);
  const found = given ?? usualTlsReports;
  sheet.setting('tlsreports', formatTlsReports(found), given === undefined ? undefined : 'tlsreports');
  return found;
}

/** PEM, one certificate each. */
function readAuthorities(sheet: Sheet, { line }: TlsRule, file: string): readonly string[] {
  const path = resolve(sheet.folder, file);
  const text = readText(sheet, path) ?? '';
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const good = found.filter(isCertificate);
  if (good.length === 0 || good.length < found.length) {
    sheet.problem(sheet.path('tlspolicy'), line, `${path} ${text === '' ? 'is not there, or empty' : 'holds no certificate, or one that cannot be read'}`, 'a PEM file with the certificates of authorities');
  }
  return good;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
