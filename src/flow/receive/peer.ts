/** Who the client is: of the socket, or as someone says whom the operator trusts to say it. */
export interface Peer {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

/** Networks, asked by an address as text. */
export interface Trusted {
  has(address: string): boolean;
}
