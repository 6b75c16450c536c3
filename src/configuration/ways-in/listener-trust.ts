/** Who may say of a connection that it is somebody else's: balancers by the PROXY protocol, relays by XCLIENT and XFORWARD. */
import { formatNetwork, parseNetwork, type Network } from '../../grammar/config/network.ts';
import { noting, settle, type Parsed, type Problem } from '../../grammar/config/parsed.ts';
import type { Environment } from '../environment.ts';
import type { Sheet } from '../sheet.ts';
import type { ListenerTrust } from './types.ts';

export const trustVariables = ['PROXYFROM', 'XCLIENTFROM', 'XFORWARDFROM'] as const;

export function readTrust(sheet: Sheet, name: string, environment: Environment): ListenerTrust {
  const [proxy = [], xclient = [], xforward = []] = trustVariables.map(variable => {
    const networks = environment.parsed(variable, [], parseNetworks);
    sheet.setting(`${name}: ${variable}`, networks.map(formatNetwork).join(' '), environment.source(variable));
    return networks;
  });
  // Of couriertcpd's options this one changes what a client must say first.
  if (/(?:^|\s)-haproxy\b/.test(environment.text('TCPDOPTS', '')) && proxy.length === 0) {
    sheet.notice(sheet.path(name), '-haproxy in TCPDOPTS is not used: PROXYFROM names the balancers whose PROXY header is believed');
  }
  return { proxy, xclient, xforward };
}

function parseNetworks(text: string): Parsed<readonly Network[]> {
  const problems: Problem[] = [];
  const networks: Network[] = [];
  for (const word of text.split(/[\s,]+/).filter(one => one !== '')) {
    const network = noting(parseNetwork(word), 1, problems);
    if (network !== undefined) networks.push(network);
  }
  return settle(networks, problems);
}
