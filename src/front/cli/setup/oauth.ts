import { createInterface } from 'node:readline';
import { formatWhen } from '../figures.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command, type Context, type OauthDesk, type OauthStanding } from '../command.ts';

export const oauth: Command = {
  name: 'oauth',
  summary: 'log in at providers that want tokens instead of passwords',
  help: `oauth login NAME [--browser]
       posthorn oauth status [NAME] [--json]
       posthorn oauth logout NAME

login   shows an address and a code: open the address on any device, type the code, say yes. With --browser (where a
        provider has no device flow for mail, as Google): open the address that is shown, say yes, and paste back the
        address at which the browser ends, even if it says that nothing is there.
status  who is logged in, how long the token is good.
logout  forgets the tokens; mail by this account waits.

NAME is an account in the file oauth. A gateway that runs sees the login at once, and refreshes the token by itself.

Exit status: 0; 1 when somebody has to log in; 69 when the provider cannot be reached; 77 when it refused.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { browser: { type: 'boolean' }, json: { type: 'boolean' } } });
    const [word = '', name, more] = positionals;
    if (!['login', 'status', 'logout'].includes(word)) throw new Usage('oauth needs one of: login, status, logout');
    if (more !== undefined || (word !== 'status' && name === undefined)) throw new Usage(`oauth ${word} needs the name of one account`);
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    const desk = await context.rooms.oauth(configuration);
    try {
      if (name !== undefined && !desk.accounts.some(one => one.name === name)) {
        await print(context.stderr, `There is no account ${name} in the file oauth${desk.accounts.length === 0 ? '' : `; there are ${desk.accounts.map(one => one.name).join(', ')}`}.`);
        return exits.usage;
      }
      if (word === 'status') return await showStatus(context, desk, name, values.json === true);
      if (word === 'logout') return await logOut(context, desk, name ?? '');
      return await logIn(context, desk, name ?? '', values.browser === true);
    } finally {
      await desk.close();
    }
  },
};

async function logIn(context: Context, desk: OauthDesk, name: string, browser: boolean): Promise<number> {
  const account = desk.accounts.find(one => one.name === name);
  if (account?.grant === 'client') {
    await print(context.stdout, `${name} has grant=client: the program itself is let in, and nobody has to log in.`);
    return exits.ok;
  }
  const giveUp = new AbortController();
  const interrupted = () => giveUp.abort();
  process.once('SIGINT', interrupted);
  try {
    const result = browser || account?.device !== true ? await byBrowser(context, desk, name, giveUp.signal) : await desk.byDevice(name, async ({ url, userCode, wholeUrl, livesS }) => {
      await print(context.stdout, `Open ${url}\nand type the code ${userCode}${wholeUrl === undefined ? '' : `\n(or open ${wholeUrl})`}\nas ${account.login}, within ${Math.round(livesS / 60)} minutes. Waiting ...`);
    }, giveUp.signal);
    if (result.kind !== 'in') {
      await print(context.stderr, `Not logged in: ${result.why}.`);
      return result.kind === 'denied' ? exits.noPermission : exits.unavailable;
    }
    await print(context.stdout, `${name} is logged in as ${account?.login ?? ''}; the token is good until ${formatWhen(result.until)}${result.refreshable ? ' and is refreshed by itself' : ''}.`);
    if (!result.refreshable) await print(context.stderr, 'The provider gave no refresh token: somebody has to log in again then. The scope may lack offline_access.');
    return exits.ok;
  } finally {
    process.off('SIGINT', interrupted);
  }
}

async function byBrowser(context: Context, desk: OauthDesk, name: string, signal: AbortSignal): ReturnType<OauthDesk['byDevice']> {
  const login = desk.byBrowser(name);
  if (login === null) return { kind: 'denied', why: 'this provider has no browser flow (authorize=)' };
  await print(context.stdout, `Open this address, and say yes:\n\n${login.url}\n\nThe browser ends at an address that begins with http://127.0.0.1: paste that here.`);
  const line = await firstLine(context, signal);
  return line === null ? { kind: 'unavailable', why: 'nothing was pasted' } : login.finish(line, signal);
}

function firstLine({ stdin }: Context, signal: AbortSignal): Promise<string | null> {
  const lines = createInterface({ input: stdin });
  return new Promise(resolve => {
    const end = (line: string | null) => {
      signal.removeEventListener('abort', gone);
      resolve(line);
      lines.close();
    };
    const gone = () => end(null);
    signal.addEventListener('abort', gone);
    lines.once('line', end).once('close', gone);
  });
}

async function logOut(context: Context, desk: OauthDesk, name: string): Promise<number> {
  const was = await desk.logOut(name);
  await print(context.stdout, was ? `${name}: the tokens are gone. The provider may still list this program as let in; there it can be withdrawn.` : `${name} was not logged in.`);
  return exits.ok;
}

async function showStatus(context: Context, desk: OauthDesk, only: string | undefined, json: boolean): Promise<number> {
  let worst: number = exits.ok;
  const accounts = desk.accounts.filter(({ name }) => only === undefined || name === only);
  if (accounts.length === 0 && !json) await print(context.stdout, 'No account is configured: the file oauth is not there, or empty.');
  for (const { name, provider, login, grant } of accounts) {
    const standing = await desk.standing(name);
    if (standing.state !== 'in' && grant === 'user') worst = exits.failed;
    await print(context.stdout, json ? JSON.stringify({ name, provider, login, grant, ...standing }) : `${name}  ${login} at ${provider}: ${describe(standing, grant)}`);
  }
  return worst;
}

function describe(standing: OauthStanding, grant: 'user' | 'client'): string {
  switch (standing.state) {
    case 'absent':
      return grant === 'client' ? 'no token yet; it is asked for with the first mail' : 'nobody is logged in';
    case 'withdrawn':
      return standing.why;
    case 'in':
      return `logged in ${formatWhen(standing.loginAt)}, refreshed ${formatWhen(standing.refreshedAt)}, good until ${formatWhen(standing.until)}${standing.refreshable || grant === 'client' ? '' : '; it cannot be refreshed'}`;
    default:
      return standing satisfies never;
  }
}
