/** The texts `posthorn init` writes: a file each, with what it is for in comments, ready to be changed. */
import { formatAssignment } from '../grammar/config/environment.ts';
import type { ListenEndpoint } from '../grammar/config/endpoint.ts';

export interface Choices {
  readonly me: string;
  readonly esmtp: readonly ListenEndpoint[];
  readonly submission: readonly ListenEndpoint[];
  /** As it stands in the file `statedir`. */
  readonly stateFolder: string;
  readonly httpAddress: string;
  readonly trialDomains: readonly string[];
  readonly certificateFile?: string;
  /** Connections at once from one address. On loopback everyone shares it. */
  readonly perAddress: number;
}

export interface DefaultFile {
  readonly path: string;
  readonly text: string;
  /** It will hold passwords. */
  readonly secret?: true;
}

export function defaultFiles(choices: Choices): readonly DefaultFile[] {
  const { me } = choices;
  return [
    {
      path: 'me',
      text: text(
        'What this machine is called in SMTP: a full domain name that others can look up.',
        '`*` alone stands for the system\'s host name.',
      ) + `${me}\n`,
    },
    {
      path: 'locals',
      text: text(
        'Domains whose mailboxes are on this machine, one a line. `.example.com` is every subdomain of example.com,',
        '`!host.example.com` is not one of ours whatever a later line says; the first line that matches decides.',
      ) + `${me}\nlocalhost\n`,
    },
    {
      path: 'esmtpacceptmailfor',
      text: text(
        'Domains that anyone may send mail to through us, one a line; same syntax as `locals`, which is NOT included.',
        'Mail for any other domain is taken only from networks that smtpaccess/ lets relay, and from people who logged in.',
      ) + [me, ...choices.trialDomains].map((domain) => `${domain}\n`).join(''),
    },
    {
      path: 'smtpaccess/default',
      text: text(
        'Who may connect, and with which rights: NETWORK, a tab, and `deny` or `allow` with variables.',
        'A network is 192.168, 192.168.0.0/16, 2001:db8::/32, or * for everyone else. Only the most specific entry counts.',
        'RELAYCLIENT lets a network send mail anywhere; BOFHCHECKDNS=0 takes its senders\' domains as they are. Every text file in this folder is read.',
        '',
        'Examples:',
        '192.168<TAB>allow,RELAYCLIENT',
        '192.0.2.66<TAB>deny',
        '*<TAB>allow,SIZELIMIT=20000000',
      ) + '127\tallow,RELAYCLIENT,BOFHCHECKDNS=0\n::1\tallow,RELAYCLIENT,BOFHCHECKDNS=0\n',
    },
    { path: 'esmtpd', text: relayListener(choices) },
    { path: 'esmtpd-msa', text: submissionListener(choices) },
    {
      path: 'bofh',
      text: text(
        'What to refuse. badfrom user@example.com, @example.com or @.example.com refuses senders, spamtrap recipients;',
        'badmx ADDRESS, freemail DOMAIN, opt BOFHSPFMAILFROM=pass,none,softfail,neutral,unknown: see docs/access.md.',
        'maxrcpts is how many recipients one message may have; `hard` refuses the rest for good.',
      ) + 'maxrcpts 100\n',
    },
    { path: 'sizelimit', text: text('Largest message, in octets; 0 is no limit.') + '10485760\n' },
    { path: 'queuetime', text: text('How long delivery of a message is tried: w d h m s.') + '1w\n' },
    { path: 'warntime', text: text('A message still waiting after this long earns its sender a warning; 0 is never.') + '4h\n' },
    {
      path: 'esmtproutes',
      text: text(
        'Ways that mail takes other than its domain\'s MX: DOMAIN:RELAY[,PORT] [/FLAGS]; the first line that matches decides.',
        'Everything through a smarthost:            :smarthost.example.net,587 /SECURITY=REQUIRED',
        'One domain and its subdomains by an address: .example.com:[192.0.2.1]',
        'One domain through a proxy of `socksproxy`:  example.org: /PROXY=onion',
      ),
    },
    {
      path: 'esmtpauthclient',
      secret: true,
      text: text(
        'Our logins at relays: RELAY, user and password, with RELAY as esmtproutes has it, port included:',
        'smarthost.example.net,587 user password',
        'Keep this file private (chmod 600).',
      ),
    },
    {
      path: 'socksproxy',
      secret: true,
      text: text(
        'SOCKSv5 proxies for outgoing mail: NAME socks5://[user:password@]host[:port]',
        'The one called `default` takes everything that no route sends elsewhere; socks5h looks names up at the proxy.',
        '`noproxy NETWORK` is always reached directly.',
        'default socks5://user:password@proxy.example.net:1080',
        'noproxy 127.0.0.0/8',
      ),
    },
    {
      path: 'userdb',
      secret: true,
      text: text(
        'Accounts: NAME, a tab, then FIELD=VALUE parted by |. esmtppw is the password for sending mail, systempw for everything.',
        'A stored form is $6$… (openssl passwd -6), {SSHA}…, {SCRYPT}… or {PLAIN}….',
        'Keep this file private (chmod 600).',
        'Without a home, mail lies in mailboxes/ of the state folder; a home that is named has to be there.',
        'user@example.com<TAB>esmtppw=$6$salt$…|home=/home/user|quota=100000000S',
      ),
    },
    {
      path: 'aliases/system',
      text: text(
        'Names that stand for other addresses: NAME: ADDRESS, ADDRESS; /path of a mailbox; | command; :include:/file.',
        'Every text file in this folder is read, and in force as soon as it is written. Ask posthorn aliaslookup NAME.',
        'postmaster has a mailbox of its own as long as no line here sends it to somebody.',
        'postmaster: ann@example.com',
      ) + 'root: postmaster\nmailer-daemon: postmaster\nuucp: postmaster\nabuse: postmaster\n',
    },
    {
      path: 'trialdomains',
      text: text(
        'Domains to try things with: deferred@, failed@ and 451@ such a domain order their own fate. Nothing leaves the machine.',
      ) + choices.trialDomains.map((domain) => `${domain}\n`).join(''),
    },
    {
      path: 'faxout',
      text: text(
        'Fax: how pages look and how calls are made. Nothing is faxed before there is a faxrc; the simplest is one line,',
        'accept^ . local   (docs/fax.md)',
        'Our number and name, for the line at the top of each page:',
        'STATION_ID="+1 212 555 1212"',
        'STATION_NAME="Example & Company"',
        'Paper: a4 or letter; fine (204 by 196) or normal (204 by 98).',
        'PAPER=a4',
        'RESOLUTION=fine',
        'Waits between calls that nobody answered; how many calls may be answered and fail.',
        'BUSYRETRY="1m 3m 5m 10m 15m"',
        'PAIDTRIES=3',
      ),
    },
    {
      path: 'faxmodems',
      text: text(
        'Fax modems: the device, then options; posthorn fax probe DEVICE says whether it will do (docs/fax-modems.md).',
        '/dev/ttyACM0',
        '/dev/ttyS0 class=2 flow=hardware answer=2',
      ),
    },
    {
      path: 'faxarrivals',
      text: text(
        'Who gets a fax that came in: the first line that fits, else RCPTTO of faxnotifyrc, else the postmaster.',
        'called 5551234 sales@example.com',
        'sender "+49 89*" munich@example.com',
        'attach pdf png',
      ),
    },
    { path: 'statedir', text: text('Where the queue lives. A relative path starts at this folder.') + `${choices.stateFolder}\n` },
    { path: 'httpaddress', text: text('Health and metrics: ADDRESS:PORT, or off. Nobody is asked for a password there, so keep it on loopback.') + `${choices.httpAddress}\n` },
    { path: 'freespace', text: text('Mail is refused for now (452) when the queue\'s disk has less room than this: octets, or K, M, G.') + '128M\n' },
  ];
}

