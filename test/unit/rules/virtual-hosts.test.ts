/** What an intake is told of a message's virtual host. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Origin } from '../../../src/core/envelope.ts';
import type { OpenOptions } from '../../../src/core/intake.ts';
import { silent } from '../../../src/core/log.ts';
import { refuse } from '../../../src/core/status.ts';
import { compileRules } from '../../../src/gateway/rules.ts';
import { intakeByHost } from '../../../src/gateway/virtual-hosts.ts';
import { folderOf } from '../config/folder-props.ts';

test('the host is stored with the message, and its opt lines stand for the common ones, but not for narrower words', async (t) => {
  const configuration = folderOf(t, {
    me: 'here.example\n', bofh: 'opt MIME=7bit\nopt BOFHBADMIME=wrap\n', 'vhost.second.example': '', 'bofh.second.example': 'opt MIME=8bit\nopt BOFHNOBASE64TEXT=1\n',
  }).read();
  const rules = compileRules(configuration, { find: () => ({ kind: 'none' }) }, silent);
  const heard: { readonly me: string; readonly origin: Origin; readonly options: OpenOptions | undefined }[] = [];
  const intake = intakeByHost(() => rules, own => ({
    open(origin, options) {
      heard.push({ me: own().configuration.bofh.variables.get('MIME') ?? '', origin, options });
      return refuse('ourFault');
    },
  }));
  const origin: Origin = { source: 'submission', protocol: 'ESMTPA', remoteAddress: '192.0.2.9', at: 0 };
  const session = new Map([['MIME', '7bit'], ['BOFHBADMIME', 'accept'], ['SIZELIMIT', '5']]);
  await intake.open(origin, { variables: session });
  await intake.open({ ...origin, login: 'ann@second.example' }, { variables: session, idempotencyKey: 'K' });
  await intake.open({ ...origin, login: 'ann@second.example' });
  const [usual, second, bare] = heard;
  assert.deepEqual([usual?.me, usual?.origin.virtualHost, usual?.options?.variables], ['7bit', undefined, session]);
  assert.deepEqual([second?.me, second?.origin.virtualHost, second?.options?.idempotencyKey], ['8bit', 'second.example', 'K']);
  assert.deepEqual(Object.fromEntries(second?.options?.variables ?? []), { BOFHBADMIME: 'accept', SIZELIMIT: '5', MIME: '8bit', BOFHNOBASE64TEXT: '1' });
  assert.equal(bare?.options, undefined);
});
