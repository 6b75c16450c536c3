/** Which parts of a message become pages, and in which order (courierfax; fax-uucp-socks 1.4). Pure. */
import type { HeaderField } from '../../../grammar/mime/field.ts';
import type { Leaf, Multipart, Part } from './message-parts.ts';

/** A part to draw, or a message in the message, whose header is drawn before its parts. */
export type Item =
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'forwarded'; readonly fields: readonly HeaderField[] };

/** `well`: there is a filter for it; `plainly`: it can be read as text; `not`: nothing here draws it. */
export type Drawable = (type: string, leaf: Leaf) => 'well' | 'plainly' | 'not';

export function orderParts(root: Part, drawable: Drawable): readonly Item[] {
  const items: Item[] = [];
  collect(root, drawable, items);
  return items;
}

function collect(part: Part, drawable: Drawable, items: Item[]): void {
  if (part.kind === 'leaf') {
    items.push({ kind: 'leaf', leaf: part });
    return;
  }
  if (part.type.startsWith('message/')) items.push({ kind: 'forwarded', fields: part.fields });
  for (const child of chosen(part, drawable)) collect(child, drawable, items);
}

function chosen({ type, start, children }: Multipart, drawable: Drawable): readonly Part[] {
  const [first] = children;
  if (first === undefined) return [];
  switch (type) {
    case 'multipart/alternative': {
      // The richest comes last (RFC 2046 §5.1.4). HTML made into text again is poorer than the text beside it.
      const how = (child: Part): ReturnType<Drawable> => {
        if (child.kind === 'leaf') return drawable(child.type, child);
        const [only] = child.type === 'multipart/related' ? chosen(child, drawable) : [];
        return only === undefined ? 'well' : how(only);
      };
      return [children.findLast(child => how(child) === 'well') ?? children.findLast(child => how(child) === 'plainly') ?? (children.at(-1) as Part)];
    }
    case 'multipart/related':
      return [children.find(child => child.kind === 'leaf' && start !== '' && child.contentId === start) ?? first];
    case 'multipart/signed':
      return [first];
    default:
      return children;
  }
}
