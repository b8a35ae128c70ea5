import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule } from '../../src/simulator/simulation.ts';
import { asked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const messages = [{ role: 'user', content: 'say 6 tokens' }];
const ROUTES: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { messages },
  '/v1/completions': { prompt: 'say 6 tokens' },
  '/v1/responses': { input: 'say 6 tokens' },
  '/v1/messages': { messages, max_tokens: 50 },
};
const MODEL = { name: 'm', capabilities: ['completion', 'thinking'], reasoningTokens: 2 } as const;

/** Who may lack which route (contract 2.7, 2.8; chats and completions only very old Ollamas). */
const LANES: readonly (readonly [kind: EndpointKind, path: string])[] = [
  ...Object.keys(ROUTES).map((path) => ['ollama', path] as const),
  ...(['llama-server', 'vllm', 'openai'] as const).flatMap((kind) =>
    ['/v1/responses', '/v1/messages'].map((path) => [kind, path] as const),
  ),
];

/** The answers of an endpoint that lacks the route, known to lack it, and that suffers this. */
async function answers(kind: EndpointKind, path: string, fault: FaultRule | undefined, requests: readonly object[]) {
  await using endpoint = await startSimulatedEndpoint({ kind, models: [MODEL], lacks: [path] });
  await using router = await routerBefore([endpoint]);
  await router.ask(path, { body: { model: 'm', ...ROUTES[path] } });
  if (fault !== undefined) endpoint.faults.add({ on: { method: 'POST' }, ...fault });
  const given = [];
  for (const fields of requests)
    given.push(await router.ask(path, { body: { model: 'm', ...ROUTES[path], ...fields } }));
  assert.ok(asked(endpoint).length > 2, 'asked in other words');
  return given;
}

/** What a whole answer says. */
function textIn(path: string, answer: Json): string {
  if (path === '/v1/messages') return answer.content.find((block: Json) => block.type === 'text').text;
  if (path === '/v1/responses') return answer.output.find((item: Json) => item.type === 'message').content[0].text;
  return path === '/v1/completions' ? answer.choices[0].text : answer.choices[0].message.content;
}

/** The records of a stream; fails where an event is named otherwise than its record. */
function recordsOf(text: string): Json[] {
  const events = text.split('\n\n').filter((event) => event !== '' && !event.startsWith(':'));
  return events.map((event) => {
    const [, name, data = ''] = /^(?:event: (.*)\n)?data: (.*)$/.exec(event) ?? assert.fail(event);
    if (data === '[DONE]') return data;
    const record = JSON.parse(data);
    if (name !== undefined) assert.equal(record.type, name);
    return record;
  });
}

function streamedText(records: readonly Json[]): string {
  const deltas = records.map((record) => {
    if (record.type === 'content_block_delta') return record.delta.text;
    if (record.type === 'response.output_text.delta') return record.delta;
    return record.choices?.[0]?.delta?.content ?? record.choices?.[0]?.text;
  });
  return deltas.filter((delta) => typeof delta === 'string').join('');
}

describe('2.2, 2.3, 2.7, 2.8 an endpoint without the route answers in its own words', () => {
  for (const [kind, path] of LANES) {
    test(`${path} on ${kind}: the same text whole and streamed, with tokens, a reason and the client's name of the model`, async () => {
      const [whole, stream] = await answers(kind, path, undefined, [{}, { stream: true }]);
      assert.ok(whole && stream);
      assert.deepEqual([whole.status, stream.status], [200, 200]);
      assert.match(headerIn(whole, 'content-type') ?? '', /^application\/json/);
      assert.equal(headerIn(stream, 'content-type'), 'text/event-stream');
      const answer = jsonOf(whole);
      const records = recordsOf(textOf(stream));
      assert.equal(answer.model, 'm');
      assert.equal(streamedText(records), textIn(path, answer));
      assert.ok((answer.usage.prompt_tokens ?? answer.usage.input_tokens) > 0);
      assert.ok((answer.usage.completion_tokens ?? answer.usage.output_tokens) > 0);
      const last = records.at(-1);
      if (path === '/v1/messages') assert.equal(last.type, 'message_stop');
      else if (path === '/v1/responses') assert.equal(last.type, 'response.completed');
      else assert.deepEqual([last, records.at(-2).choices[0].finish_reason], ['[DONE]', 'stop']);
      // Nobody asked for usage, and a record without a choice breaks naive clients.
      if (records.some((record) => record.choices))
        assert.ok(records.every((r) => r === '[DONE]' || r.choices.length === 1));
    });
  }
});

describe('2.10 what an endpoint without the route refuses is told in the words of the route', () => {
  const OVERFLOW = 'request (9412 tokens) exceeds the available context size (8192 tokens), try increasing it';
  const REFUSALS: readonly (readonly [
    fault: FaultRule,
    message: string,
    code: string | null,
    retryAfter: string | undefined,
  ])[] = [
    [{ status: 400, body: { error: { message: 'bad things', type: 'x', code: 'c' } } }, 'bad things', null, undefined],
    [{ status: 503, body: { error: 'server busy' } }, 'server busy', null, '2'],
    [{ status: 429, body: { error: { message: 'slow' } }, headers: { 'Retry-After': '7' } }, 'slow', null, '7'],
    [
      { status: 400, body: { error: { code: 400, message: OVERFLOW } } },
      OVERFLOW,
      'context_length_exceeded',
      undefined,
    ],
  ];
  for (const [kind, path] of LANES) {
    test(`${path} on ${kind}, whether or not it was to be a stream`, async () => {
      for (const [fault, message, code, retryAfter] of REFUSALS) {
        for (const answer of await answers(kind, path, fault, [{}, { stream: true }])) {
          const { type, error } = jsonOf(answer);
          assert.deepEqual([answer.status, error.message], [fault.status, message]);
          assert.equal(headerIn(answer, 'retry-after'), retryAfter);
          if (path === '/v1/messages') assert.equal(type, 'error');
          else assert.deepEqual([type, error.param, error.code], [undefined, null, code]);
        }
      }
    });
  }
});

describe('2.1, 2.7, 2.8 an answer that fails in the middle never looks complete', () => {
  const ENDS = /\[DONE\]|message_stop|response\.completed|"finish_reason":"stop"/;
  const FAULTS: readonly (readonly [name: string, fault: FaultRule])[] = [
    ['says an error', { errorAfterTokens: { count: 4, message: 'boom' } }],
    ['just ends', { silentEndAfterTokens: 4 }],
  ];
  for (const [kind, path] of LANES) {
    for (const [name, fault] of FAULTS) {
      test(`${path} on ${kind} that ${name}`, async () => {
        const [stream] = await answers(kind, path, fault, [{ stream: true }]);
        assert.ok(stream);
        const records = recordsOf(textOf(stream));
        assert.ok(records.at(-1).error.message.length > 0);
        assert.doesNotMatch(textOf(stream), ENDS);
        if (path === '/v1/responses')
          assert.deepEqual([records.at(-1).type, records.at(-1).code], ['error', 'upstream_lost']);
        if (path === '/v1/messages')
          assert.deepEqual([records.at(-1).type, records.at(-1).error.type], ['error', 'api_error']);
      });
    }
  }
});
