/** posthorn fax probe, status and received: the modems, and what mgetty hands over. */
import type { Configuration } from '../../../configuration.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command, type Context, type FaxDesk } from '../command.ts';

async function withDesk(context: Context, work: (desk: FaxDesk, configuration: Configuration) => Promise<number>): Promise<number> {
  const configuration = await configurationOf(context);
  return configuration === null ? exits.configuration : work(await context.rooms.faxDesk(configuration), configuration);
}

export const faxProbe: Command = {
  name: 'probe',
  summary: 'ask the modems who they are',
  help: 'fax probe [NAME|DEVICE]',
  async run(args, context) {
    const { positionals } = readArguments({ args: [...args], allowPositionals: true, options: {} });
    const [wanted, more] = positionals;
    if (more !== undefined) throw new Usage('probe takes one modem, or none for all');
    return withDesk(context, async desk => {
      const probes = await desk.probe(wanted ?? null);
      if (probes.length === 0) {
        await print(context.stderr, wanted === undefined ? 'faxmodems names no modem; posthorn fax probe /dev/ttyS0 asks one that no file names.' : `${wanted} is no modem of faxmodems (${desk.modems().join(', ') || 'it names none'}) and no device: /dev/ttyACM0 would be one.`);
        return exits.failed;
      }
      for (const { name, device, works, found, problems } of probes) {
        await print(context.stdout, [`${name} (${device}): ${works ? 'a fax modem' : 'no fax modem that works'}`, ...found.map(line => `  ${line}`), ...problems.map(line => `  ! ${line}`)].join('\n'));
      }
      return probes.every(({ works }) => works) ? exits.ok : exits.unavailable;
    });
  },
};

export const faxStatus: Command = {
  name: 'status',
  summary: 'the modems, and faxes on their way to a mailbox',
  help: 'fax status',
  async run(args, context) {
    readArguments({ args: [...args], options: {} });
    return withDesk(context, async desk => {
      const states = await desk.states();
      if (states.length === 0) await print(context.stdout, 'No modems: faxmodems names none.');
      const width = Math.max(0, ...states.map(({ name }) => name.length));
      for (const { name, device, driver, state, pid } of states) await print(context.stdout, `${name.padEnd(width)}  ${state === 'in-use' ? `in use by process ${pid}` : state}  ${device} (${driver})`);
      const waiting = await desk.waiting();
      await print(context.stdout, waiting === 0 ? 'No fax waits to be mailed.' : `${waiting} ${waiting === 1 ? 'fax waits' : 'faxes wait'} to be mailed.`);
      return states.some(({ state }) => state === 'absent') ? exits.unavailable : exits.ok;
    });
  },
};

export const faxReceived: Command = {
  name: 'received',
  summary: "mgetty's new_fax: a fax that mgetty took becomes mail",
  help: 'fax received HANGUPCODE SENDERID PAGES FILE...',
  async run(args, context) {
    // As mgetty calls it. The sender's id is a stranger's text and may look like an option.
    const [code = '', senderId = '', pages = '', ...files] = args;
    if (!/^-?\d{1,4}$/.test(code) || !/^\d{1,4}$/.test(pages)) throw new Usage('received is called as mgetty calls new_fax: code, id, pages, files');
    if (files.length === 0) return exits.ok; // nothing came, so nothing is mailed
    const strange = files.find(file => !file.startsWith('/'));
    if (strange !== undefined) throw new Usage('files have absolute paths');
    const { environment } = context;
    return withDesk(context, async desk => {
      const received = await desk.receive({
        hangup: Number(code), senderId, files, device: environment['DEVICE'] ?? 'mgetty',
        ...optional('callerId', environment['CALLER_ID']), ...optional('calledId', environment['CALLED_ID']),
      });
      if (received.kind === 'full') {
        await print(context.stderr, 'No room to keep the fax; its files stay where they are.');
        return exits.tryLater;
      }
      if (received.unreadable > 0) await print(context.stderr, `${received.unreadable} of ${files.length} files could not be read as a page; all files stay where they are.`);
      await print(context.stdout, `Kept ${received.pages} of ${files.length} pages.`);
      return received.unreadable > 0 ? exits.badInput : exits.ok;
    });
  },
};

function optional<K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined || value === '' || value === 'none' ? {} : ({ [name]: value } as Record<K, string>);
}
