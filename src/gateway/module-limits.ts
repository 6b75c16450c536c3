/** A way out that does no more at once than its module.* file says, as of the last reload. */
import type { ModuleLimits } from '../configuration.ts';
import type { Transport } from '../core/transport.ts';

export function withModuleLimits(transport: Transport, limits: () => ModuleLimits): Transport {
  return {
    name: transport.name,
    get limits() {
      const { deliveries, perNexthop, recipients } = limits();
      return { recipients, perNexthop, inAll: deliveries };
    },
    deliver: (job, signal) => transport.deliver(job, signal),
    close: () => transport.close(),
  };
}
