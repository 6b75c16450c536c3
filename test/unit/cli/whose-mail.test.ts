/** `--vhost` and `--login` of the commands that look things up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressLookup } from '../../../src/gateway/address-lookup.ts';
import { Usage } from '../../../src/front/cli/command.ts';
import { whoseMail } from '../../../src/front/cli/whose-mail.ts';
import { parseAddress } from '../../../src/grammar/address.ts';
import { scratchFor } from '../../props/scratch.ts';
import { folderOf } from '../config/folder-props.ts';

test('a virtual host is named as its file is, in any spelling; one that is not there is a wrong call', (t) => {
  const configuration = folderOf(t, { 'vhost.192.0.2.7': '', 'vhost.second.example': '', 'vhost.2001:db8::7': '' }).read();
  assert.deepEqual(whoseMail(configuration, {}), {});
  assert.deepEqual(whoseMail(configuration, { login: 'ann@second.example' }), { login: 'ann@second.example' });
  assert.deepEqual(whoseMail(configuration, { vhost: '::ffff:192.0.2.7', login: 'ann' }), { virtualHost: '192.0.2.7', login: 'ann' });
  assert.deepEqual(whoseMail(configuration, { vhost: '2001:DB8:0::7' }), { virtualHost: '2001:db8::7' });
  assert.deepEqual(whoseMail(configuration, { vhost: 'Second.Example' }), { virtualHost: 'second.example' });
  for (const vhost of ['192.0.2.8', 'third.example', '', 'no host']) assert.throws(() => whoseMail(configuration, { vhost }), Usage, vhost);
});

test('a login\'s domain has its virtual host\'s aliases', async (t) => {
  const state = scratchFor(t, 'whose');
  const configuration = folderOf(t, {
    me: 'here.example\n', statedir: `${state}\n`, aliases: 'sales: far@first.example\n', 'vhost.second.example': '', 'aliases.second.example': 'sales: far@second.example\n',
  }).read();
  const lookup = createAddressLookup(configuration);
  const sales = parseAddress('sales@here.example');
  assert.ok(sales !== null);
  const found = async (login: string) => {
    const { verdict } = await lookup.find(sales, 'esmtp', whoseMail(configuration, { login }));
    return verdict.kind === 'accepted' ? verdict.recipients.map(({ address }) => address) : verdict.text;
  };
  assert.deepEqual([await found('ann@second.example'), await found('ann@here.example')], [['far@second.example'], ['far@first.example']]);
});
