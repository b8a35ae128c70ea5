import assert from 'node:assert/strict';
import type { Exchange, UpstreamClient, UpstreamRequest } from '../../../src/upstream/client.ts';
import { type AnswerReader, readerOf } from '../../support/answer-reader.ts';
import { type Credentials, type Script, ScriptedServer } from '../../support/scripted-server.ts';

/** An implementation under test, and over what it talks. */
export interface Subject {
  /** What the tests' names begin with. */
  readonly name: string;
  create(): UpstreamClient;
  /** TLS where given; the implementation trusts this certificate. */
  readonly credentials?: Credentials;
  /** Of tables with a case for each byte, only every nth is run. */
  readonly stride: number;
}

/** A whole answer, or what there was of it. */
export interface Whole {
  readonly status: number;
  readonly headers: readonly string[];
  readonly text: string;
  readonly error: Error | undefined;
}

const PATIENT = { connect: 20_000, firstByte: 20_000, idle: 20_000 };

/** A client before a scripted server. Leaving its scope closes the client and waits until no connection is left. */
export class Stage implements AsyncDisposable {
  readonly client: UpstreamClient;
  readonly server: ScriptedServer;
  readonly #readers: AnswerReader[] = [];

  constructor(client: UpstreamClient, server: ScriptedServer) {
    this.client = client;
    this.server = server;
  }

  /** Opens an exchange, `GET /` with long timeouts unless told otherwise. */
  open(request: Partial<UpstreamRequest> = {}): Exchange {
    return this.client.open({
      base: this.server.url,
      method: 'GET',
      path: '/',
      headers: [],
      timeouts: PATIENT,
      ...request,
    });
  }

  /** Opens an exchange and reads its answer to the end. Rejects where no answer came. */
  async ask(request: Partial<UpstreamRequest> = {}): Promise<Whole> {
    using exchange = this.open(request);
    const answer = await exchange.answer;
    const reader = readerOf(answer);
    this.#readers.push(reader);
    const error = await reader.ended;
    return { status: answer.status, headers: answer.headers, text: reader.text, error };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.deserted();
    await this.server[Symbol.asyncDispose]();
    for (const { late } of this.#readers) assert.deepEqual(late, [], 'nothing came after the end');
  }
}

export async function stage(subject: Subject, script: Script): Promise<Stage> {
  return new Stage(subject.create(), await ScriptedServer.start(script, subject.credentials));
}

/** With timeouts of which those named are short, in milliseconds. */
export function impatient(short: Partial<UpstreamRequest['timeouts']>): Pick<UpstreamRequest, 'timeouts'> {
  return { timeouts: { ...PATIENT, ...short } };
}

/** The simplest whole answer. */
export function ok(body: string, ...headers: readonly string[]): string {
  return `HTTP/1.1 200 OK\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
}
