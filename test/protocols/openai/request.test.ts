import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RouterError } from '../../../src/errors.ts';
import { encodeAsk } from '../../../src/protocols/openai/request.ts';
import { checkChat, checkCompletion } from '../../../src/simulator/openai/strict-check.ts';
import { askOf, chatCall, generateCall, KINDS, sent, sentTo } from '../ollama/request-calls.ts';

test('4.2 stream absent or true asks for a stream and its usage, stream false for neither', () => {
  for (const kind of KINDS) {
    for (const stream of [undefined, null, true]) {
      const { stream: asked, stream_options } = sentTo(kind, chatCall({ stream }));
      assert.deepEqual([asked, stream_options], [true, { include_usage: true }]);
    }
    const whole = sentTo(kind, chatCall({ stream: false }));
    assert.equal(whole['stream'], false);
    assert.ok(!('stream_options' in whole));
  }
});

test("4.2 the model is the endpoint's own id", () => {
  assert.equal(sentTo('vllm', chatCall({}))['model'], 'upstream-id');
});

test('4.2 tools are sent to the letter: key order, numbers and unknown keywords', () => {
  const tools = `[ {"type":"function","function":{"name":"f","parameters":{"properties":{"z":{},"10":{"default":1.0},"2":{}},"x-y":9007199254740993}}} ]`;
  for (const kind of KINDS) {
    const text = sent(chatCall(`{"model":"m","messages":[{"role":"user","content":"q"}],"tools":${tools}}`), kind);
    assert.ok(text.includes(`"tools":${tools}`), text);
  }
});

test('4.2 no tools and an empty list of them are not sent', () => {
  for (const tools of [undefined, null, []]) assert.ok(!('tools' in sentTo('openai', chatCall({ tools }))));
});

test('4.2 format "json" is an object, a schema stands under its name to the letter, "" and null are none', () => {
  const schema = '{"type":"object","properties":{"b":{"minimum":1.0},"1":{}}}';
  for (const kind of KINDS) {
    assert.deepEqual(sentTo(kind, chatCall({ format: 'json' }))['response_format'], { type: 'json_object' });
    const text = sent(chatCall(`{"model":"m","messages":[{"role":"user"}],"format":${schema}}`), kind);
    const expected = `"response_format":{"type":"json_schema","json_schema":{"name":"schema","schema":${schema}}}`;
    assert.ok(text.includes(expected), text);
    for (const format of ['', null]) assert.ok(!('response_format' in sentTo(kind, chatCall({ format }))));
  }
});

test('4.2 logprobs ask for one alternative at least; without them nothing is asked', () => {
  for (const kind of KINDS) {
    const asked = (body: object) => {
      const { logprobs, top_logprobs } = sentTo(kind, chatCall({ ...body }));
      return [logprobs, top_logprobs];
    };
    assert.deepEqual(asked({ logprobs: true }), [true, 1]);
    assert.deepEqual(asked({ logprobs: true, top_logprobs: 0 }), [true, 1]);
    assert.deepEqual(asked({ logprobs: true, top_logprobs: 20 }), [true, 20]);
    assert.deepEqual(asked({ logprobs: false, top_logprobs: 3 }), [undefined, undefined]);
    assert.deepEqual(asked({ top_logprobs: 3 }), [undefined, undefined]);
  }
});

test('4.2 keep_alive, truncate and shift are not sent', () => {
  for (const kind of KINDS) {
    const plain = sent(chatCall({}), kind);
    assert.equal(sent(chatCall({ keep_alive: '5m', truncate: true, shift: false }), kind), plain);
  }
});

