/** The receivers that a configuration asks for: opened, reloaded and closed as the configuration changes. */
import type { Socket } from 'node:net';
import { networkHas, parseIpAddress, type Network } from '../../grammar/config/network.ts';
import { asciiDomain } from '../../grammar/domain.ts';
import type { Configuration, Listener } from '../../configuration.ts';
import type { Admission } from '../../core/policy.ts';
import { createDirectory } from '../directory.ts';
import { openReceive, type Peer, type ReceiveOptions, type Receiver } from '../../flow/receive/index.ts';
import { withLoginDomain } from './login-domain.ts';
import type { Rules } from '../rules.ts';

export interface Listeners {
  /** Where each endpoint of the configuration listens, by its key: a port that was left to the system has its number. */
  ports(): Readonly<Record<string, number>>;
  addresses(): readonly { readonly kind: string; readonly host: string; readonly port: number }[];
  /** A connection that somebody else accepted; without such a listener it is dropped. */
  take(listener: string, socket: Socket, from: Peer): void;
  /** Opens what is new before it closes what is gone; a port that cannot be had changes nothing and is said. */
  reload(rules: Rules): Promise<readonly string[]>;
  close(graceMs: number): Promise<void>;
}

/** Several processes on the same ports. */
export interface Sharing {
  readonly shared: boolean;
  /** How many there are: each takes its part of the connections that a listener allows in all. */
  readonly of: number;
  /** Numbers of ports that another process got from the system. */
  readonly ports?: Readonly<Record<string, number>>;
}

const alone: Sharing = { shared: false, of: 1 };

/** Ports are shared only where somebody shares them: a second gateway on them must hear that they are taken. */
export function sharingOf({ receiveProcesses }: Configuration): Sharing {
  return { shared: receiveProcesses > 1, of: receiveProcesses };
}

export type ListenerRooms = Pick<ReceiveOptions, 'intake' | 'auth' | 'kernels' | 'clock' | 'log' | 'metrics' | 'reverse' | 'failures'> & {
  /** Absent: another process serves the devices. */
  readonly devices?: Pick<ReceiveOptions, 'intake' | 'admission' | 'log'>;
  /** Lays its own word over the access file's. */
  readonly guard?: (admission: Admission) => Admission;
};

interface Open {
  readonly kind: string;
  readonly receiver: Receiver;
}

const KINDS = { 'esmtpd': 'esmtp', 'esmtpd-msa': 'submission', 'esmtpd-ssl': 'smtps', 'lmtpd': 'lmtp', 'esmtpd-devices': 'submission', 'esmtpd-devices-ssl': 'smtps' } as const;
const LEAVING_MS = 30_000;

