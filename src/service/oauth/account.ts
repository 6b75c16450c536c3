/** An account at a provider, as the room needs it: what the file `oauth` says, with its proxy found. */
import type { Proxy } from '../../kit/socks.ts';

export interface Account {
  readonly name: string;
  readonly login: string;
  readonly client: string;
  readonly secret?: string;
  readonly scope: string;
  readonly grant: 'user' | 'client';
  readonly deviceUrl?: string;
  readonly authorizeUrl?: string;
  readonly tokenUrl: string;
  readonly via?: Proxy;
}
