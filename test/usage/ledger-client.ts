import { endsOfSaying } from '../protocols/said-records.ts';
import { pause, type RunningRouter } from '../support/router.ts';
import { type Json, jsonOf, type Wire, type WireAnswer } from '../support/wire.ts';
import type { Question } from './ledger-questions.ts';

/** Sends a question under this id. */
export function send(wire: Wire, id: string, { path, body, contentType }: Question): void {
  wire.request(path, { headers: { 'Content-Type': contentType, 'X-Request-Id': id }, body });
}

/** What an error becomes in Ollama's completions: a record without a word, from no model. */
const SWALLOWED = '"model":""';

/** How many pieces of an answer these bytes of one hold in whole records; signs of life and marks are none. */
export function piecesIn(body: Buffer): number {
  const text = body.toString('latin1');
  const mark = text.startsWith('{') ? '\n' : '\n\n';
  const records = text.split(mark).slice(0, -1);
  const told = records.filter((record) => /^\{|^(?:event: .*\n)?data: \{/.test(record) && !record.includes(SWALLOWED));
  return endsOfSaying(Buffer.from(told.map((record) => record + mark).join(''), 'latin1')).length;
}

/** Pieces of the answer on its way that have come by now; 0 before its head. */
export function piecesSoFar(wire: Wire): number {
  const raw = wire.received;
  const head = raw.indexOf('\r\n\r\n');
  return head === -1 ? 0 : piecesIn(dechunked(raw.subarray(head + 4)));
}

/** The answer as far as it came, or undefined where there was not even a head. */
export async function cutShort(wire: Wire): Promise<WireAnswer | undefined> {
  await wire.end();
  return wire.received.includes('\r\n\r\n') ? await wire.answer() : undefined;
}

/** What is known of a request, once it is over. */
export async function viewOf(router: RunningRouter, about: Wire, id: string): Promise<Json> {
  const deadline = performance.now() + 20_000;
  for (let looks = 1; ; looks++) {
    about.request(`/router/requests/${id}`);
    const view = jsonOf(await about.answer());
    if (typeof view.outcome === 'string') return view;
    if (performance.now() > deadline)
      throw new Error(`${id} is not over: ${JSON.stringify(view)} ${router.log.at(-1)}`);
    await pause(looks);
  }
}

/** The data of all chunks that are whole. */
function dechunked(raw: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = raw.indexOf('\r\n', at);
    const size = lineEnd === -1 ? 0 : Number.parseInt(raw.toString('latin1', at, lineEnd), 16);
    if (!(size > 0) || raw.length < lineEnd + 4 + size) return Buffer.concat(parts);
    parts.push(raw.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 4 + size;
  }
}
