import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import { keepAlive } from '../../../src/protocols/ollama/request.ts';
import { askOf, chatCall, generateCall } from './request-calls.ts';

/** The message that a request is refused with; undefined where it is taken. */
function refusal(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof RouterError && error.status === 400, `${error}`);
    return error.message;
  }
}

for (const [keep_alive, expected] of [
  [300, 300],
  [0, 0],
  [-1, -1],
  [0.5, 0.5],
  ['5m', 300],
  ['0s', 0],
  ['-1m', -60],
  ['0', 0],
  [null, undefined],
  [undefined, undefined],
] as const) {
  test(`1.4 keep_alive ${JSON.stringify(keep_alive)} is ${expected} seconds`, () => {
    assert.equal(keepAlive(chatCall({ keep_alive }).fields), expected);
  });
}

for (const [keep_alive, said] of [
  ['300', 'time: missing unit in duration "300"'],
  ['-1', 'time: missing unit in duration "-1"'],
  ['', 'time: invalid duration ""'],
  [true, "Unsupported type: 'bool'"],
  [[], "Unsupported type: '[]interface {}'"],
  [{}, "Unsupported type: 'map[string]interface {}'"],
] as const) {
  test(`1.4 keep_alive ${JSON.stringify(keep_alive)} is refused`, () => {
    assert.equal(
      refusal(() => askOf(chatCall({ keep_alive }))),
      said,
    );
    assert.equal(
      refusal(() => askOf(generateCall({ keep_alive }))),
      said,
    );
  });
}

for (const think of [true, false, 'low', 'medium', 'high', 'max'] as const) {
  test(`1.4 think ${JSON.stringify(think)} is taken`, () => assert.equal(askOf(chatCall({ think })).think, think));
}

for (const think of ['foo', '', 'HIGH', 1, {}]) {
  test(`0 think ${JSON.stringify(think)} is refused in Ollama's words`, () => {
    assert.match(
      refusal(() => askOf(chatCall({ think }))) ?? '',
      new RegExp(`^invalid think value: ${JSON.stringify(think)} \\(must be `),
    );
  });
}

for (const format of ['xml', 'JSON', 1, true, []]) {
  test(`1.4 format ${JSON.stringify(format)} is refused`, () => {
    assert.match(refusal(() => askOf(chatCall({ format }))) ?? '', /^invalid format: /);
  });
}

test('1.4 format "json" is known however it is escaped', () => {
  assert.deepEqual(askOf(chatCall('{"model":"m","messages":[{"role":"user"}],"format":"js\\u006fn"}')).format, {
    kind: 'json',
  });
});

test('4.2 top_logprobs is an integer from 0 to 20, asked for or not', () => {
  for (const top_logprobs of [-1, 21, 1e9])
    assert.equal(
      refusal(() => askOf(chatCall({ top_logprobs }))),
      'top_logprobs must be between 0 and 20',
    );
  assert.match(
    refusal(() => askOf(chatCall({ top_logprobs: 1.5 }))) ?? '',
    /cannot unmarshal number 1\.5 into .* of type int$/,
  );
  assert.match(refusal(() => askOf(chatCall({ top_logprobs: '2' }))) ?? '', /cannot unmarshal string/);
});

for (const [options, said] of [
  ['many', 'json: cannot unmarshal string into Go struct field ChatRequest.options of type map[string]interface {}'],
  [[1], 'json: cannot unmarshal array into Go struct field ChatRequest.options of type map[string]interface {}'],
  [{ temperature: 'hot' }, 'option "temperature" must be of type float32'],
  [{ num_predict: '5' }, 'option "num_predict" must be of type integer'],
  [{ seed: true }, 'option "seed" must be of type integer'],
  [{ stop: 'end' }, 'option "stop" must be of type array'],
] as const) {
  test(`1.4 options ${JSON.stringify(options)} are refused`, () => {
    assert.equal(
      refusal(() => askOf(chatCall({ options }))),
      said,
    );
  });
}

test('1.4 content must be a string, and tools an array', () => {
  const parts = [{ type: 'text', text: 'hi' }];
  assert.match(
    refusal(() => askOf(chatCall({ messages: [{ role: 'user', content: parts }] }))) ?? '',
    /cannot unmarshal array/,
  );
  assert.match(refusal(() => askOf(chatCall({ tools: {} }))) ?? '', /cannot unmarshal object .* of type api.Tools$/);
});

test('4.10 strings in images are base64 and nothing else: no data URL, no link, no path', () => {
  for (const image of [
    'data:image/png;base64,AAAA',
    'http://169.254.169.254/x',
    'file:///etc/passwd',
    '..\\x',
    'AA_A',
  ]) {
    const at = image.search(/[^A-Za-z0-9+/=]/);
    const said = `illegal base64 data at input byte ${at}`;
    assert.equal(
      refusal(() => askOf(chatCall({ messages: [{ role: 'user', images: [image] }] }))),
      said,
    );
    assert.equal(
      refusal(() => askOf(generateCall({ images: [image] }))),
      said,
    );
  }
  assert.equal(
    refusal(() => askOf(generateCall({ images: ['iVBORw0K\nGgo=', 'A+/9'] }))),
    undefined,
  );
});

test('1.4 a message is read in full, its empty fields as absent', () => {
  const [message] = askOf(
    chatCall({
      messages: [
        { role: 'TOOL', content: 'c', thinking: '', tool_name: '', name: 'n', tool_call_id: '', tool_calls: null },
      ],
    }),
  ).messages;
  assert.deepEqual(message, {
    role: 'tool',
    content: [{ type: 'text', text: 'c' }],
    reasoning: undefined,
    toolCalls: [],
    toolCallId: undefined,
    toolName: 'n',
  });
});

test('what a request does not say stays unsaid', () => {
  const { tools, format, think, sampling, topLogprobs } = askOf(chatCall({}));
  assert.deepEqual(
    { tools, format, think, sampling, topLogprobs },
    {
      tools: undefined,
      format: undefined,
      think: undefined,
      sampling: {},
      topLogprobs: undefined,
    },
  );
});

test('4.7 template and context are refused, unless they are empty', () => {
  assert.equal(
    refusal(() => askOf(generateCall({ template: 't' }))),
    'template is not supported by this backend',
  );
  assert.equal(
    refusal(() => askOf(generateCall({ context: [1] }))),
    'context is not supported by this backend',
  );
  assert.equal(
    refusal(() => askOf(generateCall({ template: '', context: [], suffix: '', system: '' }))),
    undefined,
  );
});

test('1.5 raw does not go with template, system or context', () => {
  for (const extra of [{ template: 't' }, { system: 's' }, { context: [1] }])
    assert.equal(
      refusal(() => askOf(generateCall({ raw: true, ...extra }))),
      'raw mode does not support template, system, or context',
    );
  assert.equal(
    refusal(() => askOf(generateCall({ raw: true, system: '' }))),
    undefined,
  );
});
