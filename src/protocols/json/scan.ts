/** One member of a JSON object, as byte offsets into the text it was found in. */
export interface Member {
  readonly key: string;
  /** Offset of the key's opening quote. */
  readonly keyStart: number;
  /** The value's bytes: `[start, end)`. */
  readonly start: number;
  readonly end: number;
}

/** The bytes are not JSON; `offset` is where that shows. */
export class JsonSyntaxError extends Error {
  readonly offset: number;

  constructor(what: string, offset: number) {
    super(what);
    this.offset = offset;
  }
}

/** Deeper nesting is refused: it costs stack, and Go's decoder, Ollama's, stops at 10,000. */
const MAX_DEPTH = 1_000;
/** From this length on a string is searched for its quote natively, without looking at each byte. */
const LONG_STRING = 64;

/** What may follow a backslash: 1, or 2 where four hexadecimal digits follow. */
const ESCAPES = new Uint8Array(256);
for (const c of '"\\/bfnrt') ESCAPES[c.charCodeAt(0)] = 1;
ESCAPES[0x75] = 2;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;

/**
 * Finds the members of the JSON object that starts at `at` (white space before it is skipped), without decoding their
 * values. Order and duplicates are kept. What follows the object is not looked at, as Go's decoder does not.
 * Throws `JsonSyntaxError`.
 */
export function scanObject(bytes: Buffer, at = 0): Member[] {
  const scanner = new Scanner(bytes, at);
  const members: Member[] = [];
  scanner.object((key, keyStart, start, end) => members.push({ key, keyStart, start, end }), 0);
  return members;
}

/** The byte ranges of the elements of the JSON array that starts at `at`. Throws `JsonSyntaxError`. */
export function scanArray(bytes: Buffer, at = 0): { start: number; end: number }[] {
  const elements: { start: number; end: number }[] = [];
  new Scanner(bytes, at).array((start, end) => elements.push({ start, end }), 0);
  return elements;
}

/** The last member of that name: what decoders of JSON make of duplicates. */
export function findMember(members: readonly Member[], key: string): Member | undefined {
  return members.findLast((member) => member.key === key);
}

/** The text of a JSON string value at `[start, end)`, quotes included in the range. Throws `JsonSyntaxError`. */
export function decodeString(bytes: Buffer, start: number, end: number): string {
  if (!hasBackslash(bytes, start, end)) return bytes.toString('utf8', start + 1, end - 1);
  try {
    return JSON.parse(bytes.toString('utf8', start, end));
  } catch {
    // The scanner does not look at all of a long string.
    throw new JsonSyntaxError('invalid escape or control character in a string', start);
  }
}

/** Looks no further than the string: a search to the end of the text for each of many keys would take for ever. */
function hasBackslash(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > LONG_STRING) return bytes.subarray(start, end).includes(BACKSLASH);
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return true;
  return false;
}

/** What `visit` tells of a JSON value, in the order of the text. `key` is that of the member, or of the array around an element. */
export interface Visitor {
  /** An object opens. False: what is inside is passed over. */
  open(key: string, start: number): boolean;
  close(end: number): void;
  string(key: string, start: number, end: number): void;
}

/** Walks once through the JSON value that starts at `at`. Throws `JsonSyntaxError`. */
export function visit(bytes: Buffer, at: number, key: string, visitor: Visitor): void {
  new Scanner(bytes, at).visit(key, visitor, 0);
}

type OnMember = (key: string, keyStart: number, start: number, end: number) => void;
type OnElement = (start: number, end: number) => void;
const nothing = (): void => {};

class Scanner {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  object(onMember: OnMember, depth: number): void {
    this.expect(0x7b, 'an object', depth);
    if (this.closes(0x7d)) return;
    do {
      const keyStart = this.space();
      if (this.bytes[keyStart] !== QUOTE) this.fail('expected a quoted key');
      this.string();
      const keyEnd = this.at;
      if (this.bytes[this.space()] !== COLON) this.fail('expected ":" after a key');
      this.at++;
      const start = this.space();
      this.value(depth + 1);
      if (onMember !== nothing) onMember(decodeString(this.bytes, keyStart, keyEnd), keyStart, start, this.at);
    } while (this.more(0x7d));
  }

  array(onElement: OnElement, depth: number): void {
    this.expect(0x5b, 'an array', depth);
    if (this.closes(0x5d)) return;
    do {
      const start = this.space();
      this.value(depth + 1);
      onElement(start, this.at);
    } while (this.more(0x5d));
  }

  visit(key: string, visitor: Visitor, depth: number): void {
    const start = this.space();
    const first = this.bytes[start];
    if (first === QUOTE) {
      this.string();
      visitor.string(key, start, this.at);
    } else if (first === 0x5b) this.visitArray(key, visitor, depth);
    else if (first === 0x7b && visitor.open(key, start)) this.visitObject(visitor, depth);
    else this.value(depth);
  }

  private visitObject(visitor: Visitor, depth: number): void {
    this.expect(0x7b, 'an object', depth);
    if (!this.closes(0x7d))
      do {
        const key = this.key();
        this.visit(key, visitor, depth + 1);
      } while (this.more(0x7d));
    visitor.close(this.at);
  }

