/** What a TLS policy means for mail, in a sentence, for people. */
import type { TlsPolicy } from '../../core/tls.ts';

export function formatTlsPolicy({ kind, verify, names, authorities, dane, by }: TlsPolicy): string {
  const whom = by === undefined ? '' : `; by ${by}`;
  switch (kind) {
    case 'none':
      return `no TLS${whom}`;
    case 'opportunistic':
      return verify
        ? `TLS when offered, and then its certificate must be good, or the mail waits${whom}`
        : `TLS when offered, with any certificate; in clear when it is not offered or breaks${whom}`;
    case 'required':
    case 'smtps': {
      const how = kind === 'smtps' ? 'TLS from the first octet' : 'TLS';
      return `${how}, ${certificate(verify, names, authorities, dane)}, or the mail waits${whom}`;
    }
    default:
      return kind satisfies never;
  }
}

function certificate(verify: boolean, names: TlsPolicy['names'], authorities: TlsPolicy['authorities'], dane: TlsPolicy['dane']): string {
  if (dane !== undefined) return `with a certificate that ${dane.records.length === 1 ? 'the TLSA record says' : `one of ${dane.records.length} TLSA records says`}`;
  if (!verify) return 'with any certificate';
  return `with a certificate for ${names === undefined ? 'its name' : names.join(' or ')} by ${authorities === undefined ? 'an authority' : 'an authority of the private file'}`;
}
