/** faxmodems, faxarrivals and Courier's faxnotifyrc in a folder. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderOf } from '../config/folder-props.ts';

test('without the files there is no modem, and faxes that mgetty hands over go to the postmaster', t => {
  const { faxModems: { modems, arrivals } } = folderOf(t, {}).read();
  assert.deepEqual(modems, []);
  assert.deepEqual(
    [arrivals.mailFrom, arrivals.recipients, arrivals.from, arrivals.to, arrivals.subject, arrivals.attach, arrivals.routes, arrivals.removesOriginals],
    [null, ['postmaster@box.example.net'], '"Fax" <postmaster@box.example.net>', undefined, undefined, ['pdf', 'png'], [], true],
  );
});

test("Courier's own faxnotifyrc is read as it is", t => {
  const shipped = '##VERSION: 1\nDODELETE=1\nMAILFROM=""\nRCPTTO="postmaster"\nFROMHDR="\\"Fax Server\\" <postmaster>"\nTOHDR="Fax Recipient <postmaster>"\nSUBJECTHDR="New fax received"\n';
  const { faxModems: { arrivals } } = folderOf(t, { faxnotifyrc: shipped }).read();
  assert.deepEqual(
    [arrivals.mailFrom, arrivals.recipients, arrivals.from, arrivals.to, arrivals.subject],
    [null, ['postmaster@box.example.net'], '"Fax Server" <postmaster@box.example.net>', 'Fax Recipient <postmaster@box.example.net>', 'New fax received'],
  );
});

test('every setting is taken', t => {
  const { faxModems: { modems, arrivals }, notices } = folderOf(t, {
    faxmodems: '/dev/ttyS0 answer=2\n/dev/ttyACM0 name=usb\n', faxarrivals: 'modem usb lab@example.net\nmodem other a@example.net\nattach tiff\n',
    faxnotifyrc: 'DODELETE=0\nMAILFROM=fax@example.net\nRCPTTO="a@example.net, b"\n',
  }).read();
  assert.deepEqual(modems.map(({ name, answerAfterRings }) => [name, answerAfterRings]), [['ttyS0', 2], ['usb', 0]]);
  assert.deepEqual([arrivals.mailFrom, arrivals.recipients, arrivals.removesOriginals, arrivals.attach], ['fax@example.net', ['a@example.net', 'b@box.example.net'], false, ['tiff']]);
  assert.ok(notices.some(({ what }) => what.includes('no modem of faxmodems is called other')));
});

test('what is wrong is told with its file and line', t => {
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ['faxmodems', '\nttyS0\n', /^faxmodems:2: 'ttyS0' does not begin with the absolute path of a device; right would be: \/dev\/ttyS0/],
    ['faxmodems', '/dev/ttyS0 class=3\n', /^faxmodems:1: 'class=3' is not understood; right would be: class=auto/],
    ['faxarrivals', '# x\nsendr 1 a@example.net\n', /^faxarrivals:2: 'sendr' is not called/],
    ['faxnotifyrc', 'RCPTTO="a b@c@d"\n', /^faxnotifyrc:1: RCPTTO: 'b@c@d' is no address/],
    ['faxnotifyrc', 'RCPTTO=""\n', /^faxnotifyrc:1: RCPTTO: nobody is named/],
    ['faxnotifyrc', 'MAILFROM="x@"\n', /^faxnotifyrc:1: MAILFROM: /],
    ['faxnotifyrc', 'SUBJECTHDR="two\nlines"\n', /^faxnotifyrc:1: SUBJECTHDR: .*no header field/],
    ['faxnotifyrc', 'RCPTO=me\n', /^faxnotifyrc:1: unknown variable RCPTO; right would be: RCPTTO=me/],
    ['faxnotifyrc', 'RCPTTO=`whoami`\n', /^faxnotifyrc:1: /],
  ];
  for (const [name, text, problem] of rows) assert.match(folderOf(t, { [name]: text }).problems()[0] ?? '', problem, text);
});
