/** A syntax error with the text that Go's decoder gives for it. */
class JsonSyntaxError extends Error {}

/** The body held no value at all: what Go calls EOF. */
export class EmptyJsonError extends Error {
  constructor() {
    super('EOF');
  }
}

/** Parses the first JSON value of a text and ignores what follows, as Go's `json.Decoder` does. */
export function firstJsonValue(text: string): unknown {
  const start = skipSpace(text, 0);
  if (start === text.length) throw new EmptyJsonError();
  const end = value(text, start);
  return JSON.parse(text.slice(start, end));
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && ' \t\r\n'.includes(text[at] ?? '')) at++;
  return at;
}

function fail(text: string, at: number, where: string): never {
  const char = text[at];
  if (char === undefined) throw new JsonSyntaxError('unexpected EOF');
  throw new JsonSyntaxError(`invalid character ${quoted(char)} ${where}`);
}

function quoted(char: string): string {
  if (char === "'") return `'\\''`;
  if (char === '"') return `'"'`;
  return `'${JSON.stringify(char).slice(1, -1)}'`;
}

/** Offset after the value that starts here. */
function value(text: string, at: number): number {
  const char = text[at];
  if (char === '{') return object(text, at);
  if (char === '[') return array(text, at);
  if (char === '"') return string(text, at);
  if (char === 't') return literal(text, at, 'true');
  if (char === 'f') return literal(text, at, 'false');
  if (char === 'n') return literal(text, at, 'null');
  if (char !== undefined && /[-0-9]/.test(char)) return number(text, at);
  return fail(text, at, 'looking for beginning of value');
}

function object(text: string, start: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === '}') return at + 1;
  for (;;) {
    if (text[at] !== '"') fail(text, at, 'looking for beginning of object key string');
    at = skipSpace(text, string(text, at));
    if (text[at] !== ':') fail(text, at, 'after object key');
    at = skipSpace(text, value(text, skipSpace(text, at + 1)));
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') fail(text, at, 'after object key:value pair');
    at = skipSpace(text, at + 1);
  }
}

function array(text: string, start: number): number {
  let at = skipSpace(text, start + 1);
  if (text[at] === ']') return at + 1;
  for (;;) {
    at = skipSpace(text, value(text, at));
    if (text[at] === ']') return at + 1;
    if (text[at] !== ',') fail(text, at, 'after array element');
    at = skipSpace(text, at + 1);
  }
}

function string(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const char = text[at];
    if (char === '"') return at + 1;
    if (char === undefined || char < ' ') fail(text, at, 'in string literal');
    at = char === '\\' ? escaped(text, at + 1) : at + 1;
  }
}

function escaped(text: string, at: number): number {
  const char = text[at];
  if (char === 'u') {
    for (let i = 1; i <= 4; i++) {
      if (!/[0-9a-fA-F]/.test(text[at + i] ?? ' ')) fail(text, at + i, 'in \\u hexadecimal character escape');
    }
    return at + 5;
  }
  if (char === undefined || !'"\\/bfnrt'.includes(char)) fail(text, at, 'in string escape code');
  return at + 1;
}

function literal(text: string, start: number, word: string): number {
  for (let i = 1; i < word.length; i++) {
    if (text[start + i] !== word[i]) fail(text, start + i, `in literal ${word} (expecting ${quoted(word[i] ?? '')})`);
  }
  return start + word.length;
}

function number(text: string, start: number): number {
  const found = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/.exec(text.slice(start, start + 400));
  if (found === null) return fail(text, start + 1, 'in numeric literal');
  return start + found[0].length;
}
