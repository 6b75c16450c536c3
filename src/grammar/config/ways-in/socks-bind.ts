/**
 * `socksbind`: `LISTENER via PROXY [from ADDRESS] [port PORT] [reserve N] [private]`, one a line: the listener takes
 * connections that come to the outside of a SOCKS proxy (BIND) as well.
 */
import { parseLines, parseWholeNumber } from '../control-file.ts';
import { formatIpAddress, parseIpAddress } from '../network.ts';
import { noting, settle, shown, type Parsed, type Problem } from '../parsed.ts';

export interface SocksBind {
  readonly line: number;
  /** `esmtpd`, `esmtpd-msa`, `esmtpd-ssl`. */
  readonly listener: string;
  readonly via: string;
  /** Whom the proxy is to let in; `0.0.0.0`: anybody. */
  readonly from: string;
  /** 0: the proxy chooses. */
  readonly port: number;
  readonly reserve: number;
  /** Peers with addresses of private networks are believed to be there. */
  readonly private: boolean;
}

const example = 'esmtpd via default reserve 2';
const MOST = 64;

export function parseSocksBinds(text: string): Parsed<readonly SocksBind[]> {
  const problems: Problem[] = [];
  const binds: SocksBind[] = [];
  for (const { line, text: entry } of parseLines(text)) {
    const [listener = '', via, proxy, ...words] = entry.split(/\s+/);
    if (via !== 'via' || proxy === undefined) {
      problems.push({ line, what: `${shown(entry)} is not LISTENER via PROXY`, right: example });
      continue;
    }
    const found: { from: string; port: number; reserve: number; private: boolean } = { from: '0.0.0.0', port: 0, reserve: 1, private: false };
    for (let n = 0; n < words.length; n++) {
      const word = words[n] as string;
      const value = words[n + 1] ?? '';
      if (word === 'private') {
        found.private = true;
        continue;
      }
      n++;
      if (word === 'port') found.port = noting(parseWholeNumber(value, 1, 65_535, `${listener} via ${proxy} port 2525`), line, problems) ?? 0;
      else if (word === 'reserve') found.reserve = noting(parseWholeNumber(value, 1, MOST, example), line, problems) ?? 1;
      else if (word === 'from') {
        const address = parseIpAddress(value);
        if (address === null) problems.push({ line, what: `${shown(value)} is not an IP address`, right: `${listener} via ${proxy} from 192.0.2.25` });
        else found.from = formatIpAddress(address);
      } else problems.push({ line, what: `${shown(word)} is not from ADDRESS, port PORT, reserve NUMBER or private`, right: example });
    }
    binds.push({ line, listener, via: proxy, ...found });
  }
  return settle(binds, problems);
}
