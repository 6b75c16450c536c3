/** posthorn fax number: each rule of faxrc as it applies. */
import { formatProblem } from '../../../configuration.ts';
import { dialFax } from '../../../grammar/fax/dial-fax.ts';
import { parseFaxNumber } from '../../../grammar/fax/fax-address.ts';
import { faxSources, type FaxStep } from '../../../grammar/fax/fax-rules.ts';
import { configurationOf } from '../configuration-of.ts';
import { exits, print, readArguments, Usage, type Command } from '../command.ts';

export const faxNumber: Command = {
  name: 'number',
  summary: 'what a number dials',
  help: 'fax number NUMBER [--source local|esmtp|uucp|dsn]',
  async run(args, context) {
    // A number may begin with a dash, which is a pause; then it stands behind `--`.
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { source: { type: 'string', default: 'local' } } });
    const [given, more] = positionals;
    const source = faxSources.find(one => one === values.source);
    if (given === undefined || more !== undefined) throw new Usage('number needs one number');
    if (source === undefined) throw new Usage(`--source is ${faxSources.join(', ')}`);
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    if (!configuration.fax.enabled) {
      await print(context.stderr, formatProblem({ file: `${configuration.folder}/faxrc`, what: 'there is none, so no fax is sent', right: 'a file with the line: accept^ . local' }));
      return exits.failed;
    }
    const at = given.lastIndexOf('@');
    const isAddress = /@fax[\w-]*$/.test(given);
    const dialled = dialFax(configuration.fax, isAddress ? given.slice(0, at) : given, isAddress ? given.slice(at + 1) : 'fax', source);
    if (dialled === null) throw new Usage(`${given.slice(at + 1)} is no fax address: fax, with -lowres, -ignore, -cover behind it`);
    const start = parseFaxNumber(isAddress ? given.slice(0, at) : given);
    await print(context.stdout, start === null ? `${given}: ${dialled.kind === 'refused' ? dialled.why : ''}` : `${given} is ${start} to the rules`);
    for (const step of dialled.steps) if (step.what !== 'no-match') await print(context.stdout, `faxrc:${step.line}: ${step.text.padEnd(28)} ${formatStep(step)}`);
    if (dialled.kind === 'dial') {
      const options = Object.entries(dialled.options).filter(([, on]) => on).map(([name]) => name);
      await print(context.stdout, `dial ${dialled.number}${options.length === 0 ? '' : ` (${options.join(', ')})`}`);
      return exits.ok;
    }
    await print(context.stdout, `refused: ${dialled.why}`);
    return exits.failed;
  },
};

function formatStep({ what, number }: FaxStep): string {
  switch (what) {
    case 'rewritten':
      return `-> ${number}`;
    case 'accepted':
      return 'accepted';
    case 'refused':
      return 'refused';
    case 'other-source':
      return 'matches, for another source';
    case 'no-match':
      return '';
    default:
      return what satisfies never;
  }
}
