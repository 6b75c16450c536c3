/** Whose mail the rules for messages are for, by the way it came. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope, Origin } from '../../../src/core/envelope.ts';
import { silent } from '../../../src/core/log.ts';
import { createMessageRevisers } from '../../../src/gateway/ways-in/revisers.ts';
import { compileRules } from '../../../src/gateway/rules.ts';
import { folderOf } from '../config/folder-props.ts';
import { factsOf, kernels } from '../../props/inspected.ts';

const TEXT = 'From: ann\r\nTo: Bob <bob>, carl!dora, u%inner.example@here.example\r\nSubject: x\r\n\r\nx\r\n';
const TWICE = 'Content-Type: a/b\r\nContent-Type: c/d\r\n\r\nx\r\n';

test('people here get our domain, others stay; a stranger\'s MIME is judged, ours is not; reports are nobody\'s to change', async (t) => {
  const configuration = folderOf(t, { me: 'mail.here.example\n', defaultdomain: 'b\u00fccher.example\n', locals: 'here.example\n', esmtppercentrelay: 'inner.example\n' }).read();
  const rules = compileRules(configuration, { find: () => ({ kind: 'none' }) }, silent);
  const revisers = createMessageRevisers(() => rules, kernels);
  const pass = async (origin: Partial<Origin>, text: string, variables: Readonly<Record<string, string>> = {}): Promise<string> => {
    const envelope: Envelope = { reversePath: null, body: '7bit', smtputf8: false, origin: { source: 'esmtp', protocol: 'ESMTP', at: 0, ...origin } };
    const kept: Uint8Array[] = [];
    const into = { write: (chunk: Uint8Array) => void kept.push(chunk) };
    const revision = revisers.open({ envelope, variables: new Map(Object.entries(variables)) }, into);
    const octets = Buffer.from(text);
    if (revision === null) return 'untouched';
    void revision.write(octets);
    const end = await revision.end(factsOf(octets));
    revision.close();
    return end.kind === 'refused' ? `${end.reply} ${end.status}` : Buffer.concat(kept).toString();
  };
  const relayed = TEXT.replace('u%inner.example@here.example', 'u@inner.example');
  assert.equal(await pass({}, TEXT), relayed, 'the percent form only');
  assert.equal(await pass({ source: 'submission', login: 'ann' }, TEXT), relayed);
  assert.equal(await pass({}, TEXT, { NOADDRREWRITE: '1' }), TEXT);
  assert.equal(await pass({ source: 'local', login: 'ann' }, TEXT), TEXT.replace('ann', 'ann@xn--bcher-kva.example').replace('<bob>', '<bob@xn--bcher-kva.example>'));
  for (const source of ['local', 'dsn', 'fax', 'uucp', 'list'] as const) assert.equal(await pass({ source }, TEXT), 'untouched', source);
  assert.equal(await pass({}, TWICE), '550 5.6.0');
  assert.equal(await pass({}, TWICE, { RELAYCLIENT: '' }), TWICE);
  assert.equal(await pass({ login: 'ann' }, TWICE), TWICE);
  assert.equal(await pass({ login: 'ann' }, TWICE, { BOFHBADMIME: 'reject' }), '550 5.6.0');
  assert.equal(await pass({ source: 'local', login: 'ann' }, TWICE), TWICE);
});
