/** How a fault of MIME is told to who sent it. */
import { refuse, type Refusal } from '../../core/status.ts';
import type { Fault } from '../../grammar/mime/judgement.ts';

export function faultRefusal(fault: Fault): Refusal {
  const why = `BOFHBADMIME: ${fault}`;
  switch (fault) {
    case 'too deep':
    case 'too many parts':
      return refuse('mimeTooComplex', { why });
    case '8-bit header':
      return refuse('eightBitHeader', { why });
    case 'undeclared 8-bit content':
      return refuse('undeclaredEightBit', { why });
    case 'unnecessary base64':
      return refuse('needlessBase64', { why: 'BOFHNOBASE64TEXT' });
    case 'duplicate field':
    case 'unknown encoding':
    case 'bad boundary':
    case 'header too long':
      return refuse('malformedMime', { text: `Malformed MIME: ${fault}`, why });
    default:
      return fault satisfies never;
  }
}
