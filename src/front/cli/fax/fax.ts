/** posthorn fax: what a number becomes, and what a fax looks like, before anybody is called. */
import { Usage, type Command } from '../command.ts';
import { nearestWord } from '../nearest-word.ts';

const words: Readonly<Record<string, () => Promise<Command>>> = {
  number: async () => (await import('./number.ts')).faxNumber,
  render: async () => (await import('./render.ts')).faxRender,
  probe: async () => (await import('./line.ts')).faxProbe,
  status: async () => (await import('./line.ts')).faxStatus,
  received: async () => (await import('./line.ts')).faxReceived,
};

export const fax: Command = {
  name: 'fax',
  summary: 'fax: what a number dials, what a message looks like, the modems',
  help: `fax number NUMBER[@fax...] [--source local|esmtp|uucp|dsn]
       posthorn fax render FILE.eml -o PAGES.pdf|PAGES.png [--to NUMBER@fax...]
       posthorn fax probe [NAME|DEVICE]
       posthorn fax status
       posthorn fax received HANGUPCODE SENDERID PAGES FILE...

number  Takes the number through faxrc, a line for each rule that had a say, and what would be dialled. --source is the
        way the mail comes (default: local).
render  Draws a message as it would be sent, cover page and transmission line included: one PDF, or a PNG for each
        page (PAGES-1.png, PAGES-2.png ...). --to 5551212@fax-lowres-ignore says how it is addressed.
probe   Opens the modems of faxmodems, or one device, and says who they are, what they can do, and what is wrong.
status  Whether each modem is there and whose it is, and how many faxes wait to be mailed.
received  What mgetty's new_fax runs: a fax that mgetty took is kept and mailed by the gateway.

Exit status: 0; 1 the number is refused, or the message cannot be faxed; 64 wrong call; 65 a page cannot be read; 66 no such file; 69 no modem that works; 75 not now.`,
  async run(args, context) {
    const [word = '', ...rest] = args;
    const load = Object.hasOwn(words, word) ? words[word] : undefined;
    if (load === undefined) {
      const meant = nearestWord(word, Object.keys(words));
      throw new Usage(word === '' ? 'say what' : `there is no "fax ${word}"${meant === null ? '' : `; was ${meant} meant?`}`, `fax ${Object.keys(words).join('|')} ...`);
    }
    const command = await load();
    try {
      return await command.run(rest, context);
    } catch (error) {
      throw error instanceof Usage ? new Usage(error.message, command.help) : error;
    }
  },
};
