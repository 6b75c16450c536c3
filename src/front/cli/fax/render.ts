/** posthorn fax render: the pages of a fax, for a look before anybody pays for them. */
import { access, constants, stat, writeFile } from 'node:fs/promises';
import { unquotedLocalPart, domainOf, parseAddress } from '../../../grammar/address.ts';
import { dialFax } from '../../../grammar/fax/dial-fax.ts';
import { parseFaxDomain } from '../../../grammar/fax/fax-address.ts';
import { formatPdf, formatPng, type BitmapPage } from '../../../kit/bitmap-file.ts';
import { configurationOf } from '../configuration-of.ts';
import { Ended, exits, fileTrouble, print, readArguments, Usage, type Command, type FaxProof } from '../command.ts';

export const faxRender: Command = {
  name: 'render',
  summary: 'draw a message as it would be sent',
  help: 'fax render FILE.eml -o PAGES.pdf|PAGES.png [--to NUMBER@fax...]',
  async run(args, context) {
    const { values, positionals } = readArguments({ args: [...args], allowPositionals: true, options: { output: { type: 'string', short: 'o' }, to: { type: 'string', default: '5551212@fax' } } });
    const [file, more] = positionals;
    const { output } = values;
    if (file === undefined || more !== undefined || output === undefined || !/\.(pdf|png)$/i.test(output)) throw new Usage('render needs one message, and -o with a name that ends in .pdf or .png');
    const to = parseAddress(values.to);
    const options = to === null ? null : parseFaxDomain(domainOf(to));
    if (to === null || options === null) throw new Usage(`${values.to} is no fax address, as 5551212@fax-lowres is one`);
    const configuration = await configurationOf(context);
    if (configuration === null) return exits.configuration;
    await readable(file);
    // Refused or not, its pages may be looked at.
    const dialled = dialFax(configuration.fax, unquotedLocalPart(to), domainOf(to), null);
    const proof = await context.rooms.faxProof(configuration, file, { number: dialled?.kind === 'dial' ? dialled.number : unquotedLocalPart(to), options });
    if (proof.kind !== 'made') {
      await print(context.stderr, `posthorn fax: ${proof.why}`);
      return proof.kind === 'unfit' ? exits.failed : exits.tryLater;
    }
    try {
      const names = await write(proof, output).catch((error: unknown) => {
        throw error instanceof Error && 'syscall' in error ? fileTrouble(output, error, exits.cantCreate) : error;
      });
      await print(context.stdout, `${proof.count} ${proof.count === 1 ? 'page' : 'pages'}, ${proof.coverPages} of cover: ${names.join(' ')}`);
      for (const note of proof.notes) await print(context.stdout, note);
      return exits.ok;
    } finally {
      await proof.close();
    }
  },
};

async function readable(file: string): Promise<void> {
  const trouble = (error: unknown) => { throw fileTrouble(file, error, exits.noInput); };
  await access(file, constants.R_OK).catch(trouble);
  if ((await stat(file)).isDirectory()) throw new Ended(exits.noInput, `${file} is a folder.`);
}

async function write(proof: Extract<FaxProof, { kind: 'made' }>, output: string): Promise<readonly string[]> {
  if (/\.pdf$/i.test(output)) {
    await writeFile(output, formatPdf(pagesOf(proof)));
    return [output];
  }
  const names: string[] = [];
  for (let n = 0; n < proof.count; n++) {
    const name = proof.count === 1 ? output : output.replace(/\.png$/i, `-${n + 1}.png`);
    await writeFile(name, await formatPng(await proof.page(n)));
    names.push(name);
  }
  return names;
}

async function* pagesOf(proof: Extract<FaxProof, { kind: 'made' }>): AsyncGenerator<BitmapPage> {
  for (let n = 0; n < proof.count; n++) yield await proof.page(n);
}