test('4.7 a prompt is a chat of the system text and a turn with its images', () => {
  const call = generateCall({ prompt: 'p', system: 's', images: ['AAAA'], options: { top_k: 1 }, think: true });
  const { path, body } = encodeAsk(askOf(call), 'x', 'llama-server');
  const { messages, top_k, chat_template_kwargs } = JSON.parse(body);
  const image = { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,AAAA' } };
  assert.equal(path, '/v1/chat/completions');
  assert.deepEqual(messages, [
    { role: 'system', content: 's' },
    { role: 'user', content: [{ type: 'text', text: 'p' }, image] },
  ]);
  assert.deepEqual([top_k, chat_template_kwargs], [1, { enable_thinking: true }]);
});

test('4.7 a raw prompt goes to completions as it is', () => {
  for (const kind of KINDS) {
    const call = generateCall({ prompt: '<s>p', raw: true, stream: false, options: { num_predict: 3 } });
    const { path, body } = encodeAsk(askOf(call), 'x', kind);
    assert.equal(path, '/v1/completions');
    assert.deepEqual(JSON.parse(body), { model: 'x', prompt: '<s>p', stream: false, max_tokens: 3 });
  }
});

test('4.7 a suffix goes to /infill of L with its own names, to completions of V and O', () => {
  const call = generateCall({ prompt: 'a', suffix: 'b', options: { num_predict: 3, seed: 1 } });
  const [l, v, o] = KINDS.map((kind) => encodeAsk(askOf(call), 'x', kind));
  assert.equal(l?.path, '/infill');
  assert.deepEqual(JSON.parse(l?.body ?? ''), {
    model: 'x',
    input_prefix: 'a',
    input_suffix: 'b',
    n_predict: 3,
    stream: true,
    seed: 1,
  });
  for (const lane of [v, o]) {
    assert.equal(lane?.path, '/v1/completions');
    const { prompt, suffix, stream_options } = JSON.parse(lane?.body ?? '');
    assert.deepEqual([prompt, suffix, stream_options], ['a', 'b', { include_usage: true }]);
  }
});

test('4.7 a completion with a format is constrained where that is possible and refused where it is not', () => {
  const call = generateCall('{"model":"m","prompt":"p","raw":true,"format":{"type":"object"}}');
  assert.deepEqual(sentTo('llama-server', call)['json_schema'], { type: 'object' });
  assert.deepEqual(sentTo('vllm', call)['response_format'], {
    type: 'json_schema',
    json_schema: { name: 'schema', schema: { type: 'object' } },
  });
  assert.throws(
    () => sent(call, 'openai'),
    (error) => error instanceof RouterError && error.code === 'unsupported',
  );
});

test('4.7 completions ask for log probabilities by number, O for five at most', () => {
  const asked = KINDS.map(
    (kind) => sentTo(kind, generateCall({ raw: true, logprobs: true, top_logprobs: 9 }))['logprobs'],
  );
  assert.deepEqual(asked, [9, 9, 5]);
  assert.equal(sentTo('openai', generateCall({ raw: true, logprobs: true }))['logprobs'], 1);
});

const option = fc.record(
  {
    num_predict: fc.integer({ min: -2, max: 9 }),
    temperature: fc.constantFrom(0, 0.8, 2),
    top_p: fc.constantFrom(0, 1),
    top_k: fc.nat(99),
    min_p: fc.constant(0.1),
    typical_p: fc.constant(1),
    seed: fc.maxSafeInteger(),
    presence_penalty: fc.constant(-1),
    frequency_penalty: fc.constant(1.5),
    repeat_penalty: fc.constant(1.1),
    repeat_last_n: fc.integer({ min: -1, max: 64 }),
    num_keep: fc.nat(9),
    num_ctx: fc.nat(),
    mirostat: fc.nat(2),
    mirostat_tau: fc.constant(5),
    stop: fc.array(fc.string(), { maxLength: 6 }),
    tfs_z: fc.anything(),
    numa: fc.boolean(),
  },
  { requiredKeys: [] },
);
const common = {
  stream: fc.boolean(),
  options: fc.option(option),
  logprobs: fc.boolean(),
  top_logprobs: fc.nat(20),
  keep_alive: fc.constantFrom(0, -1, '5m'),
  truncate: fc.boolean(),
  unknown: fc.jsonValue(),
};
const chatBody = fc.record(
  {
    ...common,
    think: fc.constantFrom(true, false, 'low', 'max'),
    format: fc.constantFrom('', 'json', { type: 'object' }),
    tools: fc.constantFrom([], [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }]),
    messages: fc.constant([
      { role: 'system', content: 's' },
      { role: 'user', content: '', images: ['AAAA'] },
      { role: 'assistant', thinking: 't', tool_calls: [{ function: { name: 'f', index: 0, arguments: { a: 1 } } }] },
      { role: 'tool', tool_name: 'f', content: 'r' },
    ]),
  },
  { requiredKeys: [] },
);

test("2.11 a strict endpoint never sees a field or a value that is not OpenAI's", () => {
  fc.assert(
    fc.property(chatBody, (body) => checkChat(sentTo('openai', chatCall(body)))),
    { numRuns: 300 },
  );
  const completion = fc.record(
    { ...common, suffix: fc.constantFrom('', 'b'), raw: fc.constant(true) },
    { requiredKeys: ['raw'] },
  );
  fc.assert(
    fc.property(completion, (body) => {
      const call = generateCall(body);
      checkCompletion(sentTo('openai', call));
    }),
  );
});
