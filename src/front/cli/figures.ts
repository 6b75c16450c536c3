/** Sizes and times as the queue's listings write them. */

/** Courier's: bytes below 1 K, then n.nK, n.nnM. */
export function formatSize(octets: number): string {
  if (octets < 1024) return String(octets);
  return octets < 1024 * 1024 ? `${(octets / 1024).toFixed(1)}K` : `${(octets / 1024 / 1024).toFixed(2)}M`;
}

export function formatWhen(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
