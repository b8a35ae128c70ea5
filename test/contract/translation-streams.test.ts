import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { routerBefore } from '../support/router.ts';
import { json, sse } from '../support/streams.ts';
import { type Json, textOf } from '../support/wire.ts';

const ASK = { model: 'm', messages: [{ role: 'user', content: 'x' }] };

/** One record of a stream. */
function said(delta: object, finish: string | null = null, more: object = {}): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`;
}

const TEXT = said({ role: 'assistant', content: '' }) + said({ content: 'a' });
const STOP = said({}, 'stop');
const DONE = 'data: [DONE]\n\n';
const broken = (error: unknown) => `data: ${JSON.stringify({ error })}\n\n`;
const usage = (prompt_tokens: number, completion_tokens: number) =>
  `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens, completion_tokens } })}\n\n`;
const call = (more: object, fn: object) => said({ tool_calls: [{ ...more, function: fn }] });

/** The status and the objects that an Ollama client gets where an endpoint answers so; times left out. */
async function told(answer: ReturnType<typeof sse>, kind: EndpointKind = 'openai', ask: object = ASK) {
  await using endpoint = await startSimulatedEndpoint({ kind, models: ['m'] });
  endpoint.faults.add({ on: { method: 'POST' }, ...answer });
  await using router = await routerBefore([endpoint]);
  const got = await router.ask('/api/chat', { body: ask });
  const lines = textOf(got).trim().split('\n');
  return { status: got.status, objects: lines.map((line) => short(JSON.parse(line))) };
}

/** What a line says, in short. */
function short({ error, message, done, done_reason, prompt_eval_count, eval_count }: Json): unknown {
  if (error !== undefined) return { error };
  if (!done) return message.thinking ?? message.tool_calls ?? message.content;
  return [message.content, done_reason, prompt_eval_count, eval_count].filter((value) => value !== undefined);
}

const LAST = ['', 'stop'];
const EARLY = { error: 'upstream closed the stream early' };
const WHOLE: readonly (readonly [string, string, readonly unknown[]])[] = [
  ['step 1 lines that end in CRLF', (TEXT + STOP + DONE).replaceAll('\n', '\r\n'), ['a', LAST]],
  ['step 1 lines that end in CR', (TEXT + STOP + DONE).replaceAll('\n', '\r'), ['a', LAST]],
  ['step 1 data without a space', (TEXT + STOP + DONE).replaceAll('data: ', 'data:'), ['a', LAST]],
  ['step 1 comments', `:\n\n: ping\n\n${TEXT}:\n\n${STOP}${DONE}`, ['a', LAST]],
  ['step 1 a comment and other fields inside a record', `: x\nid: 1\nevent: y\n${TEXT}${STOP}${DONE}`, ['a', LAST]],
  ['step 1 data in lines', `data: {"choices":[{"delta":\ndata: {"content":"a"}}]}\n\n${STOP}${DONE}`, ['a', LAST]],
  ['step 2 an error later', TEXT + broken({ code: 500, message: 'boom' }) + DONE, ['a', { error: 'boom' }]],
  [
    'step 3 records without choices',
    `data: {"object":"ping"}\n\n${TEXT}${STOP}${usage(7, 2)}${DONE}`,
    ['a', [...LAST, 7, 2]],
  ],
  ['step 4 empty deltas are skipped', `${said({})}${said({ content: null })}${TEXT}${STOP}${DONE}`, ['a', LAST]],
  ['step 4 a last text beside its reason', said({ content: 'a' }, 'length') + DONE, ['a', ['', 'length']]],
  ['step 6 an end without [DONE]', TEXT + STOP, ['a', LAST]],
  ['step 6 an end without its blank line', TEXT + STOP.trimEnd(), ['a', LAST]],
  ['step 7 an end without a reason', TEXT, ['a', EARLY]],
  ['step 7 an end in the middle of a record', `${TEXT}data: {"choices":[{"del`, ['a', EARLY]],
  ['step 7 [DONE] without a reason', TEXT + DONE, ['a', LAST]],
  [
    'step 8 several counts',
    TEXT + usage(1, 1) + said({}, 'stop', { usage: { prompt_tokens: 2 } }) + usage(7, 3) + DONE,
    ['a', [...LAST, 7, 3]],
  ],
  ['a refusal', said({ refusal: 'no' }) + said({}, 'content_filter') + DONE, ['no', LAST]],
  [
    'reasoning under both names, said once',
    said({ reasoning: 'r', reasoning_content: 'r' }) + STOP + DONE,
    ['r', LAST],
  ],
  ['reasoning under the newer name', said({ reasoning_content: null, reasoning: 'r' }) + STOP + DONE, ['r', LAST]],
];

describe('4.4 a stream is read as it comes:', () => {
  for (const [name, stream, objects] of WHOLE) {
    test(name, async () => assert.deepEqual(await told(sse(stream)), { status: 200, objects }));
  }

  test('a stream that was not asked for is one object all the same', async () => {
    const { objects } = await told(sse(TEXT + said({ content: 'b' }) + STOP + DONE), 'openai', {
      ...ASK,
      stream: false,
    });
    assert.deepEqual(objects, [['ab', 'stop']]);
  });

  test('a whole answer that was not asked for is a stream all the same', async () => {
    const answer = json('{"choices":[{"message":{"role":"assistant","content":"ab"},"finish_reason":"length"}]}');
    assert.deepEqual((await told(answer)).objects, ['ab', ['', 'length']]);
  });

  test('llama-server counts in timings, cached tokens too', async () => {
    const timings = { cache_n: 3, prompt_n: 4, prompt_ms: 1.5, predicted_n: 2, predicted_ms: 2.25 };
    const { objects } = await told(sse(TEXT + said({}, 'stop', { timings }) + DONE), 'llama-server');
    assert.deepEqual(objects, ['a', [...LAST, 7, 2]]);
  });
});

const FIRST: readonly (readonly [string, string, number, string])[] = [
  ['with a code', broken({ code: 400, message: 'bad', type: 'x' }), 400, 'bad'],
  [
    'behind a record that says nothing',
    said({ role: 'assistant', content: '' }) + broken({ code: 429, message: 'slow' }),
    429,
    'slow',
  ],
  ['without a code', broken({ message: 'boom', type: 'server_error' }), 500, 'boom'],
  ['that is a text', broken('boom'), 500, 'boom'],
  ['of the router’s own key', broken({ code: 401, message: 'key' }), 502, 'key'],
];

describe('4.4 step 1 an error as the first record has its own status (4.10):', () => {
  for (const [name, stream, status, error] of FIRST) {
    test(name, async () => assert.deepEqual(await told(sse(stream)), { status, objects: [{ error }] }));
  }
});

describe('4.4 step 5 fragments of tool calls', () => {
  const f = { id: 'a', function: { index: 0, name: 'f', arguments: { x: 1 } } };
  const g = { id: 'b', function: { index: 1, name: 'g', arguments: {} } };
  const CALLS: readonly (readonly [string, string])[] = [
    [
      'by index, in whatever order',
      call({ index: 1, id: 'b' }, { name: 'g', arguments: '' }) +
        call({ index: 0, id: 'a' }, { name: 'f', arguments: '{"x"' }) +
        call({ index: 0 }, { arguments: ':1}' }),
    ],
    [
      'without an index: a new id is a new call',
      call({ id: 'a' }, { name: 'f', arguments: '{"x"' }) +
        call({}, { arguments: ':1}' }) +
        call({ id: 'b' }, { name: 'g', arguments: '{}' }),
    ],
    [
      'with an object for arguments',
      call({ index: 0, id: 'a' }, { name: 'f', arguments: { x: 1 } }) + call({ index: 1, id: 'b' }, { name: 'g' }),
    ],
  ];
  for (const [name, stream] of CALLS) {
    test(name, async () => {
      const { objects } = await told(sse(stream + said({}, 'tool_calls') + DONE));
      assert.deepEqual(objects, [[f, g], LAST]);
    });
  }

  test('whose arguments are no object are an error, never {}', async () => {
    const error = 'invalid tool call arguments for "f"';
    const bad = call({ index: 0, id: 'a' }, { name: 'f', arguments: '[1]' }) + said({}, 'tool_calls') + DONE;
    assert.deepEqual(await told(sse(bad)), { status: 502, objects: [{ error }] });
    assert.deepEqual((await told(sse(TEXT + bad))).objects, ['a', { error }]);
  });
});
