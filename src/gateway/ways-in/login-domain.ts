/** DEFDOMAIN and DOMAINSEP: what somebody types as a login, and the account that is meant. */
import type { AuthBackend } from '../../core/auth.ts';

export interface LoginDomain {
  /** Of logins that name none; null: they stay as they are. */
  readonly domain: string | null;
  /** Letters that stand for `@` where a program cannot send one. */
  readonly separators: string;
}

export function meantLogin(typed: string, { domain, separators }: LoginDomain): string {
  if (typed.includes('@')) return typed;
  const at = typed.split('').findIndex(letter => separators.includes(letter));
  if (at > 0) return `${typed.slice(0, at)}@${typed.slice(at + 1)}`;
  return domain === null || typed === '' ? typed : `${typed}@${domain}`;
}

export function withLoginDomain(backend: AuthBackend, meaning: LoginDomain): AuthBackend {
  const meant = (login: string): string => meantLogin(login, meaning);
  const { salt } = backend;
  return {
    name: backend.name,
    verify: (login, proof) => backend.verify(meant(login), proof),
    find: login => backend.find(meant(login)),
    ...(salt === undefined ? {} : { salt: (login, digest) => salt.call(backend, meant(login), digest) }),
  };
}
