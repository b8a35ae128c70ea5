import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { json, NDJSON, ndjson, SSE, SSE_WITH_USAGE, sse, tellingPlaces, WHOLE_CHAT } from '../support/streams.ts';
import { textOf, type WireAnswer } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'x' }];
const LINES = { path: '/api/chat', body: { model: 'm', messages: MESSAGES } };
const EVENTS = { path: '/v1/chat/completions', body: { model: 'm', stream: true, messages: MESSAGES } };

interface Case {
  readonly name: string;
  readonly ask: { readonly path: string; readonly body: object };
  readonly sent: string;
  readonly says: Pick<FaultRule, 'status' | 'body' | 'headers'>;
  readonly expected: string;
  /** What every chunk ends with. */
  readonly unit: string;
}

const CRLF = SSE.replaceAll('\n', '\r\n');
const CASES: readonly Case[] = [
  { name: 'lines', ask: LINES, sent: NDJSON, says: ndjson(), expected: NDJSON, unit: '\n' },
  { name: 'events', ask: EVENTS, sent: SSE, says: sse(), expected: SSE, unit: '\n\n' },
  { name: 'events with CRLF', ask: EVENTS, sent: CRLF, says: sse(CRLF), expected: CRLF, unit: '\r\n\r\n' },
  {
    name: 'events with hidden usage',
    ask: EVENTS,
    sent: SSE_WITH_USAGE,
    says: sse(SSE_WITH_USAGE),
    expected: SSE,
    unit: '\n\n',
  },
];

for (const { name, ask, sent, says, expected, unit } of CASES) {
  describe(`a stream of ${name}`, () => {
    const check = (answer: WireAnswer, where: unknown) => {
      assert.equal(textOf(answer), expected, `split at ${where}`);
      for (const piece of answer.pieces) assert.ok(piece.toString('latin1').endsWith(unit), `split at ${where}`);
    };

    test('arrives whole and in whole units wherever it is split', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], slots: 8 });
      await using router = await routerBefore([endpoint]);
      for (const at of tellingPlaces(Buffer.from(sent))) {
        endpoint.faults.clear();
        endpoint.faults.add({ on: { method: 'POST' }, ...says, splitAt: [at] });
        check(await asked(router, ask), at);
      }
    });

    test('arrives whole and in whole units when every byte comes alone', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
      await using router = await routerBefore([endpoint]);
      endpoint.faults.add({ on: { method: 'POST' }, ...says, oneByteWrites: true });
      check(await asked(router, ask), 'every byte');
    });
  });
}

test('a whole answer that comes byte by byte is sent at once, with its length', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([endpoint]);
  endpoint.faults.add({ on: { method: 'POST' }, ...json(WHOLE_CHAT), oneByteWrites: true });
  const answer = await asked(router, { path: '/api/chat', body: { ...LINES.body, stream: false } });
  assert.equal(textOf(answer), WHOLE_CHAT);
  assert.equal(answer.pieces.length, 1);
  assert.ok(answer.headers.some(([header]) => header === 'Content-Length'));
});

function asked(router: RunningRouter, { path, body }: Case['ask']): Promise<WireAnswer> {
  return router.ask(path, { body });
}
