/**
 * Clients that others wrote, each as its users run it: in the clear, by STARTTLS and by TLS from the first octet, with each
 * mechanism that it knows. A message is right when it came out at the other end, once and whole.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { boxFor, type Box } from '../props/box.ts';
import { freePorts } from '../props/ports.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink, type Sink } from '../props/sink.ts';
import { within } from '../props/within.ts';

type Mode = 'plain' | 'starttls' | 'implicit';
type Mechanism = 'none' | 'PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'SCRAM-SHA-1' | 'SCRAM-SHA-256';

interface Task {
  readonly port: number;
  readonly mode: Mode;
  readonly mechanism: Mechanism;
  readonly token: string;
  readonly folder: string;
  readonly content: string;
}

interface Client {
  readonly name: string;
  readonly modes: readonly Mode[];
  readonly mechanisms: readonly Mechanism[];
  /** What must be there; a test that finds it missing is skipped by its name. */
  readonly needs: readonly (readonly string[])[];
  command(task: Task): readonly string[];
  /** The message is written to the program. */
  readonly stdin: boolean;
}

const FROM = 'ada@posthorn.example';
const TO = 'bob@there.example';
const every: readonly Mode[] = ['plain', 'starttls', 'implicit'];

const clients: readonly Client[] = [
  {
    name: 'swaks', modes: every, mechanisms: ['none', 'PLAIN', 'LOGIN', 'CRAM-MD5'], stdin: true, needs: [['swaks', '--version'], ['perl', '-MNet::SSLeay', '-MDigest::HMAC_MD5', '-e1']],
    command: ({ port, mode, mechanism }) => ['swaks', '--server', '127.0.0.1', '--port', String(port), '--from', FROM, '--to', TO, '--data', '-', ...(mode === 'starttls' ? ['-tls'] : mode === 'implicit' ? ['-tlsc'] : []),
      ...(mechanism === 'none' ? [] : ['--auth', mechanism, '--auth-user', FROM, '--auth-password', 'secret'])],
  },
  {
    name: 'msmtp', modes: every, mechanisms: ['none', 'PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1', 'SCRAM-SHA-256'], stdin: true, needs: [['msmtp', '--version']],
    command({ port, mode, mechanism, folder }) {
      const file = join(folder, `msmtp-${mode}-${mechanism}`);
      writeFileSync(file, [
        'account default', 'host 127.0.0.1', `port ${port}`, `from ${FROM}`, `tls ${mode === 'plain' ? 'off' : 'on'}`, `tls_starttls ${mode === 'starttls' ? 'on' : 'off'}`, ...(mode === 'plain' ? [] : ['tls_certcheck off']),
        ...(mechanism === 'none' ? [] : [`auth ${mechanism.toLowerCase()}`, `user ${FROM}`, 'password secret']), '',
      ].join('\n'), { mode: 0o600 });
      return ['msmtp', '-C', file, TO];
    },
  },
  {
    name: 'curl', modes: every, mechanisms: ['none', 'PLAIN', 'LOGIN', 'CRAM-MD5'], stdin: true, needs: [['curl', '--version']],
    command: ({ port, mode, mechanism }) => ['curl', '--silent', '--show-error', '--url', `${mode === 'implicit' ? 'smtps' : 'smtp'}://127.0.0.1:${port}/laptop.example`, '--mail-from', FROM, '--mail-rcpt', TO, '--upload-file', '-',
      ...(mode === 'plain' ? [] : ['--insecure', '--ssl-reqd']), ...(mechanism === 'none' ? [] : ['--user', `${FROM}:secret`, '--login-options', `AUTH=${mechanism}`])],
  },
  {
    name: 'python smtplib', modes: every, mechanisms: ['none', 'PLAIN', 'LOGIN', 'CRAM-MD5'], stdin: true, needs: [['python3', '-c', 'import smtplib, ssl']],
    command: ({ port, mode, mechanism }) => ['python3', join(import.meta.dirname, 'clients', 'smtplib_client.py'), String(port), mode, mechanism, FROM, TO],
  },
  {
    name: 'nodemailer', modes: every, mechanisms: ['none', 'PLAIN', 'LOGIN', 'CRAM-MD5'], stdin: true, needs: [[process.execPath, '-e', 'import("nodemailer")']],
    command: ({ port, mode, mechanism }) => [process.execPath, join(import.meta.dirname, 'clients', 'nodemailer.mjs'), String(port), mode, mechanism, FROM, TO],
  },
  {
    name: 'smtp-source', modes: ['plain'], mechanisms: ['none'], stdin: false, needs: [['smtp-source', '-h']],
    command({ port, folder, token, content }) {
      const file = join(folder, `source-${token}`);
      writeFileSync(file, content.replaceAll('\r\n', '\n'));
      return ['smtp-source', '-c', '-f', FROM, '-t', TO, '-F', file, `127.0.0.1:${port}`];
    },
  },
];

