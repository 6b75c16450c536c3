/** Several back-ends as one, in order: the first that knows a login answers. */
import type { AuthAnswer, AuthBackend } from '../../core/auth.ts';

export function createBackends(all: readonly AuthBackend[]): AuthBackend {
  async function first(ask: (backend: AuthBackend) => Promise<AuthAnswer>): Promise<AuthAnswer> {
    for (const backend of all) {
      const answer = await ask(backend);
      // Who cannot answer might have known: the next one's word would be for somebody else's account.
      if (answer.kind !== 'rejected') return answer;
    }
    return { kind: 'rejected' };
  }
  return { name: all.map(({ name }) => name).join(', '), verify: (login, proof) => first(one => one.verify(login, proof)), find: login => first(one => one.find(login)) };
}
