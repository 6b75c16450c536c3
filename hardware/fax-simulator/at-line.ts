/** `ATE0V1+FCLASS=2;+FCR=1` into its commands; a dial command takes the rest of the line (ITU-T V.250 §5.2). */
export function splitAtLine(line: string): readonly string[] | null {
  const [, body] = /^AT(.*)$/is.exec(line.trim()) ?? [];
  if (body === undefined) return null;
  const found: string[] = [];
  let rest = body;
  while (rest !== '') {
    const [one = rest] = /^(?:[\s;]+|D.*|[+#][A-Z0-9]+(?:=\?|\?|=(?:"[^"]*"|[^;"])*)?|S\d+(?:\?|=\d*)|[&\\%*]?[A-Z]\d*)/is.exec(rest) ?? [];
    const word = one.trim();
    if (word !== '' && word !== ';') found.push(/^[+#]/.test(word) ? word : word.toUpperCase());
    rest = rest.slice(one.length);
  }
  return found;
}
