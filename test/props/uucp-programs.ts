/** A folder of programs called uux, uucico …: shell scripts that write down how they were called and end as told. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { scratchFolder } from './scratch-folder.ts';

export interface FakePrograms {
  readonly folder: string;
  /** What `name` does; `$HERE` is the folder. */
  script(name: string, text: string): void;
  /** Its calls, each a list of arguments. */
  calls(name: string): readonly (readonly string[])[];
  /** What its calls read, one behind the other. */
  input(name: string): Buffer;
}

export function createFakePrograms(): FakePrograms {
  const folder = scratchFolder('programs');
  const script = (name: string, text: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\nHERE='${folder}'\nfor one in "$@"; do printf '%s\\n' "$one"; done >> '${folder}/${name}.calls'\nprintf '\\f\\n' >> '${folder}/${name}.calls'\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const read = (name: string): Buffer => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : Buffer.alloc(0));
  script('uux', `cat >> '${folder}/uux.input'; echo siteb.C0001`);
  script('uuname', 'echo siteb; echo green; echo zilch');
  script('uustat', 'exit 0');
  script('uucico', 'exit 0');
  script('uuxqt', 'exit 0');
  return {
    folder,
    script,
    calls: name => read(`${name}.calls`).toString().split('\f\n').slice(0, -1).map(call => call.split('\n').slice(0, -1)),
    input: name => read(`${name}.input`),
  };
}