function missing({ needs }: Client): string | false {
  for (const [program = '', ...args] of needs) {
    try {
      execFileSync(program, args, { stdio: 'pipe', env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } });
    } catch (error) {
      // smtp-source knows no -h, and says so; that it speaks is enough.
      if ((error as { code?: string }).code === 'ENOENT' || program !== 'smtp-source') return `${program} ${args.filter(arg => arg.startsWith('-M')).join(' ')} is not installed`;
    }
  }
  return false;
}

async function runClient(command: readonly string[], input: string): Promise<void> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stdin.on('error', () => undefined).end(input);
  const code = new Promise(done => child.once('close', done));
  try {
    assert.equal(await within(30_000, command.join(' '), code), 0, `${command.join(' ')}\n${said}`);
  } finally {
    child.kill('SIGKILL');
  }
}

interface Posts {
  readonly box: Box;
  readonly sink: Sink;
  readonly folder: string;
  /** The submission listener's, and that of TLS from the first octet. */
  port(mode: Mode, mechanism: Mechanism): number;
}

const listener = (port: string): string => `ADDRESS=127.0.0.1\n${port}\nMAXPERIP=100\nMAXPERC=100\nTARPIT=0\nTLS_CERTFILE=esmtpd.pem\nESMTPAUTH="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"\nAUTH_REQUIRED=1\n`;

async function openPosts(t: TestContext): Promise<Posts> {
  const folder = scratchFor(t, 'clients');
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=localhost'], { stdio: 'pipe' });
  const sink = await openSink();
  t.after(() => sink.close());
  const [open = 0, submission = 0, implicit = 0] = await freePorts(3);
  const withTls = (text: string): string => `${text}TLS_CERTFILE=esmtpd.pem\n`;
  const box = await boxFor(t, { folder, nextHop: sink.port, files: {
    'esmtpd.pem': `${readFileSync(certificate, 'utf8')}${readFileSync(key, 'utf8')}`,
    esmtpd: withTls(`ADDRESS=127.0.0.1\nPORT=${open}\nMAXPERIP=100\nMAXPERC=100\nTARPIT=0\n`),
    'esmtpd-msa': listener(`PORT=${submission}`),
    'esmtpd-ssl': `ADDRESS=127.0.0.1\nSSLADDRESS=127.0.0.1\nSSLPORT=127.0.0.1.${implicit}\nMAXPERIP=100\nMAXPERC=100\nTARPIT=0\nTLS_CERTFILE=esmtpd.pem\nESMTPAUTH="PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256"\n`,
    // As it is typed, since each mechanism wants something else of it.
    userdb: 'ada@posthorn.example\tuid=1000|gid=1000|home=/nonexistent|esmtppw={PLAIN}secret|hmac-md5pw={PLAIN}secret\n',
  } });
  await box.start();
  return { box, sink, folder, port: (mode, mechanism) => (mode === 'implicit' ? implicit : mechanism === 'none' ? open : submission) };
}

const MESSAGE = (token: string): string => `From: <${FROM}>\r\nTo: <${TO}>\r\nSubject: ${token}\r\nX-Token: ${token}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: <${token}@posthorn.example>\r\n\r\n.a dot at the beginning\r\n..two of them\r\n\r\nThe end.\r\n`;

describe('clients that others wrote', { concurrency: false }, () => {
  for (const client of clients) {
    test(`${client.name}: ${client.modes.join(', ')}; ${client.mechanisms.join(', ')}`, { skip: missing(client), timeout: 180_000 }, async (t) => {
      const posts = await openPosts(t);
      for (const mode of client.modes) {
        for (const mechanism of client.mechanisms) {
          const token = `${client.name}-${mode}-${mechanism}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
          const content = MESSAGE(token);
          await runClient(client.command({ port: posts.port(mode, mechanism), mode, mechanism, token, folder: posts.folder, content }), client.stdin ? content : '');
          const { content: arrived, reversePath, recipients } = await posts.sink.arrival(token);
          const text = arrived.toString();
          assert.deepEqual([reversePath, recipients], [FROM, [TO]], token);
          assert.match(text, /\r\n\.a dot at the beginning\r\n\.\.two of them\r\n\r\nThe end\.\r\n/, `${token}: dots survive`);
          assert.equal(/\(.*TLS: TLSv1\.[23]/.test(text), mode !== 'plain', `${token}: TLS is on record`);
          assert.equal(/AUTH: /.test(text), mechanism !== 'none', `${token}: the login is on record`);
          if (mechanism !== 'none') assert.ok(text.includes(`AUTH: ${mechanism} `), token);
        }
      }
      assert.equal([...posts.sink.tokens.values()].every(times => times === 1), true, 'each once');
      assert.equal(await posts.box.stop(), 0);
    });
  }
});
