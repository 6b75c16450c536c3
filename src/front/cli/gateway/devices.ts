import type { DeviceReport, DeviceStanding } from '../../../core/operations.ts';
import { exits, print, readArguments, Usage, type Command, type Context } from '../command.ts';
import { withQueue } from '../queue-access.ts';
import { formatSize, formatWhen } from '../figures.ts';

export const devices: Command = {
  name: 'devices',
  summary: 'what printers and their like sent last, and what they did wrong',
  help: `devices [NAME] [--json]

Lists the devices of the file devices: where each was seen, its last mail and what became of it, its last errors; and
the addresses that were turned away because they are no device's. Works while no gateway runs, with what was written
down last. With --json a line each, with a type: device or stranger.

Exit status: 0; 66 when there is no device NAME.`,
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } });
    const [name, more] = positionals;
    if (more !== undefined) throw new Usage('at most one name');
    return withQueue(context, async queue => tell(await queue.devices(), name, values.json === true, context));
  },
};

async function tell(report: DeviceReport, name: string | undefined, json: boolean, context: Context): Promise<number> {
  const shown = name === undefined ? report.devices : report.devices.filter(one => one.name === name);
  if (name !== undefined && shown.length === 0) {
    await print(context.stderr, `There is no device ${name}.`);
    return exits.noInput;
  }
  const strangers = name === undefined ? report.strangers : [];
  if (json) await printJson({ devices: shown, strangers }, text => print(context.stdout, text));
  else await printText({ devices: shown, strangers }, text => print(context.stdout, text));
  return exits.ok;
}

type Say = (text: string) => Promise<void>;

async function printJson({ devices: all, strangers }: DeviceReport, say: Say): Promise<void> {
  for (const device of all) await say(JSON.stringify({ type: 'device', ...device }));
  for (const stranger of strangers) await say(JSON.stringify({ type: 'stranger', ...stranger }));
}

async function printText({ devices: all, strangers }: DeviceReport, say: Say): Promise<void> {
  for (const device of all) await say(formatDevice(device));
  if (all.length === 0) await say('No device is configured.');
  if (strangers.length > 0) await say('turned away: no address of a device');
  for (const { address, times, at } of strangers) await say(`     ${address}  ${times === 1 ? 'once' : `${times} times`}, last ${formatWhen(at)}`);
}

function formatDevice({ name, networks, messages, hour, day, lastSeen, lastMail, errors }: DeviceStanding): string {
  const spent = [hour.limit > 0 ? `${hour.messages} of ${hour.limit} this hour` : '', day.limit > 0 ? `${day.messages} of ${day.limit} today` : ''].filter(text => text !== '');
  const lines = [`${name}  ${networks.join(' ')}  ${messages === 1 ? '1 message' : `${messages} messages`}${spent.length === 0 ? '' : ` (${spent.join(', ')})`}`];
  lines.push(lastSeen === null ? '     never seen' : `     last seen ${formatWhen(lastSeen.at)} at ${lastSeen.address}${lastSeen.helo === '' ? ', connected only' : ` as ${printable(lastSeen.helo)}, ${lastSeen.tls ?? 'without TLS'}`}`);
  if (lastMail !== null) {
    const { id, at, from, to, recipients, sizeOctets, outcome } = lastMail;
    lines.push(`     last mail ${formatWhen(at)}  ${id}  <${from}> to <${to}>${recipients > 1 ? ` and ${recipients - 1} more` : ''}, ${formatSize(sizeOctets)}: ${outcome === null ? 'waits' : `${outcome.kind}${outcome.said === '' ? '' : `, ${printable(outcome.said)}`}`}`);
  }
  for (const { at, what, times } of errors) lines.push(`     error ${formatWhen(at)}${times > 1 ? ` (${times} times)` : ''}: ${printable(what)}`);
  return lines.join('\n');
}

/** A peer's words, on a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\u2028\u2029]+/gu, ' ');
}
