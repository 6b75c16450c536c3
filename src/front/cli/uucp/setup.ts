/** Taylor UUCP's files for one neighbour, and the commands that uuxqt runs for it: text only. */

export type Via = 'tcp' | 'tls' | 'socks' | 'ssh' | 'serial' | 'pipe';

export interface SetupWish {
  readonly me: string;
  readonly neighbor: string;
  readonly via: Via;
  readonly login: string;
  readonly password: string;
  /** Host and port; a device with serial. */
  readonly address: string;
  readonly port: number;
  /** What is run with pipe. */
  readonly command: string;
  readonly proxy: string;
  /** The ssh program. */
  readonly ssh: string;
  /** The authority behind the other side's certificate; '' is the system's. */
  readonly ca: string;
  /** It calls us, and never we it. */
  readonly answer: boolean;
  /** Where the files are going to lie; absolute. */
  readonly folder: string;
  /** How to run us: program and first arguments, the configuration included. */
  readonly posthorn: readonly string[];
}

export interface SetupFile {
  readonly path: string;
  readonly text: string;
  /** Others may not read it. */
  readonly secret?: true;
  readonly executable?: true;
  /** Its text goes behind what is there, unless `mark` is there already. */
  readonly mark?: string;
}

const COMMANDS = ['rmail', 'rsmtp', 'rgsmtp', 'rzsmtp', 'rbsmtp'] as const;

export function setupFiles(wish: SetupWish): readonly SetupFile[] {
  const { folder, neighbor, login, password, answer } = wish;
  return [
    { path: 'config', text: configText(wish) },
    { path: 'sys', mark: `system ${neighbor}`, text: sysText(wish) },
    ...(answer ? [] : [{ path: 'port', mark: `port ${portName(wish)}`, text: portText(wish) }]),
    answer
      ? { path: 'passwd', secret: true as const, mark: `${login} `, text: `${login} ${password}\n` }
      : { path: 'call', secret: true as const, mark: `${neighbor} `, text: `${neighbor} ${login} ${password}\n` },
    ...COMMANDS.map(name => ({ path: `bin/${name}`, executable: true as const, text: `#!/bin/sh\n# Run by uuxqt. What strangers write comes last, behind a name that has no options of ours.\nexec ${wish.posthorn.map(quoted).join(' ')} ${name} "$@"\n` })),
    { path: 'spool/.keep', text: '' },
    { path: 'pub/.keep', text: '' },
    { path: 'lock/.keep', text: `Lock files of ${folder}\n` },
  ];
}

function configText({ me, folder }: SetupWish): string {
  const lines = [
    ['nodename', me], ['spool', `${folder}/spool`], ['pubdir', `${folder}/pub`], ['lockdir', `${folder}/lock`], ['sysfile', `${folder}/sys`], ['portfile', `${folder}/port`], ['callfile', `${folder}/call`],
    ['passwdfile', `${folder}/passwd`], ['logfile', `${folder}/Log`], ['statfile', `${folder}/Stats`], ['debugfile', `${folder}/Debug`],
  ];
  return `# Taylor UUCP for ${me}; every program takes this file with -I.\n${lines.map(([word, value]) => `${word} ${value}\n`).join('')}`;
}

function sysText(wish: SetupWish): string {
  const { neighbor, answer, folder, via } = wish;
  const lines = [`system ${neighbor}`, `commands ${COMMANDS.join(' ')}`, `command-path ${folder}/bin`];
  if (answer) lines.push('time never', `called-login ${wish.login}`);
  else {
    lines.push('time any', 'call-login *', 'call-password *', `chat ${chat(via)}`, 'chat-timeout 30', `protocol ${via === 'tcp' ? 't' : 'i'}`, `port ${portName(wish)}`);
    if (via === 'tcp') lines.push(`address ${wish.address}`);
  }
  return `\n${lines.join('\n')}\n`;
}

/** ssh has asked for login and key already; the key's forced command is uucico. */
function chat(via: Via): string {
  return via === 'ssh' ? '""' : '"" \\r ogin:-\\r-ogin: \\L word: \\P';
}

function portName({ neighbor, via }: SetupWish): string {
  return `${neighbor}-${via}`;
}

function portText(wish: SetupWish): string {
  const lines = [`port ${portName(wish)}`];
  const piped = (...words: readonly string[]) => lines.push('type pipe', `command ${words.join(' ')}`, 'reliable true');
  switch (wish.via) {
    case 'tcp':
      lines.push('type tcp', `service ${wish.port}`);
      break;
    case 'tls':
      piped(...wish.posthorn, 'uucp', 'connect', '--tls', ...(wish.ca === '' ? [] : ['--ca', wish.ca]), wish.address, String(wish.port));
      break;
    case 'socks':
      piped(...wish.posthorn, 'uucp', 'connect', '--proxy', wish.proxy, wish.address, String(wish.port));
      break;
    case 'ssh':
      piped(wish.ssh, '-x', '-q', '-o', 'BatchMode=yes', '-l', wish.login, wish.address);
      break;
    case 'serial':
      lines.push('type direct', `device ${wish.address}`, 'baud 115200', 'hardflow true');
      break;
    case 'pipe':
      piped(wish.command);
      break;
    default:
      wish.via satisfies never;
  }
  return `\n${lines.join('\n')}\n`;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
