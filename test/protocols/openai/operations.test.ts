import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import { RouterError } from '../../../src/errors.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { chatCompletions } from '../../../src/protocols/openai/operations.ts';
import { endpointOf } from '../../support/listings.ts';
import { feed } from '../feeding.ts';

/** The body that an endpoint of this kind is sent. */
function edited(kind: EndpointKind, body: string): string {
  const call = chatCompletions.decode(Buffer.from(body));
  return splice(call.body, chatCompletions.edits(call, endpointOf(kind))).toString();
}

/** What stands for the rest of a body: every byte of it must survive. */
const REST = '"model":"m" ,"x":1.0,"seed":9007199254740993, "é":{"2":1,"1":[ ]}';

for (const [kind, before, after] of [
  ['openai', `{${REST}}`, `{${REST}}`],
  ['openai', `{${REST},"stream":false}`, `{${REST},"stream":false}`],
  ['openai', `{"stream":true,${REST}}`, `{"stream":true,${REST},"stream_options":{"include_usage":true}}`],
  ['vllm', `{"stream":true,${REST} }`, `{"stream":true,${REST},"stream_options":{"include_usage":true} }`],
  ['ollama', `{"stream":true,${REST}}`, `{"stream":true,${REST},"stream_options":{"include_usage":true}}`],
  ['llama-server', `{"stream":true,${REST}}`, `{"stream":true,${REST}}`],
  [
    'openai',
    `{"stream":true,"stream_options":null,${REST}}`,
    `{"stream":true,"stream_options":{"include_usage":true},${REST}}`,
  ],
  [
    'openai',
    `{"stream":true,"stream_options":{ },${REST}}`,
    `{"stream":true,"stream_options":{"include_usage":true },${REST}}`,
  ],
  [
    'openai',
    `{"stream":true,"stream_options":{"include_usage":false,"x":1},${REST}}`,
    `{"stream":true,"stream_options":{"include_usage":true,"x":1},${REST}}`,
  ],
  [
    'openai',
    `{"stream":true,"stream_options":{"x":1},${REST}}`,
    `{"stream":true,"stream_options":{"x":1,"include_usage":true},${REST}}`,
  ],
  [
    'openai',
    `{"stream":true,"stream_options":{"include_usage":true},${REST}}`,
    `{"stream":true,"stream_options":{"include_usage":true},${REST}}`,
  ],
  ['ollama', `{${REST},"max_completion_tokens":5}`, `{${REST},"max_completion_tokens":5,"max_tokens":5}`],
  [
    'ollama',
    `{${REST},"max_completion_tokens":5,"max_tokens":7}`,
    `{${REST},"max_completion_tokens":5,"max_tokens":7}`,
  ],
  ['ollama', `{${REST},"max_completion_tokens":null}`, `{${REST},"max_completion_tokens":null}`],
  ['openai', `{${REST},"max_completion_tokens":5}`, `{${REST},"max_completion_tokens":5}`],
  ['openai', `{"nomyo":{"a":1},${REST}, "nomyo":2}`, `{${REST}}`],
  ['openai', `{"stream":true,${REST},"nomyo":1}`, `{"stream":true,${REST},"stream_options":{"include_usage":true}}`],
] as const) {
  test(`4.1, 2.2 for ${kind} ${before.replace(REST, '…')} becomes ${after.replace(REST, '…')}`, () => {
    assert.equal(edited(kind, before), after);
  });
}

test('4.1 a body without edits is the same buffer', () => {
  const body = Buffer.from(`{${REST}}`);
  const call = chatCompletions.decode(body);
  assert.equal(splice(body, chatCompletions.edits(call, endpointOf('openai'))), body);
});

test('2.2 OpenAI does not stream unless it is told to', () => {
  const streaming = ['', ',"stream":null', ',"stream":false', ',"stream":true'].map(
    (stream) => chatCompletions.decode(Buffer.from(`{"model":"m"${stream}}`)).streaming,
  );
  assert.deepEqual(streaming, [false, false, false, true]);
});

test('2.2 a request without a model is refused, and one of another spelling has none', () => {
  for (const body of ['{}', '{"model":""}', '{"model":null}', '{"Model":"m"}'])
    assert.throws(
      () => chatCompletions.decode(Buffer.from(body)),
      (error) => error instanceof RouterError && error.code === 'model_required' && error.details.param === 'model',
    );
});

test('2.2 stream_options of a wrong type are refused', () => {
  assert.throws(
    () => edited('openai', '{"model":"m","stream":true,"stream_options":"yes"}'),
    (error) => error instanceof RouterError && error.status === 400,
  );
});

/** What a client of this request is sent of the stream. */
function answered(kind: EndpointKind, body: string, stream: string): string {
  const call = chatCompletions.decode(Buffer.from(body));
  const names = { client: 'm', upstream: 'm' };
  return feed(chatCompletions.verbatim(call, endpointOf(kind), 'text/event-stream', names), [Buffer.from(stream)]).text;
}

const USAGE = 'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n';
const END = `data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n${USAGE}data: [DONE]\n\n`;

test('2.2 usage that the client did not ask for is taken out, usage that it asked for stays', () => {
  const asking = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}';
  assert.equal(answered('vllm', asking, END), END);
  assert.equal(answered('vllm', '{"model":"m","stream":true}', END), END.replace(USAGE, ''));
  assert.equal(
    answered('llama-server', '{"model":"m","stream":true}', END),
    END,
    'and the router asked llama-server for none',
  );
});

test('2.1 of two answers one that stopped is not all', () => {
  const one = 'data: {"choices":[{"index":0,"finish_reason":"stop"}]}\n\n';
  const two = 'data: {"choices":[{"index":1,"finish_reason":"length"}]}\n\n';
  const body = '{"model":"m","stream":true,"n":2}';
  assert.match(answered('vllm', body, one), /"error"/);
  assert.equal(answered('vllm', body, one + two), one + two);
  assert.equal(answered('ollama', body, one), one, 'as Ollama gives one whatever it is asked');
});

test('2.1 a stream says that it waits in a comment, which clients pass over', () => {
  const call = chatCompletions.decode(Buffer.from('{"model":"m","stream":true}'));
  const { contentType, text } = chatCompletions.heartbeat?.(call) ?? {};
  assert.deepEqual([contentType, text], ['text/event-stream', ': nomyo waiting\n\n']);
  assert.equal(chatCompletions.conversation, 'chat');
});

test('4.5 an Ollama without the route is asked in its own words, any other is not', () => {
  const { translation } = chatCompletions;
  assert.ok(translation?.kind === 'answer');
  assert.deepEqual(translation.targets, ['ollama']);
  const call = chatCompletions.decode(
    Buffer.from('{"model":"M","stream":true,"messages":[{"role":"user"}],"stream_options":{"include_usage":true}}'),
  );
  assert.equal(translation.ask(call).messages.length, 1);
  const encoder = translation.encoder(call, () => 0);
  assert.ok(encoder.streaming);
  assert.match(encoder.end(), /"model":"M".*"usage":\{/s);
});

for (const [part, name] of [
  ['toolChoice', 'tool_choice'],
  ['parallelTools', 'parallel_tool_calls'],
  ['maxTokens', 'max_tokens'],
  ['contextLength', 'num_ctx'],
  ['topLogprobs', 'top_logprobs'],
  ['stop', 'stop'],
] as const) {
  test(`4.5 ${part} is ${name} to the client`, () => {
    const { translation } = chatCompletions;
    assert.equal(translation?.kind === 'answer' && translation.nameOf(part), name);
  });
}
