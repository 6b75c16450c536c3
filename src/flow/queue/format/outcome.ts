/** An outcome in a stored record (record.ts). Lists of words are part of the format: add at the end only. */
import type { Instant } from '../../../core/clock.ts';
import type { Blame, Diagnostic, Outcome } from '../../../core/outcome.ts';
import type { Status } from '../../../core/status.ts';
import { wordAt, type OctetReader, type OctetWriter } from './octets.ts';

const OUTCOMES = ['delivered', 'relayed', 'expanded', 'deferred', 'failed'] as const satisfies readonly Outcome['kind'][];
const BLAMES = ['recipient', 'message', 'nexthop'] as const satisfies readonly Blame[];
const VOCABULARIES = ['smtp', 'x-unix', 'x-fax', 'x-uucp', 'x-gateway'] as const satisfies readonly Diagnostic['type'][];

export function writeOutcome(w: OctetWriter, outcome: Outcome): void {
  w.octet(OUTCOMES.indexOf(outcome.kind));
  w.text(outcome.status);
  const said = outcome.said;
  const spoke = said === undefined ? 0 : 1;
  switch (outcome.kind) {
    case 'deferred':
      w.octet(spoke | (BLAMES.indexOf(outcome.blame) << 1) | (outcome.notBefore === undefined ? 0 : 8) | (outcome.uncertain === undefined ? 0 : 16));
      if (outcome.notBefore !== undefined) w.float(outcome.notBefore);
      break;
    case 'failed':
      w.octet(spoke);
      break;
    case 'delivered':
    case 'relayed':
    case 'expanded':
      w.octet(spoke | (outcome.dsnHandedOver === undefined ? 0 : 2));
      break;
    default:
      outcome satisfies never;
  }
  if (said !== undefined) writeDiagnostic(w, said);
}

export function readOutcome(r: OctetReader): Outcome {
  const kind = wordAt(OUTCOMES, r.octet());
  const status = r.text();
  const flags = r.octet();
  switch (kind) {
    case 'deferred':
      return {
        kind,
        status: status as Status<4>,
        blame: wordAt(BLAMES, (flags >> 1) & 3),
        ...((flags & 8) !== 0 ? { notBefore: r.float() as Instant } : {}),
        ...((flags & 16) !== 0 ? { uncertain: true as const } : {}),
        ...said(r, flags),
      };
    case 'failed':
      return { kind, status: status as Status<5>, ...said(r, flags) };
    case 'delivered':
    case 'relayed':
    case 'expanded':
      return { kind, status: status as Status<2>, ...((flags & 2) !== 0 ? { dsnHandedOver: true as const } : {}), ...said(r, flags) };
    default:
      return kind satisfies never;
  }
}

function said(r: OctetReader, flags: number): { readonly said?: Diagnostic } {
  return (flags & 1) !== 0 ? { said: readDiagnostic(r) } : {};
}

function writeDiagnostic(w: OctetWriter, said: Diagnostic): void {
  w.octet(VOCABULARIES.indexOf(said.type) | (said.remoteMta === undefined ? 0 : 16) | (said.command === undefined ? 0 : 32));
  w.text(said.text);
  if (said.remoteMta !== undefined) w.text(said.remoteMta);
  if (said.command !== undefined) w.text(said.command);
}

function readDiagnostic(r: OctetReader): Diagnostic {
  const flags = r.octet();
  return {
    type: wordAt(VOCABULARIES, flags & 15),
    text: r.text(),
    ...((flags & 16) !== 0 ? { remoteMta: r.text() } : {}),
    ...((flags & 32) !== 0 ? { command: r.text() } : {}),
  };
}
