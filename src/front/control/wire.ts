/**
 * The control socket's wire form: the client writes one request line, for a submission followed by chunk lines and
 * an end line; the server answers with item lines and one last line. All lines are JSON.
 */
export type Request =
  | { readonly ask: 'list'; readonly which: unknown }
  | { readonly ask: 'order'; readonly which: unknown; readonly order: unknown }
  | { readonly ask: 'summary' | 'reload' | 'stop' | 'overview' | 'import' | 'filters' | 'tracked' | 'bans' | 'devices' | 'tls-results' }
  | { readonly ask: 'clear-bans'; readonly which: 'all' | { readonly who: string } }
  | { readonly ask: 'forget-tracked'; readonly which: 'all' | { readonly address: string } }
  | { readonly ask: 'show' | 'content'; readonly id: string }
  | { readonly ask: 'verify'; readonly how: 'look' | 'repair' }
  | { readonly ask: 'export'; readonly which: unknown; readonly how: 'move' | 'copy' }
  | { readonly ask: 'recent'; readonly id?: string }
  | { readonly ask: 'webhooks' | 'testWebhook'; readonly name?: string }
  | { readonly ask: 'links' }
  | { readonly ask: 'link'; readonly name: string; readonly word: 'up' | 'down' | 'auto' }
  | { readonly ask: 'submit'; readonly submission: Readonly<Record<string, unknown>> };

export type Answer = { readonly item: unknown } | { readonly last: unknown } | { readonly wrong: string };

export type ChunkLine = { readonly chunk: string } | { readonly end: true };

/**
 * A Unix socket's path may have 107 octets; a state folder's may have more. The folder's descriptor under /proc
 * makes any folder short.
 */
export function socketPath(folderDescriptor: number): string {
  return `/proc/self/fd/${folderDescriptor}/control.sock`;
}
