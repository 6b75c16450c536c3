/** Which certificate a client is shown: by the name it asks for, else by the address it called, else the listener's. */
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TlsOptions } from './options.ts';

/** As the package has them for the others. Without a session context a client with a certificate could resume nothing. */
const usual = { honorCipherOrder: true, sessionIdContext: 'posthorn' };

/** Throws when any of them is no good; gives those for addresses. */
export function checkContexts(tls: TlsOptions): ReadonlyMap<string, SecureContext> {
  const { sni, addresses } = tls;
  for (const one of [tls, ...Object.values(sni ?? {})]) createSecureContext(one);
  return new Map(Object.entries(addresses ?? {}).map(([address, one]) => [address, createSecureContext({ ...usual, ...one })]));
}

/** Names are in lower case; `*` is for everybody else. */
export function bestContext(contexts: ReadonlyMap<string, SecureContext>, servername: string): SecureContext | undefined {
  const name = servername.toLowerCase();
  const dot = name.indexOf('.');
  return contexts.get(name) ?? (dot < 0 ? undefined : contexts.get(`*${name.slice(dot)}`)) ?? contexts.get('*');
}
