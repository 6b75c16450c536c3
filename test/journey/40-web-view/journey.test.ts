/** An operator with a browser: sees mail come and wait, finds out why, on a phone and without JavaScript too; a stranger sees nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { boxFor, type Box } from '../../props/box.ts';
import { noBrowser, openBrowser } from '../../props/browser.ts';
import { post } from '../../props/post.ts';
import { openSink } from '../../props/sink.ts';

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const PATHS = ['', 'queue', 'next-hops', 'log', 'configuration'];

async function busyBox(t: Parameters<typeof boxFor>[0], files: Readonly<Record<string, string>> = {}): Promise<{ readonly box: Box; readonly base: string }> {
  const sink = await openSink({ answer: ({ stage, line }) => (stage === 'rcpt' && line.includes('slow') ? `451 4.2.1 Later ${HOSTILE} ${'x'.repeat(300)}` : undefined) });
  t.after(() => sink.close());
  const box = await boxFor(t, { nextHop: sink.port, files });
  await box.start();
  await post(box, { token: 'quick' });
  await post(box, { token: 'slow', from: '"<script>document.title=3</script>"@sender.example', to: ['slow@there.example', '"<b>eve"@elsewhere.example'] });
  await box.logged('the deferral', line => line.event === 'delivery' && line['status'] === 'deferred');
  return { box, base: `http://127.0.0.1:${box.httpPort}` };
}

/** A page whose every complaint is kept: scripts that failed, what the policy forbade, requests elsewhere. */
async function openPage(browser: BrowserContext, base: string): Promise<{ readonly page: Page; readonly complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(error.message));
  page.on('request', request => { if (!request.url().startsWith(base)) complaints.push(`asked ${request.url()}`); });
  return { page, complaints };
}

test('from the overview to the reason why a message waits', { skip: noBrowser, timeout: 120_000 }, async t => {
  const { box, base } = await busyBox(t);
  const browser = await openBrowser(t);
  const { page, complaints } = await openPage(browser, base);
  await page.goto(base);
  assert.equal(await page.getByRole('status').innerText().then(text => text.startsWith('It is well.')), true);
  await page.getByRole('link', { name: 'Queue' }).click();
  assert.match(await page.getByRole('table').innerText(), /slow@there\.example/);
  await page.locator('a.id').first().click();
  assert.match(await page.getByRole('main').innerText(), /tried once\. Next attempt:[^]*"<script>document\.title=3<\/script>"@sender\.example[^]*451 4\.2\.1 Later <img src=x[^]*History[^]*newmsg[^]*delivery deferred/);
  for (const path of PATHS) {
    await page.goto(`${base}/${path}`);
    assert.match(await page.title(), / · posthorn\.example · Posthorn$/, `no script of a stranger ran on /${path}`);
    assert.equal(await page.locator('main img, main script, main b:text-is("eve")').count(), 0);
  }
  // What changes comes by itself, and where one reads nothing moves.
  await page.goto(base);
  await page.evaluate("document.body.dataset.seen = 'yes'");
  await post(box, { token: 'more' });
  await page.getByText(/accepted 0\.\d+\/s|accepted [1-9]/).first().waitFor({ timeout: 20_000 });
  assert.equal(await page.evaluate('document.body.dataset.seen'), 'yes', 'the page was not loaded anew');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'Skip to the content');
  assert.deepEqual(complaints, []);
});

test('without JavaScript, on a phone, in the dark: everything is there, and nothing is wider than the screen', { skip: noBrowser, timeout: 120_000 }, async t => {
  const { base } = await busyBox(t);
  const browser = await openBrowser(t, { width: 360, height: 740, script: false, scheme: 'dark' });
  const { page, complaints } = await openPage(browser, base);
  await page.goto(`${base}/queue`);
  const message = await page.locator('a.id').first().getAttribute('href');
  for (const path of [...PATHS, `${message?.slice(1)}`]) {
    await page.goto(`${base}/${path}`);
    const main = await page.locator('main').boundingBox();
    const wide = await page.locator('body *').evaluateAll(all => all.filter(one => one.getBoundingClientRect().right > 361 && !one.matches('.skip, .sr, .sr *, thead, thead *')).map(one => one.outerHTML.slice(0, 80)));
    assert.deepEqual(wide, [], path);
    assert.ok((main?.width ?? 999) <= 360, path);
  }
  await page.goto(`${base}/queue`);
  await page.getByLabel('Find').fill('nobody@');
  await page.getByRole('button', { name: 'Find' }).click();
  assert.match(await page.locator('main').innerText(), /No message is like that/);
  const [, refresh] = /<noscript><meta http-equiv="refresh" content="(\d+)">/.exec(await page.content()) ?? [];
  assert.equal(refresh, '10');
  assert.deepEqual(complaints, []);
});

test('a rebound name, a stranger without the token, and secrets see nothing', { skip: noBrowser, timeout: 120_000 }, async t => {
  const token = 'correct-horse-battery';
  const { box, base } = await busyBox(t, { webtoken: `${token}\n`, esmtpauthclient: 'relay.example,587 user pass-word-of-ours\n', webhosts: 'gateway.example\n', userdb: 'ada@posthorn.example\tesmtppw={PLAIN}ada-secret\n' });
  const browser = await openBrowser(t, { flags: ['--host-resolver-rules=MAP evil.example 127.0.0.1, MAP gateway.example 127.0.0.1'] });
  const page = await browser.newPage();
  const status = async (url: string) => (await page.goto(url))?.status();
  assert.equal(await status(`http://evil.example:${box.httpPort}/health`), 421);
  assert.equal(await status(`${base}/health`), 200);
  await page.setExtraHTTPHeaders({ authorization: `Bearer ${token}` });
  assert.equal(await status(`http://evil.example:${box.httpPort}/`), 421);
  assert.equal(await status(`http://gateway.example:${box.httpPort}/`), 200);
  for (const path of PATHS) {
    assert.equal(await status(`${base}/${path}`), 200);
    const text = await page.content();
    for (const secret of [token, 'pass-word-of-ours', 'ada-secret']) assert.equal(text.includes(secret), false, `${secret} on /${path}`);
  }
  await page.setExtraHTTPHeaders({});
  assert.equal((await fetch(`${base}/queue`)).status, 401);
  box.configure({ webtoken: 'another-horse-battery\n' });
  assert.equal((await box.run(['restart'])).code, 0);
  assert.equal((await fetch(`${base}/queue`, { headers: { authorization: `Bearer ${token}` } })).status, 401, 'a reload changes the token');
  box.configure({ webtoken: 'short\n' });
  const refused = await box.run(['restart']);
  assert.deepEqual([refused.code, refused.stderr.includes('short'), /webtoken:1: the token has fewer than 16/.test(refused.stderr)], [78, false, true]);
});
