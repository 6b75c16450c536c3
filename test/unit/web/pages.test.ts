import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { MessageId, RecipientId } from '../../../src/core/envelope.ts';
import type { LinkView } from '../../../src/core/links.ts';
import type { DeviceReport, DeviceStanding, NexthopView } from '../../../src/core/operations.ts';
import type { QueueEntry } from '../../../src/core/queue-store.ts';
import { createTraffic, openWebView, type LoggedLine } from '../../../src/front/web/index.ts';
import { style } from '../../../src/front/web/style.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { escapeHtml, html } from '../../../src/kit/html.ts';
import { createFakeClock } from '../../props/fake-clock.ts';
import fc from '../../props/fast-check.ts';

const START = 1_700_000_000_000;

function entry(n: number, more: Partial<QueueEntry> & { readonly to?: string; readonly said?: string } = {}): QueueEntry {
  const address = parseAddress(more.to ?? `bob${n}@there${n % 7}.example`);
  assert.ok(address !== null);
  const at = START as QueueEntry['due'];
  return {
    due: at, state: 'waiting',
    message: {
      id: `${(0x100000 + n).toString(16).toUpperCase()}.ABCD` as MessageId, acceptedAt: at, attempts: 1, trace: new Uint8Array(0),
      facts: { sizeOctets: 1000, has8bit: false, hasNul: false, bareCr: 0, bareLf: 0, longestLine: 78, headerEnd: 100, header8bit: false, digest: new Uint8Array(16) },
      envelope: { reversePath: parseAddress('ada@sender.example'), body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: START } },
      recipients: [{ id: 0 as RecipientId, address, outcome: { kind: 'deferred', status: '4.2.1', blame: 'recipient', said: { type: 'smtp', text: more.said ?? '451 4.2.1 Later' } }, outcomeAt: at }],
    },
    ...more,
  };
}

interface Shown {
  readonly entries?: readonly QueueEntry[];
  readonly lines?: readonly LoggedLine[];
  readonly troubles?: readonly string[];
  readonly lanes?: readonly NexthopView[];
  readonly links?: readonly LinkView[];
  readonly devices?: DeviceReport;
}

function open(t: TestContext, { entries = [], lines = [], troubles = [], lanes = [], links = [], devices = { devices: [], strangers: [] } }: Shown = {}) {
  const clock = createFakeClock(START);
  let listed = 0;
  const web = openWebView({
    clock, version: '1.2.3', startedAt: START - 90_000, traffic: createTraffic(() => clock.now()), me: () => 'gateway.example',
    lanes: () => lanes,
    devices: () => devices,
    links: () => links,
    queue: {
      get: id => entries.find(one => one.message.id === id) ?? null,
      async *list(_which, after) {
        for (const one of entries) {
          if (after !== undefined && one.message.id <= after) continue;
          listed++;
          yield one;
        }
      },
      summary: () => ({ messages: entries.length, claimed: 0, quarantined: 0, oldestAcceptedAt: null, freeOctets: 1 }),
    },
    recent: id => lines.filter(line => id === undefined || line.fields['id'] === id),
    lines: () => lines,
    configuration: () => ({ folder: '/etc/posthorn', stateFolder: '/var/lib/posthorn', settings: [{ name: 'me', value: 'gateway.example', source: 'me' }], notices: [{ file: 'x', what: 'y' }] }),
    troubles: () => troubles, alarms: () => troubles,
    listeners: () => [{ kind: 'esmtp', host: '127.0.0.1', port: 25 }],
  });
  t.after(() => web.close());
  return {
    clock,
    listed: () => listed,
    async look(path: string, status = 200): Promise<string> {
      const url = new URL(path, 'http://localhost');
      const answer = await web.pages.answer({ path: url.pathname.split('/').filter(part => part !== '').map(decodeURIComponent), query: new Map(url.searchParams) });
      assert.equal(answer?.status, status, path);
      return answer?.body ?? '';
    },
  };
}

function device(text: string): DeviceStanding {
  return {
    name: text, networks: [text], messages: 1, refusals: 1, hour: { messages: 1, limit: 5 }, day: { messages: 1, limit: 0 }, lastSeen: { at: START, address: text, helo: text, tls: text },
    lastMail: { at: START, id: text, from: text, to: text, recipients: 2, sizeOctets: 1, outcome: { at: START, kind: 'failed', said: text } }, errors: [{ at: START, what: text, times: 3 }],
  };
}

