/** Which device a connection is: by the narrowest network that has its address, and by the name it gives itself. */
import type { DeviceRule } from '../../grammar/config/ways-in/devices.ts';
import { bitOf, parseIpAddress, type IpAddress } from '../../grammar/config/network.ts';

export interface DeviceTable {
  /** All that a connection from there may turn out to be, the narrowest networks first. */
  at(address: string): readonly DeviceRule[];
  /** Null: none of them has this name. */
  find(address: string, helo: string | undefined): DeviceRule | null;
}

const NOBODY: readonly DeviceRule[] = [];

export function createDeviceTable(rules: readonly DeviceRule[]): DeviceTable {
  const networks = new Map<string, DeviceRule[]>();
  const lengths = { 4: new Set<number>(), 6: new Set<number>() };
  for (const rule of rules) {
    for (const network of rule.networks) {
      const key = keyOf(network, network.bits);
      networks.set(key, [...(networks.get(key) ?? []), rule]);
      lengths[network.family].add(network.bits);
    }
  }
  const narrowest = { 4: [...lengths[4]].toSorted((a, b) => b - a), 6: [...lengths[6]].toSorted((a, b) => b - a) };

  function at(text: string): readonly DeviceRule[] {
    const address = parseIpAddress(text);
    if (address === null) return NOBODY;
    return narrowest[address.family].flatMap(bits => networks.get(keyOf(address, bits)) ?? NOBODY);
  }
  return {
    at,
    find(text, helo) {
      const name = (helo ?? '').toLowerCase();
      const address = parseIpAddress(text);
      if (address === null) return null;
      for (const bits of narrowest[address.family]) {
        const here = networks.get(keyOf(address, bits)) ?? NOBODY;
        // A name that was asked for says more than none.
        const found = here.find(rule => rule.helo.includes(name)) ?? here.find(rule => rule.helo.length === 0);
        if (found !== undefined) return found;
      }
      return null;
    },
  };
}

function keyOf({ family, octets }: IpAddress, bits: number): string {
  let key = `${family}/`;
  for (let bit = 0; bit < bits; bit++) key += bitOf(octets, bit);
  return key;
}
