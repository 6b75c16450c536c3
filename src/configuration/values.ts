/** How files of one value are read and shown, by the kind of value. */
import { parseWholeNumber } from '../grammar/config/control-file.ts';
import { foldDomain, isDomain, substituteHostName } from '../grammar/config/domain-list.ts';
import { formatDuration, parseDuration } from '../grammar/config/duration.ts';
import { formatIpAddress, parseIpAddress } from '../grammar/config/network.ts';
import { read, shown, wrong } from '../grammar/config/parsed.ts';
import { formatSize, parseSize } from '../grammar/config/size.ts';
import type { ValueRule } from './sheet.ts';

export function durationRule(example: string, leastMs = 0): ValueRule<number> {
  return {
    example,
    show: formatDuration,
    parse: (text) => {
      const parsed = parseDuration(text, example);
      return parsed.kind === 'read' && parsed.value < leastMs ? wrong(`${shown(text)} is less than ${formatDuration(leastMs)}`, example) : parsed;
    },
  };
}

export function sizeRule(example: string): ValueRule<number> {
  return { example, show: formatSize, parse: (text) => parseSize(text, example) };
}

export function numberRule(low: number, high: number, example: string): ValueRule<number> {
  return { example, show: String, parse: (text) => parseWholeNumber(text, low, high, example) };
}

export function domainRule(hostName: string, example = 'mail.example.com'): ValueRule<string> {
  return {
    example,
    show: String,
    parse: (text) => {
      const domain = foldDomain(substituteHostName(text, hostName));
      return isDomain(domain) && !domain.startsWith('[') ? read(domain) : wrong(`${shown(text)} is not a domain name`, example);
    },
  };
}

export const textRule: ValueRule<string> = { example: 'text', show: String, parse: read };

/** An address of this machine; `0` leaves the choice to the system. */
export function sourceRule(family: 4 | 6): ValueRule<string | null> {
  const example = family === 4 ? '192.0.2.1' : '2001:db8::1';
  return {
    example,
    show: (value) => value ?? 'the system chooses',
    parse: (text) => {
      const address = parseIpAddress(text);
      if (text === '0') return read(null);
      return address?.family === family ? read(formatIpAddress(address)) : wrong(`${shown(text)} is not an IPv${family} address`, example);
    },
  };
}
