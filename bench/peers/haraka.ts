/**
 * Haraka from npm (packaging/bench-peers.sh brings it), its own queue and delivery, on the bench's Node. One plugin of
 * ours lets everything relay to the next hop and spares it the reverse look-up, which no peer does here; its log is off, as its writing to a file would be ours to pay.
 * accept: `disabled` in outbound.ini, its way of saying "later".
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../test/props/ports.ts';
import { runChild } from './child.ts';
import type { Peer, Place } from './peer.ts';

const program = join(import.meta.dirname, '..', '..', '.peers', 'haraka', 'node_modules', 'Haraka', 'bin', 'haraka');

export const haraka: Peer = {
  name: 'haraka',
  absent: () => (existsSync(program) ? null : 'not installed; packaging/bench-peers.sh does it'),
  async start(place) {
    const [port = 0] = await freePorts(1);
    for (const [name, text] of Object.entries(files(place, port))) {
      const path = join(place.folder, name);
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, text);
    }
    mkdirSync(join(place.folder, 'queue'), { recursive: true });
    const child = spawn(process.execPath, [program, '-c', place.folder], { stdio: ['ignore', 'ignore', 'inherit'], detached: true });
    return runChild(child, { port, dataFolder: join(place.folder, 'queue'), limitMs: 20_000, end: () => child.kill('SIGKILL') });
  },
};

function files(place: Place, port: number): Readonly<Record<string, string>> {
  return {
    'package.json': '{"name":"bench","version":"1.0.0","private":true}\n',
    'config/me': 'haraka.example\n',
    'config/smtp.ini': `listen=127.0.0.1:${port}\nnodes=0\n`,
    'config/connection.ini': '[headers]\nmax_lines=1000\nmax_received=100\n[max]\nbytes=41943040\nmime_parts=1000\nline_length=512\ndata_line_length=992\n[message]\ngreeting=ready\nhelo=ready\nclose=bye\n[uuid]\nbanner_chars=6\ndeny_chars=0\n',
    'config/log.ini': '[main]\nlevel=emerg\n',
    'config/plugins': 'onward\n',
    'config/outbound.ini': `disabled=${place.mode === 'accept'}\nconcurrency_max=100\nenable_tls=false\n`,
    'plugins/onward.js': `exports.register = function () {
  this.register_hook('lookup_rdns', 'reverse');
  this.register_hook('rcpt', 'accept');
  this.register_hook('get_mx', 'mx');
};
exports.accept = (next, connection) => {
  connection.relaying = true;
  next(OK);
};
exports.reverse = (next) => next(OK, 'source.example');
exports.mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${place.nextHop} });
`,
  };
}
