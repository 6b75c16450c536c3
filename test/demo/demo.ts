/**
 * `make demo`: a gateway, the servers around it, and real letters on their way. Shows each one's journey as the
 * gateway's own log tells it, and the reports that come back; ends by itself, with 0 when all went as planned.
 */
import { rmSync } from 'node:fs';
import { createBox, type Box, type LogLine } from '../props/box.ts';
import { readCorpus } from '../props/corpus.ts';
import { readReport } from '../props/read-report.ts';
import { scratchFolder } from '../props/scratch.ts';
import { dialSmtp } from '../props/smtp-client.ts';
import { eventually } from '../props/within.ts';
import { byFax, hopeless, plan, type PlannedLetter } from './plan.ts';
import { openScreen, type Row, type Screen } from './screen.ts';
import { openStage, type Stage } from './stage.ts';

/** A letter on its way. */
interface Journey {
  readonly planned: PlannedLetter;
  readonly content: Buffer;
  readonly row: Row;
  /** Queue id, once accepted. */
  id?: string;
  readonly reached: Map<string, string>;
  readonly reports: string[];
}

const patienceMs = 40_000;

process.exitCode = await demo();

async function demo(): Promise<number> {
  const folder = scratchFolder('demo');
  const screen = openScreen(process.stdout);
  const stage = await openStage(folder);
  const journeys = new Map<string, Journey>();
  const early: LogLine[] = [];
  const box = await createBox({
    folder,
    files: { ...stage.files, warntime: '2s\n', retryalpha: '1s\n', retrygamma: '1s\n', retrymaxdelta: '0\n', esmtpdelay: '0\n' },
    heard(line) {
      const journey = journeys.get(String(line['id']));
      if (journey === undefined) early.push(line);
      else follow(journey, line);
    },
  });
  let good = false;
  try {
    screen.title('Posthorn: letters on their way');
    await box.start();
    screen.line(`gateway on 127.0.0.1:${box.port}; next hops, a SOCKS proxy and the senders' server around it\n`, 'gray');
    const letters = typeof stage.fax === 'string' ? [...plan, hopeless] : [...plan, byFax, hopeless];
    if (typeof stage.fax === 'string') screen.line(`no fax today: ${stage.fax}`, 'gray');
    const travelling = await hand(box, screen, letters, journeys, early);
    await watchReports(stage, travelling, patienceMs, box);
    await eventually(patienceMs, 'an empty queue', async () => (await box.run(['mailq', '--batch'])).stdout === 'messages: 0\n');
    screen.close();
    good = summarise(screen, stage, travelling);
  } catch (cause) {
    screen.close();
    screen.line(`The demonstration stopped: ${cause instanceof Error ? cause.message : String(cause)}`, 'red');
  } finally {
    await box.stop().catch(() => undefined);
    await box.close();
    await stage.close();
    if (good) rmSync(folder, { recursive: true, force: true });
    else process.stdout.write(`files kept in ${folder}\n`);
  }
  return good ? 0 : 1;
}

/** Hands all letters in over one connection, and remembers under which id each is queued. */
async function hand(box: Box, screen: Screen, letters: readonly PlannedLetter[], journeys: Map<string, Journey>, early: LogLine[]): Promise<readonly Journey[]> {
  const corpus = new Map(readCorpus().map((letter) => [letter.name, letter]));
  const travelling: Journey[] = letters.map((planned) => {
    const letter = corpus.get(planned.letter);
    if (letter === undefined) throw new Error(`no letter ${planned.letter} in the corpus`);
    return { planned, content: letter.content, row: screen.row(planned.letter, planned.note, Object.keys(planned.to)), reached: new Map(), reports: [] };
  });
  const client = await dialSmtp({ port: box.port });
  await client.hello('office.example');
  for (const journey of travelling) {
    const { planned, content } = journey;
    const has8bit = content.some((octet) => octet > 127);
    const answer = await client.send({
      from: planned.from, to: Object.keys(planned.to), content,
      mailParameters: has8bit ? ' BODY=8BITMIME' : '', rcptParameters: planned.rcptParameters ?? '',
    });
    if (answer.code !== 250) throw new Error(`${planned.letter} was not taken: ${answer.text}`);
    journey.row.tell(null, 'accepted', 'in the queue, on the disk');
    // The log names the letter by its id; the 250 says which id it got.
    await box.logged('the letter in the log', (line) => line.event === 'newmsg' && answer.text.includes(String(line['id'])));
    const id = String(box.log.findLast((line) => line.event === 'newmsg' && answer.text.includes(String(line['id'])))?.['id']);
    journey.id = id;
    journeys.set(id, journey);
    for (const line of early.splice(0)) if (line['id'] === id) follow(journey, line);
  }
  await client.quit();
  return travelling;
}

