/** What assembly/index.ts exports; see there. Lengths are octets of the input window. */
export interface Exports {
  dataEnd(): number;
  receptionReset(): void;
  receptionFeed(octets: number): void;
  receptionFinish(): void;
  contentReset(): void;
  contentFeed(octets: number): void;
  contentFinish(): void;
  scanOnly(octets: number): void;
  stuffingReset(): void;
  stuffingFeed(octets: number): number;
  stuffingFinish(): number;
  digestReset(seed: bigint): void;
  digestFeed(octets: number): void;
  digest64(): bigint;
  digest128(): void;
  normaliseReset(): void;
  normalise(octets: number): number;
  normaliseFinish(): number;
  escapeCount(octets: number): number;
  qpEncodeReset(binary: number): void;
  qpEncode(octets: number, last: number): number;
  qpDecodeReset(): void;
  qpDecode(octets: number, last: number): number;
  base64EncodeReset(): void;
  base64Encode(octets: number, last: number): number;
  base64DecodeReset(): void;
  base64Decode(octets: number): number;
  base64DecodeFinish(): number;
  faxEncodeReset(width: number, flags: number): void;
  faxEncode(octets: number): number;
  faxEncodeFinish(): number;
  faxDecodeReset(width: number, flags: number): void;
  faxDecode(octets: number, from: number): number;
  faxDecodeFinish(): number;
  faxWireReset(flags: number): void;
  faxWire(octets: number): number;
}
