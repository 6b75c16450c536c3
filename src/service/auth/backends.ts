/** Several back-ends as one, in order: the first that knows a login answers. */
import type { AuthAnswer, AuthBackend, SaltAnswer, ScramDigest } from '../../core/auth.ts';

export function createBackends(all: readonly AuthBackend[]): AuthBackend {
  async function first(ask: (backend: AuthBackend) => Promise<AuthAnswer>): Promise<AuthAnswer> {
    for (const backend of all) {
      const answer = await ask(backend);
      // Who cannot answer might have known: the next one's word would be for somebody else's account.
      if (answer.kind !== 'rejected') return answer;
    }
    return { kind: 'rejected' };
  }
  const salting = all.filter(({ salt }) => salt !== undefined);
  /** Whose login it is, his salt; nobody's, what the first one makes up. */
  async function salt(login: string, digest: ScramDigest): Promise<SaltAnswer> {
    let madeUp: SaltAnswer | undefined;
    for (const backend of salting) {
      const answer = await backend.salt?.(login, digest);
      if (answer === undefined) continue;
      if (answer.kind === 'unavailable' || answer.known) return answer;
      madeUp ??= answer;
    }
    return madeUp ?? { kind: 'unavailable', why: 'nobody knows SCRAM' };
  }
  return { ...(salting.length === 0 ? {} : { salt }), name: all.map(({ name }) => name).join(', '), verify: (login, proof) => first(one => one.verify(login, proof)), find: login => first(one => one.find(login)) };
}
