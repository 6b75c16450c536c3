/**
 * SCRAM, the server's side (RFC 5802 §5, RFC 7677), as pure state: who holds the keys computes, this reads and writes the
 * messages and sees to it that the channel binding is what the channel has.
 *
 *   begin ─▶ salt wanted ─▶ server-first ─▶ client-final ─▶ proof ─▶ server-final ─▶ done
 */
import type { ScramDigest } from '../../core/auth.ts';
import { challenge, decodeBase64, decodeOctets, hopeless, malformed, type BindingType, type Exchange, type ExchangeSetting, type Mechanism, type Step } from './exchange.ts';

type ScramMechanism = Extract<Mechanism, `SCRAM-${string}`>;

/** RFC 5802 §7: a comma and an equals sign of a name stand as =2C and =3D. */
const NAME = /^(?:[^,=\0]|=2C|=3D)+$/;
/** `n`, `y` or `p=type`, an authorization identity, reserved `m=`, the user, the nonce, extensions. */
const CLIENT_FIRST = /^(n|y|p=([A-Za-z0-9.-]{1,100})),(?:a=([^,]*))?,((m=[^,]*,)?n=([^,]*),r=([!-+\x2d-~]{1,256})(?:,.*)?)$/su;
const CLIENT_FINAL = /^((c=([A-Za-z0-9+/=]*)),r=([!-+\x2d-~]{1,600})(?:,.*)?),p=([A-Za-z0-9+/=]{1,100})$/su;
const LOGIN_CHARS = 1024;

interface Opening {
  /** `n,,` and the like, which the client must repeat. */
  readonly header: string;
  readonly bindingType: string | null;
  readonly bare: string;
  readonly login: string;
  readonly nonce: string;
}

export function createScram(mechanism: ScramMechanism, setting: ExchangeSetting): Exchange {
  const digest: ScramDigest = mechanism.startsWith('SCRAM-SHA-256') ? 'sha256' : 'sha1';
  const bound = mechanism.endsWith('-PLUS');
  let opening: Opening | null = null;
  let serverFirst = '';
  let nonce = '';
  let judged = false;

  function begin(line: string): Step {
    const text = decodeBase64(line);
    const read = text === null ? malformed('not base64 of UTF-8') : readOpening(text);
    if ('kind' in read) return read;
    const { header, bindingType } = read;
    if (bound && bindingType === null) return malformed(`${mechanism} needs channel binding`);
    if (!bound && bindingType !== null) return malformed(`channel binding needs ${mechanism}-PLUS`);
    // RFC 5802 §6: the client supports it and heard no offer, but there was one, so somebody took it out of what we said.
    if (header.startsWith('y') && setting.offersBinding === true) return hopeless('the offer of channel binding was taken away underway');
    opening = read;
    return { kind: 'salt', login: read.login, digest };
  }

  function salted(salt: Uint8Array, iterations: number): Step {
    if (opening === null) return malformed('out of order');
    nonce = `${opening.nonce}${setting.nonce?.() ?? ''}`;
    if (nonce === opening.nonce) throw new Error('SCRAM without a nonce of ours');
    serverFirst = `r=${nonce},s=${Buffer.from(salt).toString('base64')},i=${iterations}`;
    return challenge(serverFirst);
  }

  function finish(line: string): Step {
    const found = CLIENT_FINAL.exec(decodeBase64(line) ?? '');
    const [, withoutProof, , binding, said, proof] = found ?? [];
    const signature = decodeOctets(proof ?? '-');
    if (opening === null || withoutProof === undefined || signature === null) return malformed('not a SCRAM client-final message');
    if (said !== nonce) return hopeless('another nonce');
    const expected = expectedBinding(opening);
    if (expected === null) return hopeless(`no ${opening.bindingType ?? ''} data of this channel`);
    if (decodeOctets(binding ?? '')?.equals(expected) !== true) return hopeless('another channel');
    return { kind: 'proof', login: opening.login, proof: { kind: 'scram', digest, message: `${opening.bare},${serverFirst},${withoutProof}`, proof: signature } };
  }

  function expectedBinding({ header, bindingType }: Opening): Buffer | null {
    if (bindingType === null) return Buffer.from(header);
    const data = isBindingType(bindingType) ? (setting.binding?.(bindingType) ?? null) : null;
    return data === null ? null : Buffer.concat([Buffer.from(header), data]);
  }

  return {
    mechanism,
    begin: initial => (initial === null ? { kind: 'challenge', text: '' } : begin(initial)),
    answer(line) {
      if (judged) return line === '' || line === '=' ? { kind: 'done' } : malformed('nothing more was asked');
      return serverFirst === '' ? begin(line) : finish(line);
    },
    salted,
    // RFC 4954 §4: a success reply carries no data, so the server's proof is one more challenge.
    accepted(serverSignature) {
      judged = true;
      return challenge(`v=${Buffer.from(serverSignature ?? []).toString('base64')}`);
    },
  };
}

function readOpening(text: string): Opening | Step {
  const found = CLIENT_FIRST.exec(text);
  const [, flag, type, authorization, bare, extension, user, nonce] = found ?? [];
  if (flag === undefined || bare === undefined || user === undefined || nonce === undefined) return malformed('not a SCRAM client-first message');
  // RFC 5802 §5.1: `m=` is for extensions nobody may ignore, and none is known.
  if (extension !== undefined) return malformed('an extension that is not known');
  const login = readName(user);
  if (login === null || login.length > LOGIN_CHARS) return malformed('not a user name');
  // QUIRK: `a=` with nothing behind it, as gsasl has it for no authorization identity; held by test/peers/receiving-clients.test.ts.
  if (authorization !== undefined && authorization !== '' && readName(authorization) !== login) return hopeless('another authorization identity');
  return { header: text.slice(0, text.length - bare.length), bindingType: type ?? null, bare, login, nonce };
}

function readName(text: string): string | null {
  return NAME.test(text) ? text.replaceAll('=2C', ',').replaceAll('=3D', '=') : null;
}

function isBindingType(text: string): text is BindingType {
  return text === 'tls-exporter' || text === 'tls-server-end-point';
}
