/** The letters of test/corpus, as they go over the wire. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface CorpusLetter {
  readonly name: string;
  readonly subject: string;
  /** CRLF line ends, not dot-stuffed. */
  readonly content: Buffer;
  readonly has8bit: boolean;
}

const folder = join(import.meta.dirname, '..', 'corpus');

export function readCorpus(): readonly CorpusLetter[] {
  return readdirSync(folder).filter((file) => file.endsWith('.eml')).toSorted().map((file) => {
    const content = Buffer.from(readFileSync(join(folder, file), 'latin1').replaceAll(/\r?\n/g, '\r\n'), 'latin1');
    return {
      name: file.replace(/\.eml$/, ''),
      subject: /^Subject: (.*)$/m.exec(content.toString('latin1'))?.[1]?.trim() ?? '',
      content,
      has8bit: content.some((octet) => octet > 127),
    };
  });
}