export async function openListeners(rules: Rules, rooms: ListenerRooms, sharing: Sharing = alone): Promise<Listeners> {
  let open = new Map<string, Open>();
  const problems = await reload(rules);
  if (problems.length > 0) {
    await close(0);
    throw new ListenError(problems.join('\n'));
  }

  async function reload(next: Rules): Promise<readonly string[]> {
    const wanted = endpointsOf(next, rooms, sharing);
    const opened = new Map<string, Open>();
    const troubles: string[] = [];
    for (const [key, options] of wanted) {
      try {
        const kept = open.get(key);
        if (kept !== undefined) {
          kept.receiver.check(options);
          continue;
        }
        opened.set(key, { kind: options.listener.kind, receiver: await openReceive(options) });
      } catch (error) {
        troubles.push(`${open.has(key) ? 'cannot go on listening' : 'cannot listen'} on ${key}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (troubles.length > 0) {
      await Promise.all([...opened.values()].map(one => one.receiver.close({ graceMs: 0 })));
      return troubles;
    }
    const kept = new Map([...open].filter(([key]) => wanted.has(key)));
    const gone = [...open].filter(([key]) => !wanted.has(key));
    for (const [key, { receiver }] of kept) {
      const options = wanted.get(key);
      if (options !== undefined) receiver.reload(options);
    }
    open = new Map([...kept, ...opened]);
    for (const [, { receiver }] of gone) void receiver.close({ graceMs: LEAVING_MS });
    return [];
  }

  async function close(graceMs: number): Promise<void> {
    await Promise.all([...open.values()].map(one => one.receiver.close({ graceMs })));
  }

  return {
    ports: () => Object.fromEntries([...open].map(([key, { receiver }]) => [key, receiver.address().port])),
    addresses: () => [...open.values()].map(({ kind, receiver }) => ({ kind, ...receiver.address() })),
    take(listener, socket, from) {
      const found = [...open].find(([key]) => key.startsWith(`${listener} `));
      if (found === undefined) socket.destroy();
      else found[1].receiver.take(socket, from);
    },
    reload,
    close,
  };
}

/** A port that cannot be had: the message names it. */
export class ListenError extends Error {}

function endpointsOf(rules: Rules, rooms: ListenerRooms, sharing: Sharing): Map<string, ReceiveOptions> {
  const { configuration } = rules;
  const wanted = new Map<string, ReceiveOptions>();
  for (const listener of configuration.listeners) {
    // What is known of a device is in one process.
    if (isForDevices(listener) && rooms.devices === undefined) continue;
    const { shared, of } = isForDevices(listener) ? alone : sharing;
    for (const { address, port } of listener.endpoints) {
      const key = `${listener.name} ${address ?? '*'}:${port}`;
      const listen = { port: sharing.ports?.[key] ?? port, ...(address === null ? {} : { host: address }), ...(shared ? { reusePort: true } : {}) };
      wanted.set(key, optionsOf(rules, rooms, { ...listener, maxConnections: Math.ceil(listener.maxConnections / of) }, listen));
    }
    // A name in the file system is one process's: the first one's.
    if (listener.socket !== undefined && sharing.ports === undefined) wanted.set(`${listener.name} ${listener.socket.path}`, optionsOf(rules, rooms, listener, listener.socket));
  }
  return wanted;
}

function optionsOf(rules: Rules, rooms: ListenerRooms, listener: Listener, listen: ReceiveOptions['listener']['listen']): ReceiveOptions {
  const { configuration } = rules;
  const { names, client, limits } = configuration;
  const { guard = same, failures, devices, reverse, auth, ...others } = rooms;
  return {
    ...others,
    ...(auth === undefined ? {} : { auth: listener.loginDomain === undefined ? auth : withLoginDomain(auth, listener.loginDomain) }),
    ...(reverse === undefined || listener.options?.nameless === true ? {} : { reverse }),
    me: asciiDomain(names.me) ?? names.me,
    ...(names.greeting === undefined ? {} : { greeting: names.greeting.join('\n') }),
    hosts: new Map([...rules.hosts].map(([key, { configuration: { names: own } }]) => [key, { me: asciiDomain(own.me) ?? own.me, ...(own.greeting === undefined ? {} : { greeting: own.greeting.join('\n') }) }])),
    // A device that errs all day long is told so, and never shut out.
    ...(isForDevices(listener) && devices !== undefined ? { intake: devices.intake, admission: devices.admission, log: devices.log } : { admission: guard(rules.admission(listener.name)), ...(failures === undefined ? {} : { failures }) }),
    directory: createDirectory(rules),
    listener: {
      kind: KINDS[listener.name],
      listen,
      limits: {
        sizeOctets: listener.sizeOctets ?? limits.sizeOctets ?? 0,
        recipients: Math.max(100, configuration.bofh.maxRecipients.count),
        idleCommandMs: client.timeouts.commandMs,
        idleContentMs: client.timeouts.dataMs,
        connections: listener.maxConnections,
        perAddress: listener.maxPerAddress,
        perBlock: listener.maxPerBlock,
      },
      ...(listener.tlsDetails === undefined ? {} : { tls: tlsOf(listener.tlsDetails) }),
      mechanisms: listener.mechanisms.plain,
      mechanismsTls: listener.mechanisms.tls,
      requireAuth: listener.authRequired,
      requireTls: listener.tlsRequired,
      tarpit: listener.tarpit,
      announcedRecipients: configuration.bofh.maxRecipients.count,
      authRelayClient: listener.authRelayClient,
      forDevices: isForDevices(listener),
      ...(listener.logsDialogue === true ? { logsDialogue: true } : {}),
      ...(listener.trust.proxy.length === 0 ? {} : { proxyFrom: trusted(listener.trust.proxy) }),
      xclientFrom: trusted(listener.trust.xclient),
      xforwardFrom: trusted(listener.trust.xforward),
    },
  };
}

function trusted(networks: readonly Network[]): { has(address: string): boolean } {
  return {
    has(text) {
      const address = parseIpAddress(text);
      return address !== null && networks.some(network => networkHas(network, address));
    },
  };
}

function isForDevices({ name }: Listener): boolean {
  return name === 'esmtpd-devices' || name === 'esmtpd-devices-ssl';
}

const same = (admission: Admission): Admission => admission;

type TlsOptions = NonNullable<ReceiveOptions['listener']['tls']>;

function tlsOf({ identity, names, addresses, clients }: NonNullable<Listener['tlsDetails']>): TlsOptions {
  const contextOf = ({ certificate, key, minVersion, certificateFile: _certificateFile, keyFile: _keyFile, ...wishes }: typeof identity) => ({
    cert: certificate, key, minVersion: minVersion ?? 'TLSv1.2', sessionIdContext: 'posthorn', ...wishes,
    ...(clients === undefined ? {} : { ca: clients.authorities }),
  });
  const all = (some: typeof names) => Object.fromEntries([...some].map(([name, own]) => [name, contextOf(own)]));
  return {
    ...contextOf(identity), sni: all(names), addresses: all(addresses),
    ...(clients === undefined ? {} : { clients: { demand: clients.demand, ...(clients.subjectField === undefined ? {} : { subjectField: clients.subjectField }) } }),
  };
}
