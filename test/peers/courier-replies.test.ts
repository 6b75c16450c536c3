/**
 * The same dialogues with a real Courier and with us: each reply code that differs has a row in docs/courier-differences.md
 * with its reason, and each row there is a difference still.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { courier, startCourier } from '../../bench/peers/courier.ts';
import { boxFor } from '../props/box.ts';
import { scratchFor } from '../props/scratch.ts';
import { openSink } from '../props/sink.ts';
import { converse, type Heard } from './courier-conversation.ts';
import { dialogues, officeFiles, type Dialogue } from './courier-dialogues.ts';

const MANUAL = join(import.meta.dirname, '..', '..', 'docs', 'courier-differences.md');
const AT_ONCE = 6;
const HEADING = '## Reply codes, dialogue by dialogue';

/** `dialogue | step | Courier | Posthorn`, as a row of the manual begins. */
function rowOf({ name }: Dialogue, step: string, theirs: string, ours: string): string {
  return `| ${name} | \`${step === '' ? ' ' : step.replaceAll('|', '\\|')}\` | ${theirs} | ${ours} |`;
}

function differences(dialogue: Dialogue, theirs: readonly Heard[], ours: readonly Heard[]): readonly string[] {
  const rows: string[] = [];
  const left = [...ours];
  for (const [at, one] of theirs.entries()) {
    const offer = / offers /.test(one.step);
    const place = left.findIndex(({ step }) => step === one.step);
    const other = place < 0 ? undefined : left.splice(place, 1)[0];
    if (other === undefined && !offer && ours.length < theirs.length && theirs.length - at <= theirs.length - ours.length) continue; // we had hung up before
    if (other?.said !== one.said) rows.push(rowOf(dialogue, one.step, one.said, other?.said ?? 'no'));
  }
  for (const one of left.filter(({ step }) => / offers /.test(step))) rows.push(rowOf(dialogue, one.step, 'no', one.said));
  return rows;
}

interface Told {
  readonly rows: ReadonlySet<string>;
  /** Headings whose rows stand there without a word why. */
  readonly unexplained: readonly string[];
}

/** The manual's section: under each heading a reason, then its rows. */
function documented(): Told {
  const text = readFileSync(MANUAL, 'utf8');
  const section = text.slice(text.indexOf(HEADING) + HEADING.length).split(/^## /m)[0] ?? '';
  const rows = new Set<string>();
  const unexplained: string[] = [];
  for (const part of section.split(/^### /m).slice(1)) {
    const [heading = '', ...lines] = part.split('\n');
    if (!lines.slice(0, lines.findIndex(line => line.startsWith('|'))).some(line => line.trim().endsWith('.'))) unexplained.push(heading);
    for (const line of lines) if (/^\| [^`|]+ \| `/.test(line)) rows.add(line);
  }
  return { rows, unexplained };
}

async function office(t: TestContext): Promise<{ readonly theirs: number; readonly ours: number }> {
  const folder = scratchFor(t, 'courier');
  chmodSync(folder, 0o755);
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', '/CN=mx.here.example'], { stdio: 'pipe' });
  const pem = `${readFileSync(certificate, 'utf8')}${readFileSync(key, 'utf8')}`;
  writeFileSync(join(folder, 'esmtpd.pem'), pem, { mode: 0o600 });
  copyFileSync(join(import.meta.dirname, 'courier-office.sh'), join(folder, 'office.sh'));
  const sink = await openSink({ keep: 'tokens' });
  t.after(() => sink.close());
  mkdirSync(join(folder, 'courier'));
  const peer = await startCourier({ folder: join(folder, 'courier'), nextHop: sink.port, mode: 'relay' }, join(folder, 'office.sh'));
  t.after(() => peer.stop());
  const account = (name: string): string => `${name}\tuid=${process.getuid?.() ?? 0}|gid=${process.getgid?.() ?? 0}|home=${join(folder, name)}|mail=${join(folder, name, 'Maildir')}|esmtppw={PLAIN}secret|hmac-md5pw={PLAIN}secret\n`;
  const box = await boxFor(t, { folder: join(folder, 'box'), nextHop: sink.port, files: { ...officeFiles, 'esmtpd.pem': pem, userdb: `${account('ada')}${account('bob')}` } });
  // As Courier's is shipped, but for the limits of one address, DNS and the tarpit.
  writeFileSync(join(box.config, 'esmtpd'), `${readFileSync(join(box.config, 'esmtpd'), 'utf8')}TLS_CERTFILE=esmtpd.pem\nESMTPAUTH="PLAIN LOGIN CRAM-MD5"\n`);
  await box.start();
  return { theirs: peer.port, ours: box.port };
}

function opensslAbsent(): string | null {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return null;
  } catch {
    return 'openssl, which makes the test certificate, is not installed';
  }
}

function courierAbsent(): string | false {
  const why = courier.absent();
  return why === null ? (opensslAbsent() ?? false) : `courier: ${why}`;
}

/** Who says nothing at all has too much to do just then; that is no answer to compare. */
async function greeted(port: number, dialogue: Dialogue): ReturnType<typeof converse> {
  let heard = await converse(port, dialogue);
  for (let tries = 1; tries < 4 && heard[0]?.said === 'silence'; tries++) heard = await converse(port, dialogue);
  return heard;
}

test('Courier and Posthorn say the same, but for what the manual tells', { skip: courierAbsent(), timeout: 300_000 }, async (t) => {
  assert.equal(new Set(dialogues.map(({ name }) => name)).size, dialogues.length, 'a dialogue is found by its name');
  const { theirs, ours } = await office(t);
  const found: string[] = [];
  const waiting = [...dialogues];
  const some = async (): Promise<void> => {
    for (let dialogue = waiting.shift(); dialogue !== undefined; dialogue = waiting.shift()) {
      const [one, other] = await Promise.all([greeted(theirs, dialogue), greeted(ours, dialogue)]);
      found.push(...differences(dialogue, one, other));
    }
  };
  // Some wait for a silence to be one, or out a wrong password's pause.
  await Promise.all(Array.from({ length: AT_ONCE }, some));
  const { rows, unexplained } = documented();
  const untold = found.filter(row => !rows.has(row));
  const gone = [...rows].filter(row => !found.includes(row));
  assert.deepEqual({ untold, gone }, { untold: [], gone: [] }, `docs/courier-differences.md, ${HEADING}: rows to be added below a reason:\n${untold.join('\n')}\nrows that are differences no more:\n${gone.join('\n')}`);
  assert.deepEqual(unexplained, []);
});
