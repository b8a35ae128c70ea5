import type { IncomingMessage } from 'node:http';
import { firstJsonValue } from './json-value.ts';
import type { RecordedRequest } from './simulation.ts';

/** What is known of a client's connection. */
export interface Connection {
  readonly id: number;
  closedAt: number | undefined;
}

/** The record of one request while it is written. */
export class Recording implements RecordedRequest {
  readonly id: number;
  readonly #connection: Connection;
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly startedAt = Date.now();
  body: Buffer = Buffer.alloc(0);
  bodyComplete = false;
  status: number | undefined;
  responseBytes = 0;
  tokens = 0;
  blocked = false;
  blockedCount = 0;
  answered = false;
  clientLeft = false;
  /** A fault closed the connection: not the client's doing. */
  cut = false;
  endedAt: number | undefined;
  #json: { readonly value: unknown } | undefined;

  constructor(id: number, connection: Connection, request: IncomingMessage) {
    this.id = id;
    this.#connection = connection;
    this.method = request.method ?? '';
    this.target = request.url ?? '';
    this.path = this.target.split('?', 1)[0] ?? '';
    this.headers = pairs(request.rawHeaders);
  }

  get connection(): number {
    return this.#connection.id;
  }

  get socketClosedAt(): number | undefined {
    return this.#connection.closedAt;
  }

  get json(): unknown {
    if (!this.bodyComplete) return undefined;
    this.#json ??= { value: lenientJson(this.body) };
    return this.#json.value;
  }

  #modelOfForm(): string | undefined {
    const isForm = this.headers.some(([name, value]) => /^content-type$/i.test(name) && value.startsWith('multipart/'));
    const field = /name="?model"?\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--/is;
    return isForm ? field.exec(this.body.toString('utf8'))?.[1] : undefined;
  }

  get model(): string | undefined {
    const body = this.json;
    if (typeof body === 'object' && body !== null) {
      const found = Object.entries(body).filter(([key]) => /^(model|name)$/i.test(key));
      const text = found.map(([, value]) => value).find((value) => typeof value === 'string' && value !== '');
      if (typeof text === 'string') return text;
    }
    return this.#modelOfForm() ?? new URLSearchParams(this.target.split('?')[1] ?? '').get('model') ?? undefined;
  }
}

function lenientJson(body: Buffer): unknown {
  try {
    return firstJsonValue(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

function pairs(flat: readonly string[]): (readonly [string, string])[] {
  const count = Math.floor(flat.length / 2);
  return Array.from({ length: count }, (_, i) => [flat[2 * i] ?? '', flat[2 * i + 1] ?? ''] as const);
}
