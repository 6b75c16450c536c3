/**
 * The only place that knows smtp-server. Of it we keep the listener, implicit TLS and STARTTLS, SNI, and closing of
 * sockets; its parser, its dialogue and its 100 ms before the banner are replaced. None of what is overridden here is
 * promised API: the version is pinned, and test/unit/receive/smtp-wire.test.ts holds what we rely on.
 */
/* oxlint-disable no-underscore-dangle -- the names are smtp-server's */
import { EventEmitter } from 'node:events';
import type { Socket, ListenOptions } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import { SharedRead } from '../../kit/net/shared-read.ts';
import { TLS_HANDSHAKE_MS } from './limits.ts';
import type { TlsOptions } from './options.ts';
import type { Peer } from './peer.ts';
import { ProxyHeaders } from './proxy-headers.ts';
import { bestContext, checkContexts } from './tls-contexts.ts';
import { describeChannel, type TlsChannel } from './tls-channel.ts';
import type { Arrival, Wire, WireDoor, WireListener } from './wire.ts';

type SocketOptions = NonNullable<ConstructorParameters<typeof SMTPConnection>[2]>;
interface GuestOptions<Guest> extends SocketOptions {
  readonly id: string;
  readonly arrival: Arrival<Guest>;
}

/** A dual-stack listener shows IPv4 peers as ::ffff:a.b.c.d. */
function plainAddress(address: string | undefined): string {
  return address === undefined ? '' : address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Whoever may open a Unix socket of ours is on this machine. */
const HERE: Peer = { remoteAddress: '127.0.0.1', remotePort: 0, localAddress: '127.0.0.1', localPort: 0 };

function peerOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Peer {
  return { remoteAddress: plainAddress(remoteAddress), remotePort: remotePort ?? 0, localAddress: plainAddress(localAddress), localPort: localPort ?? 0 };
}

/**
 * In the place of the package's parser, a Writable, as far as a pipe and the package want one: a chunk costs one call, and no
 * callback, tick or state machine.
 */
class WireStream extends EventEmitter {
  isClosed = false;
  readonly #connection: WireConnection;

  constructor(connection: WireConnection) {
    super();
    this.#connection = connection;
  }

  write(chunk: Buffer): boolean {
    return this.isClosed || this.#connection.listener.read(chunk);
  }

  end(): this {
    if (!this.isClosed) this.#connection.listener.inputEnded();
    return this;
  }
}

const nobody: WireListener = {
  read: () => true,
  inputEnded: () => undefined,
  drained: () => undefined,
  secured: () => undefined,
  failed: () => undefined,
  closed: () => undefined,
};

/** What all connections of a server share. */
interface Home {
  readonly reads: SharedRead;
  readonly subjectField: string | undefined;
  /** The server, as it is on the address that the client called. */
  at(localAddress: string): SMTPServer;
}

class WireConnection extends SMTPConnection implements Wire {
  listener: WireListener = nobody;
  readonly #home: Home;
  readonly #leave: () => void;
  #failed = false;

  constructor(server: SMTPServer, socket: Socket | TLSSocket, options: SocketOptions, home: Home, leave: () => void) {
    super(server, socket, options);
    this.#home = home;
    this.#leave = leave;
  }

  get tls(): TlsChannel | null {
    return this._socket instanceof TLSSocket ? describeChannel(this._socket, this.#home.subjectField) : null;
  }

  override init(): void {
    this._ready = true;
    this._socket.on('drain', () => this.listener.drained());
    this._setListeners(() => undefined);
    // Through the parser of now, as the pipe would: STARTTLS retires it, and nothing in the clear comes past it.
    const parser = this._parser;
    if (!(this._socket instanceof TLSSocket)) this.#home.reads.attach(this._socket, octets => parser === false || parser.write(octets));
  }

  override _createParser(): SMTPStream {
    return new WireStream(this) as unknown as SMTPStream;
  }

  write(text: string): boolean {
    // While a handshake runs, octets of ours would land in the middle of it.
    if (this._upgrading || !this._socket.writable) return true;
    return this._socket.write(text);
  }

  resume(): void {
    if (this._parser !== false) this._parser.emit('drain');
    // Where octets come without the stream, it has nothing to drain.
    if (!(this._socket instanceof TLSSocket)) this._socket.resume();
  }

  startTls(): void {
    this._server = this.#home.at(this.localAddress);
    this.upgrade(() => undefined, () => {
      this._socket.on('drain', () => this.listener.drained());
      this.listener.secured();
    });
  }

  end(agreed: boolean): void {
    // What the peer has yet to read of ours may take a while; and by TLS it announces its own end, which a closed socket
    // would answer by a reset that overtakes our replies.
    if (!agreed || this._socket.writableLength > 0 || this._socket instanceof TLSSocket) return this.close();
    if (this._parser !== false) this._parser.isClosed = true;
    this._socket.destroySoon();
  }

  destroy(): void {
    this._socket.destroy();
  }

  /** Deadlines are the session's, all on one clock. */
  override _armTimeout(): void {}

  override _onError(cause: Error): void {
    // A handshake that fails is told twice.
    if (!this.#failed) this.listener.failed(cause);
    this.#failed = true;
    this._socket.destroy();
  }

  override _onClose(): void {
    if (this._closed) return;
    super._onClose();
    this.#leave();
    this.listener.closed();
    this.#forget();
  }

  /**
   * QUIRK: Node's streams stay alive until the whole heap is swept, for each has a function that V8 makes among the old
   * objects (`state.onwrite = er => …`: docs/performance.md). So that no session is kept with its socket, the two part.
   */
  #forget(): void {
    this.listener = nobody;
    // One that a failed handshake leaves behind may still have an error to tell, and somebody must listen.
    if (this._socket instanceof TLSSocket || !this._socket.closed) return;
    this._socket.removeAllListeners();
    this.#home.reads.detach(this._socket);
  }
}

export class WireServer<Guest> extends SMTPServer {
  readonly #door: WireDoor<Guest>;
  #subjectField: string | undefined;
  #byAddress: ReadonlyMap<string, SecureContext>;
  /** Let in by _acceptSocket(), on the way to _handleProxy(), which follows in the same turn. */
  #arriving: Arrival<Guest> | null = null;
  /** Accepted by others, and handed over. */
  readonly #handed = new Map<Socket, Peer>();
  #allGone: () => void = () => undefined;
  readonly #headers = new ProxyHeaders();
  readonly #home: Home;
  readonly #now: () => number;
  /** It listens on a Unix socket. */
  #inside = false;

  constructor(door: WireDoor<Guest>, tls: TlsOptions | undefined, secure: boolean, now: () => number) {
    super({
      ...wireTls(tls),
      secure,
      // Unused, but without it each connection asks the system for its host name.
      name: 'localhost',
      logger: false,
      // Someone who sent QUIT and closed his side still gets his replies.
      allowHalfOpen: true,
      // Bounds a TLS handshake that precedes the session; sessions have their own deadlines.
      socketTimeout: TLS_HANDSHAKE_MS,
    });
    this.#door = door;
    this.#now = now;
    this.#subjectField = tls?.clients?.subjectField;
    this.#byAddress = tls === undefined ? new Map() : checkContexts(tls);
    const subjectField = () => this.#subjectField;
    this.#home = {
      reads: new SharedRead(),
      get subjectField() { return subjectField(); },
      at: localAddress => this.#at(localAddress),
    };
    this.on('error', cause => door.trouble(cause));
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const handed = this.#handed.get(socket);
    const peer = handed ?? (this.#inside ? HERE : peerOf(socket));
    if (peer.remoteAddress === '') {
      // Gone before we looked.
      socket.on('error', () => undefined);
      socket.destroy();
      return false;
    }
    const expected = handed === undefined ? this.#door.expectsHeader(peer.remoteAddress) : 'no';
    if (expected === 'refused') {
      turnAway(socket, '');
      return false;
    }
    this.#arriving = expected === 'no' ? this.#arrive(socket, peer, handshake) : null;
    if (expected === 'no' && this.#arriving === null) return false;
    return super._acceptSocket(socket, handshake);
  }

  /** Null: turned away. */
  #arrive(socket: Socket, peer: Peer, handshake: boolean): Arrival<Guest> | null {
    const arrival = this.#door.arrive(peer);
    if ('text' in arrival) {
      turnAway(socket, handshake ? '' : arrival.text);
      return null;
    }
    // For those who go before a session begins; STARTTLS takes every listener off the socket.
    socket.once('close', arrival.leave);
    return arrival;
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return !this.#handed.has(socket) && this.#door.expectsHeader(this.#inside ? HERE.remoteAddress : plainAddress(socket.remoteAddress)) === 'yes';
  }

  /** The guest rides on the options that reach connect(). */
  override _handleProxy(socket: Socket, callback: (error: Error | null, options?: SocketOptions & { id: string }) => void): void {
    const arrived = this.#arriving;
    this.#arriving = null;
    const go = (arrival: Arrival<Guest>) => {
      const options: GuestOptions<Guest> = { id: '-', arrival, ...(this.#inside ? { remoteAddress: HERE.remoteAddress } : {}) };
      callback(null, options);
    };
    if (arrived !== null) return go(arrived);
    this.#headers.read(socket, this.#now(), read => {
      const own = this.#inside ? HERE : peerOf(socket);
      if (read.kind === 'lost') {
        socket.destroy();
        const cause = new Error(`${own.remoteAddress}: ${read.why}`);
        this.#door.trouble(cause);
        return callback(cause);
      }
      const arrival = this.#arrive(socket, read.peer ?? own, this.options.secure === true);
      if (arrival === null) callback(new Error('turned away'));
      else go(arrival);
    });
  }

  /** Called about once a second. */
  sweep(): void {
    this.#headers.sweep(this.#now());
  }

  override connect(socket: Socket | TLSSocket, options?: SocketOptions | null): void {
    // Not among the package's own `connections`: nobody asks for them, and its Set would keep each beyond its end
    // (kit/steady-map.ts says how).
    const { guest, leave } = (options as GuestOptions<Guest>).arrival;
    const connection = new WireConnection(this, socket, options ?? {}, this.#home, leave);
    connection.listener = this.#door.begin(connection, guest);
    connection.init();
  }

  /** Accepted by somebody whom we believe: no header is expected. */
  take(socket: Socket, from: Peer): void {
    if (!this.server.listening) return void socket.destroy();
    this.#handed.set(socket, from);
    socket.once('close', () => {
      this.#handed.delete(socket);
      if (this.#handed.size === 0) this.#allGone();
    });
    socket.allowHalfOpen = true;
    this.server.emit('connection', socket);
    socket.resume();
  }

  /** Resolves when the socket listens. */
  open(where: ListenOptions | { fd: number }): Promise<void> {
    this.#inside = 'path' in where;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.listen(where, () => {
        this.server.off('error', reject);
        resolve();
      });
    });
  }

  override _upgrade(...[socket, callback]: Parameters<SMTPServer['_upgrade']>): void {
    const at = this.#at(plainAddress(socket.localAddress));
    if (at === this) super._upgrade(socket, callback);
    else SMTPServer.prototype._upgrade.call(at, socket, callback);
  }

  override _resolveSNI(servername: string, callback: (error: Error | null, context?: SecureContext) => void): void {
    callback(null, bestContext(this.secureContext, servername));
  }

  /** Ourselves, with the address's own certificate for whoever asks for no name we know. */
  #at(localAddress: string): SMTPServer {
    const own = this.#byAddress.get(localAddress);
    if (own === undefined) return this;
    return Object.create(this, { secureContext: { value: new Map(this.secureContext).set('*', own) } }) as SMTPServer;
  }

  /** New connections get these; those under way keep what they have. */
  updateTls(tls: TlsOptions): void {
    // The package forgets the old contexts before it tries the new ones: let what is no good throw here.
    const byAddress = checkContexts(tls);
    this.updateSecureContext(wireTls(tls));
    this.#byAddress = byAddress;
    this.#subjectField = tls.clients?.subjectField;
  }

  /** No new connections; resolves when the last one is gone. */
  stop(): Promise<void> {
    const handed = new Promise<void>(resolve => {
      this.#allGone = resolve;
      if (this.#handed.size === 0) resolve();
    });
    const own = new Promise<void>(resolve => {
      this.server.close(() => resolve());
      for (const socket of this._pendingSockets.values()) socket.destroy();
    });
    return Promise.all([own, handed]).then(() => undefined);
  }
}

function turnAway(socket: Socket, text: string): void {
  socket.on('error', () => undefined);
  if (text === '') socket.destroy();
  else socket.end(text, () => socket.destroySoon());
}

function wireTls(tls: TlsOptions | undefined): object {
  if (tls === undefined) return {};
  const { sni, addresses: _, clients, ...context } = tls;
  // Always given, since an update is laid over what was there.
  return { ...context, sniOptions: sni ?? {}, requestCert: clients !== undefined, rejectUnauthorized: clients?.demand ?? false };
}
