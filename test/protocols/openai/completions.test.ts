import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointKind } from '../../../src/domain/endpoint.ts';
import { RouterError } from '../../../src/errors.ts';
import { splice } from '../../../src/protocols/json/splice.ts';
import { completions } from '../../../src/protocols/openai/completions.ts';
import { endpointOf } from '../../support/listings.ts';
import { feed } from '../feeding.ts';

const KINDS: readonly EndpointKind[] = ['ollama', 'llama-server', 'vllm', 'openai'];

/** The body that an endpoint of this kind is sent. */
function edited(kind: EndpointKind, body: string): string {
  const call = completions.decode(Buffer.from(body));
  return splice(call.body, completions.edits(call, endpointOf(kind))).toString();
}

/** What a client of this request is sent of the stream. */
function answered(kind: EndpointKind, body: string, stream: string): string {
  const call = completions.decode(Buffer.from(body));
  const names = { client: 'm', upstream: 'm' };
  return feed(completions.verbatim(call, endpointOf(kind), 'text/event-stream', names), [Buffer.from(stream)]).text;
}

test('4.1 every kind of endpoint has the route, and any model may be asked', () => {
  assert.deepEqual([...completions.native].sort(), [...KINDS].sort());
  assert.equal(completions.path, '/v1/completions');
  assert.equal(completions.conversation, undefined);
});

test('4.1 a body needs a model and nothing else, and stays as it came', () => {
  for (const kind of KINDS)
    for (const body of ['{"model":"m"}', '{"model":"m","prompt":"a","max_completion_tokens":5,"x":1.0 }'])
      assert.equal(edited(kind, body), body);
  assert.throws(
    () => completions.decode(Buffer.from('{"prompt":"a"}')),
    (error) => error instanceof RouterError && error.code === 'model_required',
  );
});

for (const [prompt, sent] of [
  ['[ "é\\"" ]', '"é\\""'],
  ['"a"', '"a"'],
  ['null', 'null'],
] as const) {
  test(`2.3 the prompt ${prompt} is ${sent} for Ollama and stays for others`, () => {
    const body = (text: string) => `{"model":"m","prompt":${text},"stream":true}`;
    const streaming = (text: string) => body(text).replace(/}$/, ',"stream_options":{"include_usage":true}}');
    assert.equal(edited('ollama', body(prompt)), streaming(sent));
    assert.equal(edited('vllm', body(prompt)), streaming(prompt));
    assert.equal(edited('llama-server', body(prompt)), body(prompt));
    assert.equal(edited('ollama', `{"model":"m","prompt":${prompt}}`), `{"model":"m","prompt":${sent}}`);
  });
}

test('2.3 several prompts and tokens are refused for Ollama, which another endpoint may take', () => {
  for (const prompt of ['["a","b"]', '[1,2]', '[[1]]', '[]']) {
    const body = `{"model":"m","prompt":${prompt}}`;
    assert.equal(edited('llama-server', body), body);
    assert.throws(
      () => edited('ollama', body),
      (error) => error instanceof RouterError && error.code === 'unsupported' && error.details.param === 'prompt',
    );
  }
});

const text = (index: number, reason: string, usage = '') =>
  `data: {"choices":[{"index":${index},"text":"a","finish_reason":${reason}}]${usage}}\n\n`;
const ZERO = ',"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}';
const COUNTS = ',"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}';
const DONE = 'data: [DONE]\n\n';

test('2.3 the zero usage in every record of Ollama is hidden where the client asked for none, and the last one counts', () => {
  const last = `data: {"choices":[]${COUNTS}}\n\n`;
  const stream = text(0, 'null', ZERO) + text(0, '"stop"', ZERO) + last + DONE;
  const hidden = answered('ollama', '{"model":"m","stream":true}', stream);
  assert.equal(hidden, text(0, 'null') + text(0, '"stop"') + DONE);
  const asking = '{"model":"m","stream":true,"stream_options":{"include_usage":true}}';
  assert.equal(answered('ollama', asking, stream), stream);
  const call = completions.decode(Buffer.from(asking));
  const pipe = completions.verbatim(call, endpointOf('ollama'), 'text/event-stream', { client: 'm', upstream: 'm' });
  feed(pipe, [Buffer.from(stream)]);
  assert.deepEqual(pipe.usage, { promptTokens: 3, completionTokens: 5 });
});

test('0 what llama-server counts unasked in its last record stays', () => {
  const stream = text(0, '"stop"', COUNTS) + DONE;
  assert.equal(answered('llama-server', '{"model":"m","stream":true}', stream), stream);
});

for (const [fields, answers] of [
  ['"prompt":"a"', 1],
  ['"prompt":["a"]', 1],
  ['"prompt":["a","b"]', 2],
  ['"prompt":["a","b"],"n":2', 4],
  ['"prompt":"a","n":3', 3],
  ['"prompt":[1,2,3]', 1],
  ['"prompt":[[1,2],[3]]', 2],
  ['"prompt":["a",5]', 1],
  ['"prompt":[{"prompt_string":"a"},"b"]', 2],
  ['"prompt":[]', 1],
  ['"x":1', 1],
] as const) {
  test(`2.3 a request with ${fields} has ${answers} answers: one less is not all`, () => {
    const body = `{"model":"m","stream":true,${fields}}`;
    const ends = Array.from({ length: answers }, (_, index) => text(index, '"stop"'));
    assert.equal(answered('llama-server', body, ends.join('')), ends.join(''));
    assert.match(answered('llama-server', body, ends.slice(1).join('') || text(0, 'null')), /upstream_lost/);
    assert.ok(!answered('ollama', body, text(0, '"stop"')).includes('error'), 'but Ollama gives one');
  });
}

test('a stream says that it waits in a comment, which clients pass over', () => {
  const call = completions.decode(Buffer.from('{"model":"m","stream":true}'));
  assert.deepEqual(completions.heartbeat?.(call), { contentType: 'text/event-stream', text: ': nomyo waiting\n\n' });
});
