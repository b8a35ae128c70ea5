import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { NDJSON, ndjson, SSE, SSE_WITH_TIMINGS, sse, tellingPlaces } from '../support/streams.ts';
import { type Json, jsonOf, textOf, type WireAnswer } from '../support/wire.ts';

const MESSAGES = [{ role: 'user', content: 'x' }];
const LINES = { path: '/api/chat', body: { model: 'm', messages: MESSAGES } };
const EVENTS = { path: '/v1/chat/completions', body: { model: 'm', stream: true, messages: MESSAGES } };

/** The answers to one request for the places at which the endpoint's stream can break. */
async function* cut(kind: EndpointKind, ask: typeof LINES, says: FaultRule, stream: Buffer) {
  await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'], slots: 8 });
  await using router = await routerBefore([endpoint]);
  for (const at of tellingPlaces(stream)) {
    endpoint.faults.clear();
    endpoint.faults.add({ on: { method: 'POST' }, ...says, cutAtByte: at });
    yield { at, answer: await router.ask(ask.path, { body: ask.body }) };
  }
  assert.deepEqual(await router.inFlight(), {});
}

/** Nothing whole had come: the error has its status. */
function assertRefused(answer: WireAnswer, where: string): void {
  assert.equal(answer.status, 502, where);
  assert.ok(jsonOf(answer).error, where);
}

function assertBrokenLines(answer: WireAnswer, where: string): void {
  assert.equal(answer.complete, true, where);
  const lines: Json[] = textOf(answer)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.match(lines.at(-1).error, /broke off/, where);
  assert.ok(
    lines.slice(0, -1).every((line) => line.error === undefined && line.done === false),
    where,
  );
}

describe('a stream that breaks off ends with an error and never looks complete, wherever it breaks', () => {
  test('lines of Ollama', async () => {
    const firstLine = Buffer.from(NDJSON).indexOf('\n') + 1;
    for await (const { at, answer } of cut('ollama', LINES, ndjson(), Buffer.from(NDJSON).subarray(0, -1))) {
      if (at < firstLine) assertRefused(answer, `cut at ${at}`);
      else assertBrokenLines(answer, `cut at ${at}`);
    }
  });

  test('events', async () => {
    const bytes = Buffer.from(SSE);
    const firstEvent = bytes.indexOf('\n\n') + 2;
    const finished = bytes.indexOf('\n\n', bytes.indexOf('"stop"')) + 2;
    for await (const { at, answer } of cut('ollama', EVENTS, sse(), bytes)) {
      if (at < firstEvent) assertRefused(answer, `cut at ${at}`);
      else assertBrokenEvents(answer, at < finished, `cut at ${at}`);
    }
  });

  test('events that become lines', async () => {
    const bytes = Buffer.from(SSE_WITH_TIMINGS);
    const finished = bytes.indexOf('data: [DONE]');
    for await (const { at, answer } of cut('llama-server', LINES, sse(SSE_WITH_TIMINGS), bytes.subarray(0, finished))) {
      if (answer.status === 502) assertRefused(answer, `cut at ${at}`);
      else assertBrokenLines(answer, `cut at ${at}`);
    }
  });
});

/** Once the model has said that it stopped, nothing of the answer is missing: it then ends without a mark. */
function assertBrokenEvents(answer: WireAnswer, unfinished: boolean, where: string): void {
  assert.equal(answer.complete, true, where);
  const text = textOf(answer);
  assert.ok(!text.includes('[DONE]'), where);
  const last = text.trimEnd().split('\n\n').at(-1) ?? '';
  if (unfinished) assert.match(JSON.parse(last.slice('data: '.length)).error.message, /broke off/, where);
}

const FAULTS: readonly (readonly [string, FaultRule])[] = [
  ['stops with an error', { errorAfterTokens: { count: 2, message: 'out of memory' } }],
  ['ends without having finished', { silentEndAfterTokens: 2 }],
  ['falls silent', { stallAfterTokens: 2 }],
];

for (const kind of ['ollama', 'openai', 'llama-server', 'vllm'] as const) {
  for (const ask of [LINES, EVENTS]) {
    for (const [name, fault] of FAULTS) {
      test(`${ask.path} on ${kind} that ${name} ends with an error record`, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
        await using router = await routerBefore([endpoint], { timeouts: { idle: '200ms' } });
        endpoint.faults.add({ on: { method: 'POST' }, ...fault });
        const answer = await router.ask(ask.path, { body: ask.body });
        assert.equal(answer.status, 200);
        assertEndsWithError(answer, ask === LINES);
        await endpoint.waitFor(() => endpoint.inFlight() === 0);
        await router.idle();
        await assertServes(router, () => endpoint.faults.clear());
      });
    }
  }
}

function assertEndsWithError(answer: WireAnswer, lines: boolean): void {
  const text = textOf(answer);
  assert.equal(answer.complete, true);
  assert.doesNotMatch(text, /"done":true|\[DONE\]/);
  const last =
    text
      .trimEnd()
      .split(lines ? '\n' : '\n\n')
      .at(-1) ?? '';
  const { error } = JSON.parse(lines ? last : last.slice('data: '.length));
  assert.equal(typeof (lines ? error : error.message), 'string', text);
}

async function assertServes(router: RunningRouter, mend: () => void): Promise<void> {
  mend();
  const answer = await router.ask(LINES.path, { body: LINES.body });
  assert.match(textOf(answer), /"done":true/);
}