const EVERY_PAGE = ['/', '/queue', '/next-hops', '/devices', '/log', '/configuration'];

describe('web pages', () => {
  it('all have their landmarks, one heading, a language and no word that is not escaped', async t => {
    const { look } = open(t, { devices: { devices: [device('mfp')], strangers: [] }, entries: [entry(1)], lines: [{ at: START, level: 'info', event: 'newmsg', fields: { id: '1.A' } }] });
    for (const path of [...EVERY_PAGE, `/message/${entry(1).message.id}`]) {
      const page = await look(path);
      for (const part of ['<html lang="en">', '<header>', '<nav aria-label="Pages">', '<main id="main"', '<footer>', 'name="viewport"']) assert.ok(page.includes(part), `${part} in ${path}`);
      assert.equal(page.match(/<h1>/g)?.length, 1, path);
      assert.equal(page.match(/aria-current="page"/g)?.length, 1, path);
      assert.equal((page.match(/<th(?=[ >])/g) ?? []).length, (page.match(/<th scope="(?:col|row)"/g) ?? []).length, `scope of each table header in ${path}`);
      assert.doesNotMatch(page, /\s(?:style|on\w+)=|https?:\/\//, `nothing inline or foreign in ${path}`);
    }
  });

  it('show hostile text as text, on every page', async t => {
    const hostile = '<script>alert(1)</script>"\' onload=x &amp; \u202egnp.exe\u0000\u001b[31m`';
    const evil = { ...entry(1, { said: hostile }), why: hostile, state: 'quarantined' } as const;
    const id = evil.message.id;
    const quoted = entry(2, { to: '"<img src=x onerror=alert(1)>"@there.example', said: hostile });
    const { look } = open(t, {
      entries: [evil, quoted], troubles: [hostile], devices: { devices: [device(hostile)], strangers: [{ address: hostile, times: 2, at: START }] },
      lines: [{ at: START, level: 'error', event: hostile, fields: { id, [hostile]: hostile, cause: new Error(hostile), deep: { a: [hostile] } } }],
    });
    for (const path of [...EVERY_PAGE, `/message/${id}`, `/message/${quoted.message.id}`, `/queue?q=${encodeURIComponent(hostile)}`, `/log?q=${encodeURIComponent(hostile)}`, `/queue?refresh=${encodeURIComponent(hostile)}`]) {
      const page = await look(path);
      assert.doesNotMatch(page, /<script(?! src="\/refresh\.js" defer><\/script>)|<img|<b>evil/i, path);
      assert.doesNotMatch(page, /[\u202e\u0000\u001b]/, path);
    }
    assert.match(await look('/queue'), /&lt;script&gt;alert\(1\)&lt;\/script&gt;&quot;&#39; onload=x &amp;amp; \ufffdgnp\.exe\ufffd\ufffd\[31m&#96;/);
  });

  it('queue: fifty at a time, in order, each once, with the filter kept', async t => {
    const entries = Array.from({ length: 120 }, (_, n) => entry(n));
    const { look } = open(t, { entries });
    const seen: string[] = [];
    let path = '/queue?state=waiting';
    for (let pages = 1; ; pages++) {
      const page = await look(path);
      seen.push(...[...page.matchAll(/class="id" href="\/message\/([^"]+)"/g)].map(match => match[1] as string));
      const [, next] = /<a rel="next" href="([^"]+)"/.exec(page) ?? [];
      if (next === undefined) {
        assert.equal(pages, 3);
        break;
      }
      path = next.replaceAll('&amp;', '&');
      assert.match(path, /state=waiting/);
    }
    assert.deepEqual(seen, entries.map(one => one.message.id));
    assert.equal((await look('/queue?q=bob7%40')).match(/class="id"/g)?.length, 1);
    assert.match(await look('/queue?q=nobody'), /No message is like that/);
    assert.match(await look('/queue?state=held'), /No message is like that/);
    assert.equal((await look('/queue?state=nonsense&after=../../x')).match(/class="id"/g)?.length, 50);
  });

  it('a look at a huge queue ends, says so, and is shared', async t => {
    const entries = Array.from({ length: 30_000 }, (_, n) => entry(n));
    const { look, listed, clock } = open(t, { entries });
    assert.match(await look('/next-hops'), /The first 20\u202f000 messages were looked at; there are more/);
    const before = listed();
    await look('/next-hops');
    assert.equal(listed(), before, 'the second reader gets the first one\'s look');
    await clock.advance(11_000);
    await look('/next-hops');
    assert.ok(listed() > before);
    const page = await look('/queue?q=bob29999@');
    assert.match(page, /Look further/);
    const [, next = ''] = /<a rel="next" href="([^"]+)"/.exec(page) ?? [];
    assert.match(await look(next.replaceAll('&amp;', '&')), /bob29999@/);
  });

  it('next hops: what waits by domain, with the oldest and the last word', async t => {
    const { look } = open(t, { entries: [entry(1, { to: 'a@one.example' }), entry(2, { to: 'b@one.example', said: '451 4.2.1 Come later' }), entry(3, { to: 'c@two.example', state: 'held' })] });
    const page = await look('/next-hops');
    assert.match(page, /q=%40one\.example[^]*?class="number">2<[^]*?Come later/);
    assert.match(page, /q=%40two\.example[^]*?class="number">1<[^]*?data-name="Next attempt">–</);
  });

  it('next hops: what is under way, what is left alone and until when, beside what went through', async t => {
    const lanes: readonly NexthopView[] = [
      { transport: 'esmtp', nexthop: 'busy.example', active: 3, waiting: 120, width: 5 },
      { transport: 'esmtp', nexthop: 'down.example', active: 0, waiting: 0, width: 1, closedUntil: START + 300_000, trouble: '4.4.1 connection refused' },
    ];
    const page = await open(t, { lanes }).look('/next-hops');
    assert.match(page, /busy\.example[^]*?3 under way[^]*?120 wait[^]*?at most 5 at once/);
    assert.match(page, /down\.example[^]*?left alone until[^]*?in 5 min[^]*?4\.4\.1 connection refused/);
  });

  it('devices: what each sent and did wrong; in the navigation where there are any', async t => {
    assert.doesNotMatch(await open(t).look('/'), /href="\/devices"/);
    const { look } = open(t, { devices: { devices: [device('mfp')], strangers: [{ address: '192.0.2.7', times: 2, at: START }] } });
    assert.match(await look('/'), /href="\/devices"/);
    const page = await look('/devices');
    for (const part of ['1 of 5 this hour', 'and 1 more', 'badge failed', '3 times', '192.0.2.7']) assert.ok(page.includes(part), part);
  });

  it('next hops: links, with their state and why, and no table where there are none', async t => {
    const links: readonly LinkView[] = [
      { name: 'satellite', state: 'down', since: START - 3_600_000, by: 'timetable', until: START + 600_000 },
      { name: 'lte', state: 'up', since: START - 60_000, by: 'program', why: 'ppp0 <up>' },
    ];
    const page = await open(t, { links }).look('/next-hops');
    assert.match(page, /satellite[^]*?badge deferred">down<[^]*?until[^]*?in 10 min/);
    assert.match(page, /lte[^]*?badge delivered">up<[^]*?program[^]*?ppp0 &lt;up&gt;/);
    assert.doesNotMatch(await open(t).look('/next-hops'), /Links/);
  });

  it('message: answers that are history are told, with how often', async t => {
    const one = entry(1);
    const [recipient] = one.message.recipients;
    assert.ok(recipient !== undefined);
    const past = [{ outcome: { kind: 'deferred', status: '4.4.1', blame: 'nexthop', said: { type: 'smtp', text: 'connection <refused>' } }, firstAt: START, lastAt: START + 600_000, times: 7 }] as unknown as NonNullable<typeof recipient.past>;
    const { look } = open(t, { entries: [{ ...one, message: { ...one.message, recipients: [{ ...recipient, past }] } }] });
    assert.match(await look(`/message/${one.message.id}`), /before that[^]*4\.4\.1 connection &lt;refused&gt;[^]*7 times/);
  });

  it('message: envelope, answers, what is next; and what is remembered when it has left', async t => {
    const one = entry(1);
    const gone = { at: START, level: 'info', event: 'completed', fields: { id: '99.A' } } as const;
    const { look } = open(t, { entries: [one], lines: [gone] });
    const page = await look(`/message/${one.message.id}`);
    for (const part of ['ada@sender.example', 'bob1@there1.example', '451 4.2.1 Later', 'It has been tried once.', 'esmtp, ESMTP']) assert.ok(page.includes(part), part);
    assert.match(await look('/message/99.A'), /It has left the queue[^]*completed/);
    assert.match(await look('/message/77.A', 404), /nothing is remembered/);
    for (const path of ['/message', '/message/', '/message/x/y', '/message/..%2F..', '/nowhere', '/queue/x', '/toString']) assert.match(await look(path, 404), /no such page/, path);
  });

  it('log: newest first, by level and by words', async t => {
    const lines = (['info', 'warn', 'error'] as const).map((level, n): LoggedLine => ({ at: START + n, level, event: `event-${level}`, fields: { text: `word${n}` } }));
    const { look } = open(t, { lines });
    const events = async (path: string) => [...(await look(path)).matchAll(/<b>event-(\w+)<\/b>/g)].map(match => match[1]);
    assert.deepEqual(await events('/log'), ['error', 'warn', 'info']);
    assert.deepEqual(await events('/log?level=warn'), ['error', 'warn']);
    assert.deepEqual(await events('/log?level=error'), ['error']);
    assert.deepEqual(await events('/log?q=WORD1'), ['warn']);
  });

  it('refresh by themselves unless asked not to, and lead back', async t => {
    const { look } = open(t);
    assert.match(await look('/'), /<noscript><meta http-equiv="refresh" content="5"><\/noscript>[^]*data-refresh="5"[^]*href="\/\?refresh=off"/);
    const still = await look('/queue?q=a&refresh=off');
    assert.doesNotMatch(still, /http-equiv="refresh"|data-refresh|refresh\.js/);
    assert.match(still, /href="\/queue\?q=a">Refresh by itself/);
    assert.doesNotMatch(await look('/configuration'), /http-equiv="refresh"/);
  });

  it('sample once a second, on the clock', async t => {
    const { look, clock } = open(t, { entries: [entry(1), entry(2)] });
    assert.match(await look('/'), /messages <b>–<\/b>/);
    await clock.advance(1000);
    assert.match(await look('/'), /messages <b>2<\/b>/);
  });
});

describe('html', () => {
  it('escapes everything but what it made itself', () => {
    assert.equal(html`<p title="${'"><script>'}">${['a', html`<b>${'<'}</b>`, null, false, 3]}</p>`.text, '<p title="&quot;&gt;&lt;script&gt;">a<b>&lt;</b>3</p>');
    fc.assert(fc.property(fc.string({ unit: 'binary' }), text => assert.doesNotMatch(escapeHtml(text), /[<>"'`\0\u202e]|&(?!amp;|lt;|gt;|quot;|#39;|#96;)/)));
  });
});

describe('style', () => {
  const colours = (scheme: string) => new Map([...scheme.matchAll(/--([a-z-]+): (#[0-9a-f]{3,6})\b/g)].map(([, name, value]) => [name as string, value as string]));
  const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)');
  const luminance = (hex: string) => {
    const full = hex.length === 4 ? hex.replaceAll(/[0-9a-f]/g, '$&$&') : hex;
    const [r, g, b] = [1, 3, 5].map(at => Number.parseInt(full.slice(at, at + 2), 16) / 255).map(part => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string) => {
    const [low, high] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };
  it('has letters that can be read and lines that can be told from the paper, light and dark', () => {
    for (const scheme of [colours(light), colours(dark.split('* {')[0] ?? '')]) {
      const of = (name: string) => scheme.get(name) ?? assert.fail(name);
      for (const paper of ['paper', 'card']) {
        for (const ink of ['ink', 'quiet', 'accent', 'good', 'warn', 'bad']) assert.ok(contrast(of(ink), of(paper)) >= 4.5, `${ink} on ${paper}: ${contrast(of(ink), of(paper)).toFixed(2)}`);
        for (const line of ['a', 'b', 'c', 'd', 'focus']) assert.ok(contrast(of(line), of(paper)) >= 3, `${line} on ${paper}: ${contrast(of(line), of(paper)).toFixed(2)}`);
      }
      for (const paper of ['good-paper', 'warn-paper', 'bad-paper']) for (const ink of ['ink', 'quiet']) assert.ok(contrast(of(ink), of(paper)) >= 4.5, `${ink} on ${paper}`);
    }
  });
});