  private visitArray(key: string, visitor: Visitor, depth: number): void {
    this.expect(0x5b, 'an array', depth);
    if (this.closes(0x5d)) return;
    do this.visit(key, visitor, depth + 1);
    while (this.more(0x5d));
  }

  /** The text of the key here, its colon passed. */
  private key(): string {
    const start = this.space();
    if (this.bytes[start] !== QUOTE) this.fail('expected a quoted key');
    this.string();
    const key = decodeString(this.bytes, start, this.at);
    if (this.bytes[this.space()] !== COLON) this.fail('expected ":" after a key');
    this.at++;
    return key;
  }

  private value(depth: number): void {
    const first = this.bytes[this.at];
    if (first === QUOTE) this.string();
    else if (first === 0x7b) this.object(nothing, depth);
    else if (first === 0x5b) this.array(nothing, depth);
    else if (first === 0x74) this.word('true');
    else if (first === 0x66) this.word('false');
    else if (first === 0x6e) this.word('null');
    else this.number();
  }

  private expect(open: number, what: string, depth: number): void {
    if (this.bytes[this.space()] !== open) this.fail(`expected ${what}`);
    if (depth > MAX_DEPTH) this.fail('nested too deeply');
    this.at++;
  }

  /** Skips white space; true and past it when the container closes here. */
  private closes(close: number): boolean {
    if (this.bytes[this.space()] !== close) return false;
    this.at++;
    return true;
  }

  /** After an element: past a comma and true, or past the closing bracket and false. */
  private more(close: number): boolean {
    const next = this.bytes[this.space()];
    if (next !== COMMA && next !== close) this.fail('expected a comma or the closing bracket');
    this.at++;
    return next === COMMA;
  }

  private space(): number {
    const { bytes } = this;
    let at = this.at;
    for (let c = bytes[at]; c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; c = bytes[at]) at++;
    this.at = at;
    return at;
  }

  private string(): void {
    const { bytes } = this;
    let at = this.at + 1;
    for (const near = at + LONG_STRING; at < near; at++) {
      const c = bytes[at];
      if (c === QUOTE) {
        this.at = at + 1;
        return;
      }
      if (c === BACKSLASH) at = this.escape(at + 1);
      else if (c === undefined || c < 0x20) this.fail('unterminated string or control character in it', at);
    }
    this.longString(at);
  }

  /** The offset of an escape's last character; `at` is behind its backslash. */
  private escape(at: number): number {
    const kind = ESCAPES[this.bytes[at] ?? 0];
    if (kind === 1) return at;
    if (kind !== 2) this.fail('invalid escape', at);
    for (let i = 1; i <= 4; i++) if (!isHexDigit(this.bytes[at + i])) this.fail('invalid escape', at + i);
    return at + 4;
  }

  /** Base64 images make megabytes: the native search finds their end; an endpoint judges what is inside. */
  private longString(from: number): void {
    const { bytes } = this;
    for (let quote = bytes.indexOf(QUOTE, from); quote !== -1; quote = bytes.indexOf(QUOTE, quote + 1)) {
      let slashes = quote - 1;
      while (slashes >= from && bytes[slashes] === BACKSLASH) slashes--;
      if ((quote - 1 - slashes) % 2 === 0) {
        this.at = quote + 1;
        return;
      }
    }
    this.fail('unterminated string', bytes.length);
  }

  private word(word: string): void {
    const { bytes, at } = this;
    for (let i = 1; i < word.length; i++)
      if (bytes[at + i] !== word.charCodeAt(i)) this.fail('unexpected character', at + i);
    this.at = at + word.length;
  }

  private number(): void {
    const start = this.at;
    if (this.bytes[this.at] === 0x2d) this.at++;
    const leadingZero = this.bytes[this.at] === 0x30;
    const whole = this.digits();
    if (whole === 0) this.fail('unexpected character');
    if (leadingZero && whole > 1) this.fail('unexpected character', start);
    if (this.bytes[this.at] === 0x2e) {
      this.at++;
      if (this.digits() === 0) this.fail('expected digits after the point');
    }
    if (this.bytes[this.at] === 0x65 || this.bytes[this.at] === 0x45) this.exponent();
  }

  private exponent(): void {
    this.at++;
    if (this.bytes[this.at] === 0x2b || this.bytes[this.at] === 0x2d) this.at++;
    if (this.digits() === 0) this.fail('expected digits in the exponent');
  }

  private digits(): number {
    const from = this.at;
    for (let c = this.bytes[this.at]; c !== undefined && c >= 0x30 && c <= 0x39; c = this.bytes[this.at]) this.at++;
    return this.at - from;
  }

  private fail(what: string, offset = this.at): never {
    throw new JsonSyntaxError(offset >= this.bytes.length ? 'unexpected end' : what, offset);
  }
}

function isHexDigit(c: number | undefined): boolean {
  if (c === undefined) return false;
  return (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x46) || (c >= 0x61 && c <= 0x66);
}
