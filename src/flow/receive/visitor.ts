/** What is known of the client of one session: who it is, what it said of itself, and what holds for it. */
import type { Account } from '../../core/auth.ts';
import type { Origin } from '../../core/envelope.ts';
import type { Awaitable } from '../../core/intake.ts';
import type { Admission, Variables } from '../../core/policy.ts';
import type { Refusal } from '../../core/status.ts';
import type { Exchange } from '../../grammar/sasl/mechanisms.ts';
import { Link } from '../../kit/chain.ts';
import type { Limits } from './limits.ts';
import { mannersOf, strict, type Manners } from './manners.ts';
import { describeOrigin, tlsFacts, type TlsFacts } from './origin.ts';
import type { Peer } from './peer.ts';
import { PeerLog } from './peer-log.ts';
import { askRemoteName, nameless, type RemoteName } from './remote-name.ts';
import type { Setup } from './setup.ts';
import { createTarpit, type Tarpit } from './tarpit.ts';
import { termsFor, type Terms } from './terms.ts';
import type { TlsChannel } from './tls-channel.ts';

export interface SessionGuest {
  readonly peer: Peer;
  readonly variables: Variables;
  /** Asked again when somebody trusted says that the client is another one. */
  admit(peer: Peer): ReturnType<Admission['admit']>;
  /** Not admitted, but to be told so in the greeting. */
  readonly turnedAway?: Refusal;
  /** Admitted unless this says otherwise. */
  readonly pending?: Promise<Refusal | null>;
}

/** A link of the chain of those who are here. */
export class Visitor extends Link {
  readonly setup: Setup;
  readonly manners: Manners;
  peer: Peer;
  terms: Terms;
  helo: string | null = null;
  extended = false;
  tls: TlsFacts | null = null;
  channel: TlsChannel | null = null;
  account: Account | null = null;
  mechanism: string | null = null;
  authFailures = 0;
  exchange: Exchange | null = null;
  proven: Account | null = null;
  forwarded: Readonly<Record<string, string>> | null = null;
  readonly introduces: { readonly xclient: boolean; readonly xforward: boolean };
  protected readonly log: PeerLog;
  protected tarpit: Tarpit | null;
  readonly #admit: SessionGuest['admit'];
  #remote: RemoteName = nameless;

  constructor(setup: Setup, { peer, variables, admit }: SessionGuest) {
    super();
    this.setup = setup;
    this.manners = setup.listener.forDevices === true ? mannersOf(variables) : strict;
    this.peer = peer;
    this.#admit = admit;
    this.terms = termsFor(setup, variables);
    this.tarpit = this.terms.tarpit ? createTarpit() : null;
    const { xclientFrom, xforwardFrom } = setup.listener;
    this.introduces = { xclient: xclientFrom?.has(peer.remoteAddress) ?? false, xforward: xforwardFrom?.has(peer.remoteAddress) ?? false };
    this.log = new PeerLog(setup, this);
  }

  get limits(): Limits {
    return this.terms.limits;
  }

  forgive(): void {
    this.tarpit?.reset();
  }

  /** From now on encrypted like this, and nothing learned in the clear is kept (RFC 3207 §4.2). */
  protected meetAgain(channel: TlsChannel | null): void {
    this.helo = null;
    this.extended = false;
    this.account = null;
    this.mechanism = null;
    this.channel = channel;
    this.tls = channel === null ? null : tlsFacts(channel);
    if (channel?.distrust !== undefined) this.log.trouble(`client certificate: ${channel.distrust}`);
  }

  protected askName(): void {
    const { reverse, clock, log } = this.setup;
    this.#remote = reverse === undefined ? nameless : askRemoteName(this.peer.remoteAddress, reverse, clock, log);
  }

  become(peer: Peer, name: string | null | undefined): Awaitable<Refusal | null> {
    const verdict = this.#admit(peer);
    if (verdict.kind === 'refused') return verdict;
    this.peer = peer;
    this.terms = termsFor(this.setup, verdict.variables);
    this.tarpit = this.terms.tarpit ? createTarpit() : null;
    this.extended = false;
    this.authFailures = 0;
    if (name === undefined) this.askName();
    else this.#remote = name === null ? nameless : { known: () => undefined, name };
    return verdict.pending ?? null;
  }

  origin(smtputf8: boolean): Awaitable<Origin> {
    const known = this.#remote.known();
    return known === undefined ? this.#makeOrigin(smtputf8) : known.then(() => this.#makeOrigin(smtputf8));
  }

  #makeOrigin(smtputf8: boolean): Origin {
    const { setup, peer, helo, extended, tls, account, mechanism, terms } = this;
    return describeOrigin({
      source: setup.source, lmtp: setup.lmtp, peer, remoteName: this.#remote.name, helo, extended, smtputf8, tls, account, mechanism,
      relayClient: account === null ? terms.relayClient : (setup.listener.authRelayClient ?? ''),
      at: setup.clock.now(),
    });
  }
}