/** The log's word about a letter becomes its place on the screen. */
function follow(journey: Journey, line: LogLine): void {
  if (line.event !== 'delivery') return;
  const recipient = String(line['addr']);
  const said = line['text'] ?? line['code'];
  const words = typeof said === 'string' ? (said.split('\n')[0] ?? '') : '';
  const standing = line['status'] === 'success' ? 'delivered' : line['status'] === 'failure' ? 'failed' : 'deferred';
  journey.reached.set(recipient, standing);
  journey.row.tell(recipient, standing, words);
}

/** Reports arrive at the senders' own server; the hopeless letter is cancelled after its warning. */
async function watchReports(stage: Stage, travelling: readonly Journey[], limitMs: number, box: Box): Promise<void> {
  const home = stage.servers['office.example'];
  if (home === undefined) throw new Error('the senders have no server');
  let read = 0;
  await eventually(limitMs, 'all reports', async () => {
    for (; read < home.arrivals.length; read += 1) {
      const arrival = home.arrivals[read];
      if (arrival === undefined) continue;
      const report = await readReport(arrival.content);
      const final = (report.recipients[0]?.get('final-recipient') ?? '').replace(/^[^;]*; */, '');
      const action = report.recipients[0]?.get('action') ?? '?';
      const journey = travelling.find((one) => arrival.recipients.includes(one.planned.from) && final in one.planned.to && !one.reports.includes(action));
      journey?.reports.push(action);
      journey?.row.report(action);
      if (journey?.planned === hopeless && action === 'delayed') await box.run(['cancelmsg', journey.id ?? '', 'Not needed any more']);
    }
    return travelling.every((one) => one.planned.reports.every((action) => one.reports.includes(action)));
  });
}

interface Count {
  readonly what: string;
  readonly found: number;
  readonly wanted: number;
}

function summarise(screen: Screen, stage: Stage, travelling: readonly Journey[]): boolean {
  const owed = travelling.flatMap((one) => Object.entries(one.planned.to).map(([recipient, fate]) => ({ one, recipient, fate })));
  const arrived = (domain: string, content: Buffer): boolean => stage.servers[domain]?.arrivals.some((arrival) => arrival.content.subarray(-content.length).equals(content)) ?? false;
  const untouched = travelling.filter((one) => Object.entries(one.planned.to).some(([recipient, fate]) => fate === 'delivered' && !/@(?:old\.example|fax)$/.test(recipient)));
  const seven = stage.servers['old.example']?.arrivals ?? [];
  const counts: readonly Count[] = [
    { what: 'recipients met the fate that was planned', found: owed.filter(({ one, recipient, fate }) => one.reached.get(recipient) === fate || (one.planned === hopeless && one.reports.includes('failed'))).length, wanted: owed.length },
    { what: 'letters arrived as they left, to the octet', found: untouched.filter((one) => Object.keys(one.planned.to).some((recipient) => arrived(recipient.split('@')[1] ?? '', one.content))).length, wanted: untouched.length },
    { what: 'letters to the 7-bit server without an eighth bit', found: seven.filter(({ content }) => content.every((octet) => octet < 128)).length, wanted: 3 },
    { what: 'connections led by the SOCKS proxy, by name', found: Math.min(1, stage.proxy.requests.filter(({ kind }) => kind === 'name').length), wanted: 1 },
    ...(typeof stage.fax === 'string' ? [] : [{ what: 'calls made to the fax machine, the letter on the cover', found: stage.fax.calls.filter(({ pages }) => pages.length === 1).length, wanted: 1 }]),
    { what: 'reports reached their senders', found: travelling.reduce((sum, one) => sum + one.reports.length, 0), wanted: travelling.reduce((sum, one) => sum + one.planned.reports.length, 0) },
  ];
  screen.line('');
  for (const { what, found, wanted } of counts) screen.line(`${found === wanted ? '✔' : '✖'} ${String(found).padStart(3)} of ${String(wanted).padStart(3)} ${what}`, found === wanted ? 'green' : 'red');
  return counts.every(({ found, wanted }) => found === wanted);
}
