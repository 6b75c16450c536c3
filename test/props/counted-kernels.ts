/** The kernels that run in the gateway, with a count of receptions that were opened and not given back. */
import type { Kernels } from '../../src/core/kernels.ts';
import { openKernels } from '../../src/kit/wasm/kernels.ts';

export interface CountedKernels extends Kernels {
  /** Receptions opened and not given back. */
  readonly open: number;
}

export function openCountedKernels(): CountedKernels {
  const kernels = openKernels();
  let open = 0;
  return {
    ...kernels,
    get open() {
      return open;
    },
    openReception() {
      const reception = kernels.openReception();
      const close = reception.close.bind(reception);
      let isOpen = true;
      open++;
      reception.close = () => {
        if (!isOpen) throw new Error('closed twice');
        isOpen = false;
        open--;
        close();
      };
      return reception;
    },
  };
}
