/** Accounts at providers, for the command line: log in, look, log out, beside the gateway, which sees the files. */
import type { Configuration } from '../../configuration.ts';
import type { OauthDesk } from '../../front/cli/index.ts';
import { openHttpClient } from '../../kit/net/http-client.ts';
import { createSystemClock } from '../../kit/system-clock.ts';
import { createTokenFiles, logInByBrowser, logInByDevice } from '../../service/oauth/index.ts';
import { accountOf } from './smarthosts.ts';

export function openOauthDesk({ client: { oauth }, stateFolder }: Configuration): OauthDesk {
  const clock = createSystemClock();
  const files = createTokenFiles(stateFolder);
  const clients: { close(): Promise<void> }[] = [];
  const found = (name: string) => {
    const settings = oauth.find(one => one.name === name);
    if (settings === undefined) throw new Error(`no account ${name}`);
    const http = openHttpClient({ clock, proxy: () => settings.via });
    clients.push(http);
    return { account: accountOf(settings), rooms: { files, http, clock } };
  };
  return {
    accounts: oauth.map(({ name, provider, login, grant, deviceUrl, authorizeUrl }) => ({ name, provider, login, grant, device: deviceUrl !== undefined, browser: authorizeUrl !== undefined })),
    byDevice(name, show, signal) {
      const { account, rooms } = found(name);
      return logInByDevice(account, rooms, show, signal);
    },
    byBrowser(name) {
      const { account, rooms } = found(name);
      return logInByBrowser(account, rooms);
    },
    async standing(name) {
      const kept = await files.read(found(name).account);
      if (kept === null) return { state: 'absent' };
      const { expiresAt, loginAt, refreshedAt, refresh, withdrawn } = kept;
      const times = { until: expiresAt, loginAt, refreshedAt, refreshable: refresh !== undefined };
      return withdrawn === undefined ? { state: 'in', ...times } : { state: 'withdrawn', why: withdrawn, ...times };
    },
    logOut: name => files.remove(name),
    async close() {
      for (const one of clients) await one.close();
    },
  };
}
