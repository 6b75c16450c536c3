/**
 * Things in the order in which they came, each in at most one chain, added and removed in constant time. For what V8's Set
 * would be asked thousands of times a second: see steady-map.ts for what that costs.
 */
export abstract class Link {
  /** For the chain alone. */
  chain: Chain<Link> | null = null;
  before: Link | null = null;
  behind: Link | null = null;
}

export class Chain<T extends Link> {
  #first: Link | null = null;
  #last: Link | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | null {
    return this.#first as T | null;
  }

  has(item: T): boolean {
    return item.chain === this;
  }

  /** Behind all others, from wherever it was, in this chain or another. */
  append(item: T): void {
    item.chain?.remove(item);
    item.chain = this;
    item.before = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.behind = item;
    this.#last = item;
    this.#size++;
  }

  /** What is not in it stays out. */
  remove(item: T): void {
    if (item.chain !== this) return;
    if (item.before === null) this.#first = item.behind;
    else item.before.behind = item.behind;
    if (item.behind === null) this.#last = item.before;
    else item.behind.before = item.before;
    item.chain = null;
    item.before = null;
    item.behind = null;
    this.#size--;
  }

  /** As they are now. */
  all(): T[] {
    const found: T[] = [];
    for (let item = this.#first; item !== null; item = item.behind) found.push(item as T);
    return found;
  }
}
