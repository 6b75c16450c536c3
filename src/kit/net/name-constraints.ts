/** Whether the authorities of a path may vouch for the names below them (RFC 5280 §4.2.1.9, §4.2.1.10, §6.1). Pure. */
import type { X509Certificate } from 'node:crypto';
import { readCertificateNames, type CertificateName, type CertificateNames, type NameForm } from './certificate-names.ts';

/** `path` from the peer's certificate to the anchor; `host`: by which name the peer is meant. Null: nothing forbids it. */
export function forbiddenBy(path: readonly X509Certificate[], host: string): string | null {
  const all = path.map(readCertificateNames);
  if (all.includes(null)) return 'a certificate on the way to the trust anchor cannot be read';
  const names = all as readonly CertificateNames[];
  let authorities = 0;
  for (const [depth, issuer] of names.entries()) {
    if (depth === 0) continue;
    if (issuer.pathLength !== null && authorities > issuer.pathLength) return `an authority may have ${issuer.pathLength} others below it, and has ${authorities}`;
    if (issuer.permitted.length + issuer.excluded.length > 0) {
      const below = names.slice(0, depth).filter((one, n) => n === 0 || !isSelfIssued(one));
      const forbidden = [...below.flatMap(namesOf), { form: 'dns', text: host.toLowerCase() } as const].find(name => !allows(issuer, name));
      if (forbidden !== undefined) return `an authority may not vouch for ${forbidden.form === 'dns' ? forbidden.text : `this ${forbidden.form} name`}`;
    }
    if (!isSelfIssued(issuer)) authorities++;
  }
  return null;
}

function isSelfIssued({ issuer, subject }: CertificateNames): boolean {
  return issuer === subject;
}

/** Where no DNS name is given, the common name is taken for one, so it is limited like one. */
function namesOf({ alternatives, subject, commonName }: CertificateNames, depth: number): readonly CertificateName[] {
  const named = depth > 0 || commonName === null || alternatives.some(({ form }) => form === 'dns');
  return [...alternatives, ...(subject === '' ? [] : [{ form: 'directory', text: subject } as const]), ...(named ? [] : [{ form: 'dns', text: commonName.toLowerCase() } as const])];
}

function allows({ permitted, excluded }: CertificateNames, name: CertificateName): boolean {
  const ofForm = (list: readonly CertificateName[]) => list.filter(({ form }) => form === name.form);
  const [allowed, denied] = [ofForm(permitted), ofForm(excluded)];
  if (allowed.length === 0 && denied.length === 0) return true;
  const within = WITHIN[name.form];
  // RFC 5280 §4.2.1.10: who cannot judge a limited form rejects it.
  if (within === undefined) return false;
  return !denied.some(base => within(name.text, base.text)) && (allowed.length === 0 || allowed.some(base => within(name.text, base.text)));
}

const WITHIN: Readonly<Partial<Record<NameForm, (name: string, base: string) => boolean>>> = {
  dns(name, base) {
    if (base === '' || name === base) return true;
    return name.endsWith(base.startsWith('.') ? base : `.${base}`);
  },
  directory: (name, base) => name.startsWith(base),
  /** The base is address and mask. */
  address(name, base) {
    if (base.length !== name.length * 2) return false;
    const [one, whole] = [Buffer.from(name, 'hex'), Buffer.from(base, 'hex')];
    return one.every((octet, n) => ((octet ^ (whole[n] as number)) & (whole[one.length + n] as number)) === 0);
  },
};
