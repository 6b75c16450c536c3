/** Why a handshake failed, in words that help whoever has to set up the other side. */

const HINTS: Readonly<Record<string, string>> = {
  'unsupported protocol': 'the client speaks older TLS than is taken here',
  'version too low': 'the client speaks older TLS than is taken here',
  'no shared cipher': 'the client knows no cipher that is taken here',
  'wrong version number': 'the client does not speak TLS',
  'http request': 'the client speaks HTTP',
  'no suitable signature algorithm': 'the client cannot check a certificate of this kind',
};

/** OpenSSL's own words are between its routines' names. */
export function tlsTrouble(cause: Error): string {
  const said = messageOf(cause);
  const words = /SSL routines:[^:]*:([^:]+)/.exec(said)?.[1] ?? said.trim();
  const hint = HINTS[words];
  return `TLS: ${words}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Of a handshake that came before any session. */
export function relayOf(cause: Error): string | undefined {
  const { remoteAddress } = metaOf(cause);
  return typeof remoteAddress === 'string' ? remoteAddress.replace(/^::ffff:(?=\d+\.)/i, '') : undefined;
}

/** The package keeps what was said beside the error, and the client's address. */
function metaOf(cause: Error): Readonly<Record<string, unknown>> {
  const meta = 'meta' in cause ? cause.meta : undefined;
  return typeof meta === 'object' && meta !== null ? { ...meta } : {};
}

function messageOf(cause: Error): string {
  const { message } = metaOf(cause);
  return typeof message === 'string' ? message : cause.message;
}
