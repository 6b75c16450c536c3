/** Every file a configuration folder may hold. docs/configuration.md has a row for each; a test compares both ways. */

export interface KnownFile {
  readonly name: string;
  readonly shape: 'file' | 'folder' | 'either';
  /** later: accepted, because a Courier folder has it, and does nothing yet. compiled: the text beside it is the truth. */
  readonly use: 'used' | 'later' | 'compiled';
  /** Of a compiled file: the text that must be there. */
  readonly text?: string;
}

function used(name: string, shape: KnownFile['shape'] = 'file'): KnownFile {
  return { name, shape, use: 'used' };
}
function later(name: string, shape: KnownFile['shape'] = 'file'): KnownFile {
  return { name, shape, use: 'later' };
}
function compiled(name: string, text: string): KnownFile {
  return { name, shape: 'file', use: 'compiled', text };
}

export const knownFiles: readonly KnownFile[] = [
  ...['me', 'defaultdomain', 'msgidhost', 'esmtphelo', 'esmtpgreeting', 'locals'].map((name) => used(name)),
  used('hosteddomains', 'either'),
  used('esmtpacceptmailfor'),
  used('esmtpacceptmailfor.dir', 'folder'),
  ...['devices', 'esmtpd-devices'].map((name) => used(name)),
  used('esmtppercentrelay'),
  used('esmtppercentrelay.dir', 'folder'),
  used('smtpaccess', 'either'),
  ...['openrelay', 'trialdomains', 'esmtpd', 'esmtpd-msa', 'esmtpd-ssl', 'lmtpd', 'bofh', 'bans', 'greylist', 'sizelimit', 'freespace'].map((name) => used(name)),
  used('userdb', 'either'),
  ...['esmtproutes', 'esmtpauthclient', 'socksproxy', 'socksbind', 'tlspolicy', 'tlsreports', 'backuprelay', 'ipout', 'ip6out'].map((name) => used(name)),
  ...['esmtptimeoutconnect', 'esmtptimeouthelo', 'esmtptimeout', 'esmtptimeoutdata', 'esmtptimeoutquit'].map((name) => used(name)),
  ...['esmtptimeoutkeepalive', 'esmtptimeoutkeepaliveping', 'esmtpdelay', 'module.esmtp', 'courierd'].map((name) => used(name)),
  ...['queuetime', 'faxqueuetime', 'warntime', 'retryalpha', 'retrybeta', 'retrygamma', 'retrymaxdelta'].map((name) => used(name)),
  ...['submitdelay', 'queuelo', 'queuehi', 'queuefill', 'batchsize', 'dsnfrom', 'dsnlimit'].map((name) => used(name)),
  ...['dsnheader.txt', 'dsndelayed.txt', 'dsndelivered.txt', 'dsnrelayed.txt', 'dsnfailed.txt', 'dsnfooter.txt', 'dsnsubjectnotice.txt', 'dsnsubjectwarn.txt'].map((name) => used(name)),
  ...['statedir', 'httpaddress', 'dnsservers', 'receiveprocesses'].map((name) => used(name)),
  ...['authtokens', 'webview', 'webhosts', 'webtoken', 'webhooks', 'alarms', 'log'].map((name) => used(name)),
  ...['uucpme', 'uucprewriteheaders', 'uucpdomains', 'uucpbatches', 'uucpgrades', 'uucppolls', 'uucpalarm', 'uucpconfig', 'uucpprograms', 'module.uucp', 'pipes', 'piperoutes', 'links'].map((name) => used(name)),
  used('uucpneighbors', 'either'),
  ...['faxrc', 'faxout', 'faxcover', 'faxblocked', 'module.fax', 'faxmodems', 'faxarrivals', 'faxnotifyrc'].map((name) => used(name)),
  used('faxmail', 'folder'),
  ...['enablefiltering', 'contentfilters', 'filtersockets', 'pickup'].map((name) => used(name)),
  used('filters', 'folder'),
  ...['smarthosts', 'sendermaps', 'oauth'].map((name) => used(name)),
  used('dkim'),
  used('arcseal'),
  used('dkimkeys', 'folder'),

  ...['aliases', 'aliases-esmtp', 'aliases-local', 'aliases-uucp'].map((name) => used(name, 'either')),
  ...['locallowercase', 'defaultsep'].map((name) => used(name)),
  used('aliasdir', 'folder'),
  ...['localtimeout', 'maildrop', 'maildroprc', 'maildropfilter', 'aliasfilteracct', 'quotawarnmsg', 'module.local', 'systemusers', 'dotextension'].map((name) => used(name)),
  used('maildroprcs', 'folder'),
  ...['autoresponsesquota', 'calendarmode', 'logindomainlist', 'ldapaddressbook', 'maildirshared'].map((name) => later(name)),
  later('maildirfilterconfig'),
  ...['ldapaliasrc', 'nochangingfrom', 'usexsender'].map((name) => later(name)),
  ...['respawnlo', 'respawnhi'].map((name) => later(name)),
  ...['module.dsn'].map((name) => later(name)),
  ...['imapd', 'imapd-ssl', 'pop3d', 'pop3d-ssl', 'sqwebmaild', 'sqwebmail', 'webmlmrc', 'ldapaddressbook.dist'].map((name) => later(name)),
  ...['imapaccess', 'pop3access', 'shared', 'shared.tmp', 'webadmin', 'authlib', 'rootcerts'].map((name) => later(name, 'either')),
  ...['authdaemonrc', 'authldaprc', 'authmysqlrc', 'authpgsqlrc', 'authsqliterc', 'esmtpd.cnf', 'imapd.cnf', 'pop3d.cnf'].map((name) => later(name)),
  ...['crlfilter', 'perlfilter', 'pythonfilter', 'ratefilter', 'verifyfilter', 'zdkimfilter.conf'].map((name) => later(name, 'either')),

  compiled('smtpaccess.dat', 'smtpaccess'),
  compiled('esmtpacceptmailfor.dat', 'esmtpacceptmailfor.dir'),
  compiled('esmtppercentrelay.dat', 'esmtppercentrelay.dir'),
  compiled('hosteddomains.dat', 'hosteddomains'),
  compiled('esmtproutes.dat', 'esmtproutes'),
  compiled('aliases.dat', 'aliases'),
  compiled('aliases-esmtp.dat', 'aliases-esmtp'),
  compiled('aliases-local.dat', 'aliases-local'),
  compiled('aliases-uucp.dat', 'aliases-uucp'),
  compiled('userdb.dat', 'userdb'),
  compiled('userdbshadow.dat', 'userdb'),
  compiled('imapaccess.dat', 'imapaccess'),
  compiled('pop3access.dat', 'pop3access'),
];

/** Families of names: certificates and keys that another file points to, and virtual hosts. */
export const knownPatterns: readonly { readonly name: string; readonly pattern: RegExp; readonly use: 'used' | 'later' }[] = [
  { name: '*.pem', pattern: /\.(pem|crt|cert|key|rsa|csr)(\.[\w.:*-]+)?$/, use: 'used' },
  { name: 'vhost.*', pattern: /^vhost\.[^/]+$/, use: 'used' },
];

/** What editors and package managers leave behind. */
export const leftovers = /^\.|~|^#.*#$|\.(dist|rpmnew|rpmsave|rpmorig|bak|orig|swp|ucf-\w+|dpkg-[\w-]+)$/;
