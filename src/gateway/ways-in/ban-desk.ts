/** What an operator sees of bans, and how one is lifted by any address in it. */
import type { Notes } from '../../core/notes.ts';
import type { Ban, QueueDesk } from '../../core/operations.ts';
import { networkHas, parseIpAddress, parseNetwork } from '../../grammar/config/network.ts';

export function createBanDesk(notes: Notes): Pick<QueueDesk, 'bans' | 'clearBans'> {
  return {
    bans: () => Promise.resolve(notes.all('ban').map(({ key, at, until, count, why = '' }): Ban => {
      const [kind, ...who] = key.split(' ');
      return { kind: kind === 'net' ? 'network' : 'login', who: who.join(' '), at, until, why: `${count} ${why}` };
    })),
    async clearBans(which) {
      if (which === 'all') return notes.forget('ban', 'all');
      const found = notes.all('ban').filter(({ key }) => covers(key, which.who));
      const counts = await Promise.all(found.map(({ key }) => notes.forget('ban', { key })));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}

function covers(key: string, who: string): boolean {
  if (key === `net ${who}` || key === `login ${who.toLowerCase()}`) return true;
  const address = parseIpAddress(who);
  const network = parseNetwork(key.replace(/^net /, ''));
  return address !== null && key.startsWith('net ') && network.kind === 'read' && networkHas(network.value, address);
}
