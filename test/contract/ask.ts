import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** A question to an endpoint; an object as body becomes JSON. */
export interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  /** The body's JSON. */
  readonly json: () => Json;
  /** The JSON of every line. */
  readonly lines: () => Json[];
  /** The data of every server-sent record, `[DONE]` included. */
  readonly records: () => string[];
}

/** JSON that a test looks into without a type for it. */
// biome-ignore lint/suspicious/noExplicitAny: a wrong shape must fail the assertion, not the compiler
export type Json = any;

/** Asks on a connection of its own and reads the answer to its end; POST where there is a body. */
export async function ask(base: string, path: string, question: Question = {}): Promise<Answer> {
  const outgoing = sent(base, path, question);
  const response = await responseTo(outgoing);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  outgoing.destroy();
  const text = Buffer.concat(chunks).toString('utf8');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text,
    json: () => JSON.parse(text),
    lines: () =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    records: () => records(text),
  };
}

/** Asks, waits for the first piece of the answer's body, and leaves without reading on. */
export async function askAndLeave(base: string, path: string, question: Question): Promise<void> {
  const outgoing = sent(base, path, question);
  const response = await responseTo(outgoing);
  await new Promise((resolve) => response.once('data', resolve));
  outgoing.destroy();
}

function sent(base: string, path: string, { method, headers, body }: Question): ClientRequest {
  const { hostname, port } = new URL(base);
  const text = typeof body === 'object' ? JSON.stringify(body) : body;
  // A connection of its own that the server may keep open, and the path as it is: `new URL` would tidy it.
  const outgoing = request({
    hostname,
    port,
    path,
    agent: false,
    method: method ?? (text === undefined ? 'GET' : 'POST'),
    headers: {
      Connection: 'keep-alive',
      ...headers,
      ...(text === undefined ? {} : { 'Content-Length': Buffer.byteLength(text) }),
    },
  });
  outgoing.end(text);
  return outgoing;
}

function responseTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', reject);
  });
}

function records(text: string): string[] {
  const events = text.split('\n\n').filter((event) => event !== '' && !event.startsWith(':'));
  return events.map((event) => event.replace(/^data: /, ''));
}
