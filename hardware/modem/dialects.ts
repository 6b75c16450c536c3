/** Class 2 and class 2.0 are two dialects, not two versions: the words of each, as data (ITU-T T.32; EIA SP-2388). */
export type DialectName = '2' | '2.0';

export interface Dialect {
  readonly name: DialectName;
  readonly identity: { readonly maker: string; readonly model: string; readonly revision: string };
  /** What we can do at all, and what this call is to be. */
  readonly capabilities: string;
  readonly wish: string;
  readonly localId: string;
  readonly bitOrder: string;
  readonly abort: string;
  readonly receiveVerdict: string;
  readonly reports: {
    readonly connected: string;
    readonly answeringId: string;
    readonly callingId: string;
    readonly farCapabilities: string;
    readonly agreed: string;
    readonly pageVerdict: string;
  };
  /** Said once before all else that depends on it. */
  readonly prepare: readonly string[];
}

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  '2': {
    name: '2',
    identity: { maker: '+FMFR?', model: '+FMDL?', revision: '+FREV?' },
    capabilities: '+FDCC', wish: '+FDIS', localId: '+FLID', bitOrder: '+FBOR', abort: '+FK', receiveVerdict: '+FPTS',
    reports: { connected: '+FCON', answeringId: '+FCSI', callingId: '+FTSI', farCapabilities: '+FDIS', agreed: '+FDCS', pageVerdict: '+FPTS' },
    prepare: [],
  },
  '2.0': {
    name: '2.0',
    identity: { maker: '+FMI?', model: '+FMM?', revision: '+FMR?' },
    capabilities: '+FCC', wish: '+FIS', localId: '+FLI', bitOrder: '+FBO', abort: '+FKS', receiveVerdict: '+FPS',
    reports: { connected: '+FCO', answeringId: '+FCI', callingId: '+FTI', farCapabilities: '+FIS', agreed: '+FCS', pageVerdict: '+FPS' },
    // All reports are off after a reset.
    prepare: ['+FNR=1,1,1,0'],
  },
};

/** What class 2 asks after a page, and the pair that says the same in class 2.0. */
export const AFTER_PAGE = { more: { et: '+FET=0', mark: 0x2c }, end: { et: '+FET=2', mark: 0x2e } } as const;

/** ITU-T T.30: MCF, RTP and PIP confirm the page. */
export type Verdict = 'good' | 'bad';

export function verdictOf(figure: number): Verdict | null {
  return figure === 1 || figure === 3 || figure === 5 ? 'good' : figure === 2 || figure === 4 ? 'bad' : null;
}
