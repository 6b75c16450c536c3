/** A provider of tokens on loopback: device flow, browser flow, refresh with rotation, and every way to say no. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

export interface Asked {
  readonly path: string;
  readonly form: URLSearchParams;
}

/** A status and a JSON body, or octets that are none; null: nothing, and the connection ends. */
export type Said = { readonly status: number; readonly body: unknown } | null;

export interface TokenServer {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** Refresh tokens that were given and are still good. */
  readonly good: ReadonlySet<string>;
  /** The last access token given. */
  readonly access: string;
  /** The person has typed the code. */
  approve(): void;
  /** All refresh tokens are withdrawn. */
  revoke(): void;
  /** Asked before the ordinary answer; undefined: the ordinary one. */
  obey(answer: (asked: Asked) => Said | undefined | Promise<Said | undefined>): void;
  /** Where a browser would end that was sent to `url` and said yes there. */
  browse(url: string): string;
  close(): Promise<void>;
}

export interface TokenServerOptions {
  readonly livesS?: number;
  /** A refresh token is good once. */
  readonly rotates?: boolean;
}

export async function openTokenServer({ livesS = 3600, rotates = true }: TokenServerOptions = {}): Promise<TokenServer> {
  const asked: Asked[] = [];
  const good = new Set<string>();
  const codes = new Map<string, string>();
  let rules: Parameters<TokenServer['obey']>[0] = () => undefined;
  let approved = false;
  let given = 0;
  let access = '';

  function tokens(): Said {
    given++;
    access = `access-${given}`;
    const body = { access_token: access, token_type: 'Bearer', expires_in: livesS };
    if (!rotates && good.size > 0) return { status: 200, body };
    if (rotates) good.clear();
    good.add(`refresh-${given}`);
    return { status: 200, body: { ...body, refresh_token: `refresh-${given}` } };
  }
  const no = (error: string): Said => ({ status: 400, body: { error, error_description: `AADSTS70000: ${error}` } });

  function answer({ path, form }: Asked): Said {
    if (form.get('client_id') !== 'the-client') return { status: 401, body: { error: 'invalid_client' } };
    if (path === '/device') return { status: 200, body: { device_code: 'dev-1', user_code: 'ABCD-EFGH', verification_uri: `${url}/activate`, expires_in: 900, interval: 5, message: 'Go there' } };
    switch (form.get('grant_type') ?? '') {
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return form.get('device_code') !== 'dev-1' ? no('invalid_grant') : approved ? tokens() : no('authorization_pending');
      case 'refresh_token':
        return good.has(form.get('refresh_token') ?? '') ? tokens() : no('invalid_grant');
      case 'client_credentials':
        return form.get('client_secret') === 'hush' ? tokens() : no('invalid_client');
      case 'authorization_code':
        return codes.get(form.get('code') ?? '') === createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') ? tokens() : no('invalid_grant');
      default:
        return no('unsupported_grant_type');
    }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      const one: Asked = { path: request.url ?? '', form: new URLSearchParams(Buffer.concat(chunks).toString()) };
      asked.push(one);
      Promise.resolve(rules(one)).then(said => {
        const wanted = said === undefined ? answer(one) : said;
        if (wanted === null) request.socket.destroy();
        else response.writeHead(wanted.status, { 'content-type': 'application/json' }).end(typeof wanted.body === 'string' ? wanted.body : JSON.stringify(wanted.body));
      }, () => request.socket.destroy());
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  return {
    url, asked, good,
    get access() { return access; },
    approve() { approved = true; },
    revoke() { good.clear(); },
    obey(next) { rules = next; },
    browse(asking) {
      const { searchParams } = new URL(asking);
      codes.set('code-1', searchParams.get('code_challenge') ?? '');
      return `${searchParams.get('redirect_uri') ?? ''}?code=code-1&state=${searchParams.get('state') ?? ''}`;
    },
    close() {
      server.closeAllConnections();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}
