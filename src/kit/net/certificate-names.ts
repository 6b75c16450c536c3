/** What Node does not tell of a certificate: its names by their forms, and how an authority is limited (RFC 5280 §4.2.1). */
import type { X509Certificate } from 'node:crypto';
import { readDer, type DerElement } from './der.ts';

/** RFC 5280 §4.2.1.6, by their tags. */
export type NameForm = 'email' | 'dns' | 'x400' | 'directory' | 'edi' | 'uri' | 'address' | 'registered' | 'other';

/** `text`: of a DNS name in small letters; of a directory name an RDN a line; of all else hexadecimal. */
export interface CertificateName {
  readonly form: NameForm;
  readonly text: string;
}

export interface CertificateNames {
  readonly issuer: string;
  readonly subject: string;
  readonly commonName: string | null;
  readonly alternatives: readonly CertificateName[];
  /** RFC 5280 §4.2.1.9; null: any number of authorities may stand below. */
  readonly pathLength: number | null;
  readonly permitted: readonly CertificateName[];
  readonly excluded: readonly CertificateName[];
}

const FORMS: readonly NameForm[] = ['other', 'email', 'dns', 'x400', 'directory', 'edi', 'uri', 'address', 'registered'];
const [ALTERNATIVES, BASIC, CONSTRAINTS] = ['551d11', '551d13', '551d1e'];
const COMMON_NAME = '550403';
const SEQUENCE = 0x30;

/** Null: it cannot be read, so nobody knows what it is limited to. */
export function readCertificateNames({ raw }: X509Certificate): CertificateNames | null {
  const fields = inner(inner(raw)?.[0]?.content, true);
  if (fields === null) return null;
  // The version stands in front where there is one.
  const from = fields[0]?.tag === 0xa0 ? 1 : 0;
  const issuer = directoryName(fields[from + 2]?.content);
  const subject = directoryName(fields[from + 4]?.content);
  const extensions = extensionsOf(fields.find(({ tag }) => tag === 0xa3)?.content);
  if (issuer === null || subject === null || extensions === null) return null;
  const constraints = extensions.has(CONSTRAINTS) ? inner(extensions.get(CONSTRAINTS)) : [];
  const alternatives = extensions.has(ALTERNATIVES) ? generalNames(inner(extensions.get(ALTERNATIVES))) : [];
  const permitted = subtrees(constraints, 0xa0);
  const excluded = subtrees(constraints, 0xa1);
  const pathLength = extensions.has(BASIC) ? pathLengthOf(inner(extensions.get(BASIC))) : null;
  if (alternatives === null || permitted === null || excluded === null || pathLength === 'unreadable') return null;
  return { issuer: issuer.text, subject: subject.text, commonName: subject.commonName, alternatives, pathLength, permitted, excluded };
}

/** The elements within the first one. */
function inner(octets: Buffer | undefined, already = false): readonly DerElement[] | null {
  if (octets === undefined) return null;
  if (already) return readDer(octets);
  const [whole] = readDer(octets) ?? [];
  return whole?.tag === SEQUENCE ? readDer(whole.content) : null;
}

function extensionsOf(octets: Buffer | undefined): ReadonlyMap<string, Buffer> | null {
  const found = new Map<string, Buffer>();
  if (octets === undefined) return found;
  for (const { content } of inner(octets) ?? [{ content: Buffer.of(0xff) }]) {
    const parts = readDer(content);
    const value = parts?.at(-1);
    if (parts?.[0]?.tag !== 0x06 || value?.tag !== 0x04) return null;
    found.set(parts[0].content.toString('hex'), value.content);
  }
  return found;
}

function pathLengthOf(parts: readonly DerElement[] | null): number | null | 'unreadable' {
  if (parts === null) return 'unreadable';
  const number = parts.find(({ tag }) => tag === 0x02);
  if (number === undefined) return null;
  return number.content.length === 0 || number.content.length > 4 ? 'unreadable' : number.content.readUIntBE(0, number.content.length);
}

/** RFC 5280 §4.2.1.10: minimum and maximum are not for certificates of the Internet, so a subtree is its base. */
function subtrees(constraints: readonly DerElement[] | null, wanted: number): readonly CertificateName[] | null {
  if (constraints === null) return null;
  const list = constraints.find(({ tag }) => tag === wanted);
  const bases = list === undefined ? [] : readDer(list.content)?.map(({ content }) => readDer(content)?.[0]);
  return bases === undefined || bases.includes(undefined) ? null : generalNames(bases as readonly DerElement[]);
}

function generalNames(elements: readonly DerElement[] | null): readonly CertificateName[] | null {
  const names = elements?.map(({ tag, content }): CertificateName | null => {
    const form = FORMS[tag & 0x1f] ?? 'other';
    if (form === 'dns') return { form, text: content.toString('latin1').toLowerCase() };
    if (form !== 'directory') return { form, text: content.toString('hex') };
    const [whole] = readDer(content) ?? [];
    const name = directoryName(whole?.content);
    return name === null ? null : { form, text: name.text };
  });
  return names === undefined || names.includes(null) ? null : (names as readonly CertificateName[]);
}

/** An RDN a line, as two that mean the same are compared: without case and with single blanks (RFC 5280 §7.1). */
function directoryName(octets: Buffer | undefined): { readonly text: string; readonly commonName: string | null } | null {
  const rdns = octets === undefined ? null : readDer(octets);
  if (rdns === null) return null;
  let commonName: string | null = null;
  let text = '';
  for (const { content } of rdns) {
    const attributes: string[] = [];
    for (const { content: attribute } of readDer(content) ?? [{ content: Buffer.of(0xff) }]) {
      const [type, value] = readDer(attribute) ?? [];
      if (type === undefined || value === undefined) return null;
      const word = stringOf(value);
      const oid = type.content.toString('hex');
      if (oid === COMMON_NAME) commonName = word;
      attributes.push(`${oid}=${word.toLowerCase().trim().replace(/\s+/g, ' ')}`);
    }
    text += `${attributes.toSorted().join('+')}\n`;
  }
  return { text, commonName };
}

function stringOf({ tag, content }: DerElement): string {
  switch (tag) {
    case 0x0c:
      return content.toString('utf8');
    case 0x1e:
      return Buffer.from(content.subarray(0, content.length & ~1)).swap16().toString('utf16le');
    default:
      return content.toString('latin1');
  }
}
