import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';

/** One HTTP answer as it stood on the wire. */
export interface WireAnswer {
  readonly status: number;
  /** Names and values as sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Decoded from chunks, and from nothing else. */
  readonly body: Buffer;
  /** The chunks of a chunked body; else the body in one piece. */
  readonly pieces: readonly Buffer[];
  /** The body came in full by its own framing. */
  readonly complete: boolean;
}

/** A request; an object as body becomes JSON, `headers` come on top of `Host` and `Content-Length`. */
export interface WireRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly body?: string | Buffer | object;
}

const PATIENCE_MS = 10_000;

/** An HTTP client on a plain socket: sends what it is told, byte for byte, and shows what came. */
export class Wire implements Disposable {
  readonly socket: Socket;
  closed = false;
  #buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  readonly #waiting = new Set<() => void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#append(bytes);
      this.#changed();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed = true;
      this.#changed();
    });
  }

  /** Everything that came so far and belongs to no answer read yet. */
  get received(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Latin-1, so that any byte can be written as a character. */
  send(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) this.socket.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  }

  request(path: string, request: WireRequest = {}): void {
    this.send(requestBytes(path, request));
  }

  /** The next answer; `toHead` for one that answers a HEAD. */
  async answer(toHead = false): Promise<WireAnswer> {
    const reader = new AnswerReader(toHead);
    await this.until(() => reader.read(this.received, this.closed));
    assert.ok(reader.answer);
    this.#buffer = Buffer.from(this.#buffer.subarray(reader.at));
    this.#length -= reader.at;
    return reader.answer;
  }

  /** Resolves as soon as the predicate holds; it is looked at again whenever something comes, and at the end. */
  async until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (holds()) resolve();
      else if (this.closed)
        reject(new Error(`closed after ${JSON.stringify(this.received.toString('latin1', 0, 2000))}`));
    };
    const late = () =>
      reject(new Error(`still waiting after ${JSON.stringify(this.received.toString('latin1', 0, 2000))}`));
    const timer = setTimeout(late, PATIENCE_MS);
    this.#waiting.add(look);
    look();
    await promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(look);
    });
  }

  /** Resolves when the router has closed the connection. */
  end(): Promise<void> {
    return this.until(() => this.closed);
  }

  /** Leaves without a word. */
  leave(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.leave();
  }

  /** Room is doubled, so that a long answer does not cost its square. */
  #append(bytes: Buffer): void {
    const wanted = this.#length + bytes.length;
    if (wanted > this.#buffer.length) this.#buffer = Buffer.concat([this.received], 2 * wanted);
    bytes.copy(this.#buffer, this.#length);
    this.#length = wanted;
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look();
  }
}

export async function openWire(port: number): Promise<Wire> {
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return new Wire(socket);
}

/** Asks on a connection of its own. */
export async function askWire(port: number, path: string, request: WireRequest = {}): Promise<WireAnswer> {
  using wire = await openWire(port);
  wire.request(path, request);
  return await wire.answer(request.method === 'HEAD');
}

export function requestBytes(path: string, { method, headers = {}, body }: WireRequest): Buffer {
  const bytes = bodyBytes(body);
  const given = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  const isFramed = given.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const own = bytes === undefined || isFramed ? [] : [['Content-Length', String(bytes.length)] as const];
  const host = given.some(([name]) => /^host$/i.test(name)) ? [] : [['Host', 'router.test'] as const];
  const lines = [...host, ...given, ...own].map(([name, value]) => `${name}: ${value}\r\n`);
  const verb = method ?? (bytes === undefined ? 'GET' : 'POST');
  const head = Buffer.from(`${verb} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, bytes ?? Buffer.alloc(0)]);
}

function bodyBytes(body: WireRequest['body']): Buffer | undefined {
  if (body === undefined || Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A header's value, the values joined where it stands more than once; `name` in lower case. */
export function headerIn(answer: Pick<WireAnswer, 'headers'>, name: string): string | undefined {
  const found = answer.headers.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
  return found.length === 0 ? undefined : found.join(', ');
}

export function textOf(answer: Pick<WireAnswer, 'body'>): string {
  return answer.body.toString('utf8');
}

/** JSON that a test looks into without a type for it. */
// biome-ignore lint/suspicious/noExplicitAny: a wrong shape must fail the assertion, not the compiler
export type Json = any;

export function jsonOf(answer: Pick<WireAnswer, 'body'>): Json {
  return JSON.parse(textOf(answer));
}

type Framing =
  | { readonly kind: 'none' | 'chunked' | 'until-close' }
  | { readonly kind: 'length'; readonly length: number };

/** Reads one answer from the start of bytes that become more; goes on where it stopped. Interim answers are skipped. */
class AnswerReader {
  /** Behind what has been read. */
  at = 0;
  answer: WireAnswer | undefined;
  readonly #toHead: boolean;
  #head: Pick<WireAnswer, 'status' | 'headers'> | undefined;
  readonly #pieces: Buffer[] = [];

  constructor(toHead: boolean) {
    this.#toHead = toHead;
  }

  /** Whether the answer is there. `closed`: nothing more comes. */
  read(bytes: Buffer, closed: boolean): boolean {
    while (this.#head === undefined) {
      const end = bytes.indexOf('\r\n\r\n', this.at);
      if (end === -1) return false;
      const head = parseHead(bytes.toString('latin1', this.at, end));
      if (head.status >= 200) this.#head = head;
      this.at = end + 4;
    }
    const complete = this.#body(bytes, framingOf(this.#head, this.#toHead), closed);
    if (!complete && !closed) return false;
    this.answer = { ...this.#head, body: Buffer.concat(this.#pieces), pieces: this.#pieces, complete };
    return true;
  }

  #body(bytes: Buffer, framing: Framing, closed: boolean): boolean {
    if (framing.kind === 'none') return true;
    if (framing.kind === 'chunked') return this.#chunks(bytes);
    const length =
      framing.kind === 'length' ? framing.length : closed ? bytes.length - this.at : Number.POSITIVE_INFINITY;
    const complete = bytes.length - this.at >= length;
    if (!complete && !closed) return false;
    const body = bytes.subarray(this.at, this.at + length);
    if (body.length > 0) this.#pieces.push(body);
    this.at += body.length;
    return complete;
  }

  #chunks(bytes: Buffer): boolean {
    for (;;) {
      const lineEnd = bytes.indexOf('\r\n', this.at);
      const size = lineEnd === -1 ? Number.NaN : Number.parseInt(bytes.toString('latin1', this.at, lineEnd), 16);
      const end = lineEnd + 2 + size;
      if (Number.isNaN(size) || bytes.length < end + 2) return false;
      assert.equal(bytes.toString('latin1', end, end + 2), '\r\n', 'a chunk ends where it said');
      this.at = end + 2;
      if (size === 0) return true;
      this.#pieces.push(Buffer.from(bytes.subarray(lineEnd + 2, end)));
    }
  }
}

function parseHead(text: string): Pick<WireAnswer, 'status' | 'headers'> {
  const [statusLine = '', ...lines] = text.split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${statusLine} `)?.[1]);
  assert.ok(status >= 100, `a status line: ${statusLine}`);
  return {
    status,
    headers: lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  };
}

function framingOf(head: Pick<WireAnswer, 'status' | 'headers'>, toHead: boolean): Framing {
  if (toHead || head.status === 204 || head.status === 304) return { kind: 'none' };
  if (headerIn(head, 'transfer-encoding') === 'chunked') return { kind: 'chunked' };
  const length = headerIn(head, 'content-length');
  return length === undefined ? { kind: 'until-close' } : { kind: 'length', length: Number(length) };
}
