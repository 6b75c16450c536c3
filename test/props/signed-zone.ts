/** unbound, a validating resolver, over zones signed on the spot (ldns): one with a trust anchor, others without or broken. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openDeadlines } from '../../src/kit/deadlines.ts';
import { askByUdp } from '../../src/kit/dns/exchange.ts';
import { encodeQuery } from '../../src/kit/dns/message.ts';
import { createSystemClock } from '../../src/kit/system-clock.ts';
import { freePorts } from './ports.ts';
import { scratchFor } from './scratch.ts';
import { eventually } from './within.ts';

const UNBOUND = '/usr/sbin/unbound';
/** Why the tests that need it cannot run, or false. */
export const unboundAbsent = !existsSync(UNBOUND) ? 'unbound is not installed' : !existsSync('/usr/bin/ldns-signzone') ? 'ldnsutils is not installed' : false;

export interface TestZone {
  /** Without the final dot. */
  readonly name: string;
  /** Lines of the zone file below SOA and NS. */
  readonly records: readonly string[];
  /** signed: validates. unsigned: nobody can say. bogus: signed, and changed afterwards. */
  readonly state: 'signed' | 'unsigned' | 'bogus';
}

export interface ValidatingServer {
  readonly host: string;
  readonly port: number;
}

export async function openUnbound(t: TestContext, zones: readonly TestZone[], host = '127.0.0.1'): Promise<ValidatingServer> {
  const folder = scratchFor(t, 'unbound');
  const [port = 0] = await freePorts(1);
  const anchors: string[] = [];
  for (const zone of zones) {
    const file = join(folder, zone.name);
    writeFileSync(file, ['$TTL 60', `@ IN SOA ns.${zone.name}. root.${zone.name}. 1 3600 600 86400 60`, `@ IN NS ns.${zone.name}.`, 'ns IN A 127.0.0.1', ...zone.records, ''].join('\n'));
    if (zone.state === 'unsigned') continue;
    const base = execFileSync('ldns-keygen', ['-a', 'ECDSAP256SHA256', '-k', zone.name], { cwd: folder }).toString().trim();
    execFileSync('ldns-signzone', ['-o', zone.name, '-f', `${file}.signed`, file, base], { cwd: folder });
    anchors.push(readFileSync(join(folder, `${base}.key`), 'utf8'));
    const signed = readFileSync(`${file}.signed`, 'utf8');
    // Another address under the same signature.
    writeFileSync(file, zone.state === 'bogus' ? signed.replaceAll('127.0.0.1', '127.0.0.2') : signed);
  }
  writeFileSync(join(folder, 'anchors'), anchors.join(''));
  writeFileSync(join(folder, 'unbound.conf'), [
    'server:', ' do-daemonize: no', ' username: ""', ' chroot: ""', ` directory: "${folder}"`, ' pidfile: ""', ' use-syslog: no', ' verbosity: 1',
    ` interface: ${host}@${port}`, ' do-ip6: no', ` access-control: ${host}/32 allow`, ' module-config: "validator iterator"', ' num-threads: 1',
    ` trust-anchor-file: "${folder}/anchors"`, ' do-not-query-localhost: no', ' local-zone: "test." nodefault', ' ede: no',
    'remote-control:', ' control-enable: no',
    ...zones.flatMap(({ name }) => ['auth-zone:', ` name: "${name}"`, ` zonefile: "${folder}/${name}"`, ' for-downstream: no', ' for-upstream: yes', ' fallback-enabled: no']),
    '',
  ].join('\n'));
  const unbound = spawn(UNBOUND, ['-d', '-p', '-c', join(folder, 'unbound.conf')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  unbound.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-3000)));
  t.after(() => void unbound.kill('SIGTERM'));
  const deadlines = openDeadlines(createSystemClock());
  t.after(() => deadlines.close());
  await eventually(15_000, 'unbound to answer', async () => {
    if (unbound.exitCode !== null) throw new Error(`unbound ended: ${said}`);
    const got = await askByUdp(deadlines, { server: { host, port }, query: encodeQuery(1, zones[0]?.name ?? 'test', 'A', true), timeoutMs: 500, accept: octets => octets });
    return got.kind === 'answered';
  });
  return { host, port };
}
