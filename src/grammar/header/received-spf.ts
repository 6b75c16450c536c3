/** The Received-SPF field (RFC 7208 §9.1), laid out as Courier does. */
export interface SpfRemark {
  readonly result: string;
  readonly identity: 'helo' | 'mailfrom' | 'from';
  readonly sender: string;
  readonly remoteAddress: string;
  readonly remoteName?: string;
  readonly helo: string;
  readonly receiver: string;
  readonly why?: string;
}

const SAID: Readonly<Record<string, string>> = {
  pass: 'Address passes the Sender Policy Framework',
  fail: 'Address does not pass the Sender Policy Framework',
  softfail: 'Address does not pass the Sender Policy Framework, which is said to be a test',
  neutral: 'Address is neither allowed nor forbidden by the Sender Policy Framework',
  none: 'No Sender Policy Framework record is published',
  temperror: 'DNS trouble when looking for the Sender Policy Framework record',
  permerror: 'The Sender Policy Framework record cannot be used',
};

/** The value, folded, without the last line end. */
export function formatReceivedSpf({ result, identity, sender, remoteAddress, remoteName, helo, receiver }: SpfRemark): string {
  const pairs = [
    ['identity', identity], ['SPF', identity.toUpperCase()], ['sender', sender], ['remoteip', remoteAddress],
    ...(remoteName === undefined ? [] : [['remotehost', remoteName]]), ['helo', helo], ['receiver', receiver],
  ] as const;
  return `${result} (${SAID[result] ?? result})\r\n${pairs.map(([name, value = '']) => `  ${name}=${wordOf(value)};`).join('\r\n')}`;
}

/** A dot-atom as it is, anything else quoted; what a stranger wrote cannot end the line. */
function wordOf(value: string): string {
  const printable = value.replaceAll(/[\u0000-\u001f\u007f]/g, '_').slice(0, 320);
  return /^[\w!#$%&'*+/=?^`{|}~.@:-]+$/.test(printable) ? printable : `"${printable.replaceAll(/["\\]/g, '\\$&')}"`;
}
