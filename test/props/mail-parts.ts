/** The decoded parts of a multipart message of ours: text first, then base64 attachments. */
export function simpleParts(message: Buffer): readonly Buffer[] {
  const text = message.toString('latin1');
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? '';
  return text.split(`\r\n--${boundary}`).slice(1, -1).map(part => {
    const at = part.indexOf('\r\n\r\n');
    const body = part.slice(at + 4);
    return /base64/.test(part.slice(0, at)) ? Buffer.from(body, 'base64') : Buffer.from(body, 'latin1');
  });
}