function relayListener(choices: Choices): string {
  return text('The ESMTP listener: mail from other servers. NAME=value, as in a shell.')
    + section('Where to listen: PORT, or ADDRESS.PORT, parted by commas.', ['PORT', ports(choices.esmtp)])
    + section('Start it at all?', ['ESMTPDSTART', 'YES'])
    + section('Connections at once: in all, from one address, from one block of 256 addresses.', ['MAXDAEMONS', '40'], ['MAXPERIP', String(choices.perAddress)], ['MAXPERC', String(choices.perAddress)])
    + section('Answer more and more slowly to a client that makes errors.', ['TARPIT', '1'])
    + section('Look the sender\'s domain up: mail that cannot be answered is not taken.', ['BOFHCHECKDNS', '1'])
    + section('Lists of addresses not to take mail from, such as -block=zen.example.org; see docs/access.md.', ['BLACKLISTS', ''])
    + section('Whether EXPN and VRFY are refused.', ['BOFHNOEXPN', '1'], ['BOFHNOVRFY', '1'])
    + section('A missing Message-ID or Date is the sender\'s business here.', ['NOADDMSGID', '1'], ['NOADDDATE', '1'])
    + section('1: nobody sends anything before AUTH, or before STARTTLS.', ['AUTH_REQUIRED', '0'], ['ESMTP_TLS_REQUIRED', '0'])
    + section(
      'AUTH mechanisms before and after STARTTLS: PLAIN LOGIN CRAM-MD5 CRAM-SHA1 CRAM-SHA256. None: no AUTH.',
      ['ESMTPAUTH', ''], ['ESMTPAUTH_TLS', ''],
    )
    + section('Certificate and key, PEM. Empty: STARTTLS is not offered.', ['TLS_CERTFILE', choices.certificateFile ?? ''], ['TLS_PRIVATE_KEYFILE', '']);
}

function submissionListener(choices: Choices): string {
  const onLoopback = choices.submission.every(({ address }) => address !== null && /^(127\.|::1$)/.test(address));
  return text('The submission listener: mail from people (RFC 6409). What is not set here is as in esmtpd.')
    + section('Where to listen: PORT, or ADDRESS.PORT, parted by commas.', ['PORT', ports(choices.submission)])
    + section('Start it at all?', ['ESMTPDSTART', 'YES'])
    + section('A missing Message-ID or Date is added.', ['NOADDMSGID', '0'], ['NOADDDATE', '0'])
    + section(
      'AUTH mechanisms before and after STARTTLS. A password may travel in clear over loopback; anywhere else it takes a certificate first.',
      ['ESMTPAUTH', onLoopback ? 'PLAIN LOGIN CRAM-MD5' : ''], ['ESMTPAUTH_TLS', 'PLAIN LOGIN CRAM-MD5'],
    )
    + section('1: AUTH comes first, whoever it is.', ['AUTH_REQUIRED', '0']);
}

function ports(endpoints: readonly ListenEndpoint[]): string {
  return endpoints.map(({ address, port }) => (address === null ? String(port) : `${address}.${port}`)).join(',');
}

function section(comment: string, ...settings: readonly (readonly [string, string])[]): string {
  return `\n${text(comment)}${settings.map(([name, value]) => `${formatAssignment(name, value)}\n`).join('')}`;
}

function text(...lines: readonly string[]): string {
  return lines.map((line) => `${line === '' ? '#' : `# ${line}`}\n`).join('');
}
