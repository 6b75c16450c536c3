/**
 * Sealing by ARC (RFC 8617): what we found when foreign mail came is vouched for when it leaves again, for behind us SPF fails
 * and a signature may. Only what our own fields say is sealed, and a chain that was not whole, or did not pass, is left alone.
 */
import { chainResult, formatArcResults, formatUnsignedSeal, ownResults, readChain } from '../../grammar/dkim/arc.ts';
import { formatSignature, formatUnsigned, isWorthSigning, relaxedField, selectFields } from '../../grammar/dkim/signature.ts';
import { signText, type Digested, type DkimKey } from './dkim.ts';

export interface ArcSealer extends DkimKey {
  /** Who speaks in our Authentication-Results. */
  readonly host: string;
}

/** The three fields to put before the message; null: there is nothing to seal. `ownOctets`: so much of the header is ours. */
export async function sealMessage({ header, fields, bodyHash }: Digested, { domain, selector, key, host }: ArcSealer, ownOctets: number, at: number): Promise<string | null> {
  // Whoever wrote the rest could write in our name as well.
  const results = ownResults(fields.filter(({ end }) => end <= ownOctets), host);
  const chain = readChain(header, fields);
  if (results === null || chain === null) return null;
  if (chain.instances > 0 && chainResult(results) !== 'pass') return null;
  const instance = chain.instances + 1;
  const algorithm = key.asymmetricKeyType === 'ed25519' ? 'ed25519-sha256' : 'rsa-sha256';
  const said = formatArcResults(instance, host, results);
  // RFC 8617 §4.1.2: signatures that were there, and no field of ARC or Authentication-Results.
  const { names, hashed } = selectFields(header, fields, name => isWorthSigning(name) || name === 'dkim-signature');
  const unsigned = formatUnsigned({ algorithm, domain, selector, at, names, bodyHash }).replace('DKIM-Signature: v=1;', `ARC-Message-Signature: i=${instance};`);
  const signed = formatSignature(unsigned, await signText(`${hashed}${relaxedField(unsigned)}`, key));
  const seal = formatUnsignedSeal({ instance, algorithm, result: chain.instances === 0 ? 'none' : 'pass', domain, selector, at });
  const covered = `${chain.hashed}${relaxedField(said)}\r\n${relaxedField(signed)}\r\n${relaxedField(seal)}`;
  return formatSignature(seal, await signText(covered, key)) + signed + said;
}
