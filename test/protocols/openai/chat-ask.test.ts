import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ask } from '../../../src/domain/ask.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { RouterError } from '../../../src/errors.ts';
import { encodeNative } from '../../../src/protocols/ollama/native-request.ts';
import { chatAsk } from '../../../src/protocols/openai/chat-ask.ts';
import { chatCompletions } from '../../../src/protocols/openai/operations.ts';
import { decodeBody } from '../../../src/simulator/ollama/go-decode.ts';
import { chatRequest } from '../../../src/simulator/ollama/requests.ts';

const MESSAGES = [{ role: 'user', content: 'hi' }];

function askOf(body: object | string): Ask {
  const given = typeof body === 'string' ? body : JSON.stringify({ model: 'm', messages: MESSAGES, ...body });
  return chatAsk(chatCompletions.decode(Buffer.from(given)));
}

/** What Ollama is sent; it can be read there. */
function nativeOf(body: object | string): JsonObject {
  const { body: sent } = encodeNative(askOf(body), 'm');
  decodeBody(sent, chatRequest);
  return JSON.parse(sent);
}

function messagesOf(...messages: readonly object[]): unknown {
  return nativeOf({ messages })['messages'];
}

function refused(body: object | string, code: string, param: string): string {
  try {
    encodeNative(askOf(body), 'm');
  } catch (error) {
    assert.ok(error instanceof RouterError, `${error}`);
    assert.deepEqual([error.code, error.details.param, error.status], [code, param, 400], error.message);
    return error.message;
  }
  return assert.fail('it was not refused');
}

test("4.5 a plain chat becomes Ollama's, with temperature and top_p as Ollama's own /v1 sets them", () => {
  assert.deepEqual(nativeOf({}), {
    model: 'm',
    stream: false,
    options: { temperature: 1, top_p: 1 },
    messages: MESSAGES,
  });
});

for (const [field, value, option] of [
  ['max_tokens', 5, 'num_predict'],
  ['max_completion_tokens', 5, 'num_predict'],
  ['temperature', 0, 'temperature'],
  ['top_p', 0.5, 'top_p'],
  ['seed', 1, 'seed'],
  ['presence_penalty', -1, 'presence_penalty'],
  ['frequency_penalty', 1, 'frequency_penalty'],
  ['top_k', 3, 'top_k'],
  ['min_p', 0.1, 'min_p'],
  ['repeat_penalty', 1.1, 'repeat_penalty'],
  ['num_ctx', 4096, 'num_ctx'],
] as const) {
  test(`4.5 ${field} is options.${option}`, () => {
    assert.deepEqual(nativeOf({ [field]: value })['options'], { temperature: 1, top_p: 1, [option]: value });
    assert.deepEqual(nativeOf({ [field]: null })['options'], { temperature: 1, top_p: 1 }, 'and null is absent');
    refused({ [field]: 'x' }, 'invalid_parameter', field);
  });
}

test('4.5 of two limits max_completion_tokens holds, and numbers keep their digits', () => {
  assert.equal(askOf({ max_tokens: 1, max_completion_tokens: 2 }).sampling.maxTokens, '2');
  const { sampling } = askOf(`{"model":"m","messages":[{"role":"user"}],"seed":9007199254740993,"top_p":1.0}`);
  assert.deepEqual([sampling.seed, sampling.topP], ['9007199254740993', '1.0']);
});

test('4.5 stop is a text, a list or null', () => {
  const stops = ['x', ['a', 'b'], [], null].map((stop) => askOf({ stop }).sampling.stop);
  assert.deepEqual(stops, [['x'], ['a', 'b'], undefined, undefined]);
  refused({ stop: [1] }, 'invalid_parameter', 'stop');
});

for (const [effort, think] of [
  ['', undefined],
  ['none', false],
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['max', 'max'],
  ['xhigh', 'max'],
  ['ultra', 'max'],
] as const) {
  test(`4.5 reasoning effort "${effort}" is think ${think}`, () => {
    assert.equal(nativeOf({ reasoning_effort: effort })['think'], think);
    assert.equal(nativeOf({ reasoning: { effort } })['think'], think);
    if (effort !== '') assert.equal(nativeOf({ reasoning: { effort }, reasoning_effort: 'odd' })['think'], think);
  });
}

test('4.5 another reasoning effort is refused', () => {
  for (const effort of ['odd', 'constructor'])
    assert.equal(
      refused({ reasoning_effort: effort }, 'invalid_parameter', 'reasoning_effort'),
      `invalid reasoning value: "${effort}"`,
    );
});

test('4.5 response_format', () => {
  const schema = { type: 'object' };
  const named = { name: 'n', description: 'd', strict: true, schema };
  const formats = [null, { type: 'text' }, { type: 'json_object' }, { type: 'json_schema', json_schema: named }];
  assert.deepEqual(
    formats.map((response_format) => nativeOf({ response_format })['format']),
    [undefined, undefined, 'json', schema],
  );
  const ask = askOf({ response_format: { type: 'json_schema', json_schema: named } });
  assert.deepEqual(ask.format, { kind: 'schema', ...named, schema: JSON.stringify(schema) });
  for (const json_schema of [undefined, {}, { name: 'n' }])
    refused({ response_format: { type: 'json_schema', json_schema } }, 'invalid_parameter', 'response_format');
  refused({ response_format: { type: 'grammar' } }, 'unsupported', 'response_format');
});

const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };

test('4.5 tools pass to the letter; none, or the choice of none, is none', () => {
  const tools = `[ {"type":"function","function":{"name":"f","parameters":{"properties":{"10":1.0,"2":{}}}}} ]`;
  assert.equal(askOf(`{"model":"m","messages":[{"role":"user"}],"tools":${tools}}`).tools, tools);
  for (const none of [undefined, null, []]) assert.equal(askOf({ tools: none }).tools, undefined);
  assert.equal(nativeOf({ tools: [TOOL], tool_choice: 'none' })['tools'], undefined);
});

test('4.5 a choice of tools that cannot be forced is passed on without, and the client hears of it', () => {
  const { translation } = chatCompletions;
  assert.ok(translation?.kind === 'answer');
  const told = (body: object) => encodeNative(askOf({ tools: [TOOL], ...body }), 'm').dropped.map(translation.nameOf);
  assert.deepEqual(told({ tool_choice: 'auto', parallel_tool_calls: true }), []);
  assert.deepEqual(told({ tool_choice: 'required' }), ['tool_choice']);
  assert.deepEqual(told({ tool_choice: { type: 'function', function: { name: 'f' } } }), ['tool_choice']);
  assert.deepEqual(told({ parallel_tool_calls: false }), ['parallel_tool_calls']);
});

test('tools of the server and choices that are none are refused', () => {
  refused({ tools: [{ type: 'web_search' }] }, 'unsupported', 'tools');
  refused({ tool_choice: { type: 'allowed_tools' } }, 'unsupported', 'tool_choice');
  refused({ tool_choice: 'odd' }, 'invalid_parameter', 'tool_choice');
  refused({ tool_choice: { type: 'function' } }, 'invalid_parameter', 'tool_choice');
});

test('4.5 logprobs', () => {
  const asked = [
    {},
    { logprobs: false, top_logprobs: 3 },
    { logprobs: true },
    { logprobs: true, top_logprobs: 20 },
  ].map((body) => askOf(body).topLogprobs);
  assert.deepEqual(asked, [undefined, undefined, 0, 20]);
  for (const top_logprobs of [-1, 21, 1.5])
    assert.equal(
      refused({ logprobs: true, top_logprobs }, 'invalid_parameter', 'top_logprobs'),
      'top_logprobs must be between 0 and 20',
    );
});

for (const [field, value] of [
  ['n', 2],
  ['n', 0],
  ['logit_bias', { 5: 1 }],
  ['modalities', ['text', 'audio']],
  ['audio', { voice: 'alloy', format: 'wav' }],
  ['web_search_options', {}],
  ['functions', [{ name: 'f' }]],
  ['function_call', 'auto'],
  ['chat_template_kwargs', {}],
  ['previous_response_id', 'x'],
  ['Stop', 'x'],
] as const) {
  test(`4.5 ${field}: ${JSON.stringify(value)} is refused by its name`, () => {
    assert.ok(refused({ [field]: value }, 'unsupported', field).includes(field === 'modalities' ? 'modality' : field));
  });
}

test('4.5 what is inert is dropped by its name, what says nothing is not mentioned', () => {
  const inert = {
    user: 'u',
    metadata: { a: 'b' },
    store: true,
    service_tier: 'auto',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    safety_identifier: 's',
    prediction: { type: 'content', content: '' },
    verbosity: 'low',
    keep_alive: 0,
  };
  const silent = {
    n: 1,
    logit_bias: {},
    modalities: ['text'],
    functions: [],
    nomyo: { endpoint: 'x' },
    audio: null,
    function_call: null,
    stream_options: { include_usage: true, include_obfuscation: false },
  };
  const { dropped } = askOf({ ...silent, ...inert, reasoning: { effort: 'low', summary: 'auto' } });
  assert.deepEqual(dropped, [...Object.keys(inert), 'reasoning.summary']);
});

test('4.5 roles: developer is system, function is tool, others stay', () => {
  assert.deepEqual(
    messagesOf(
      { role: 'developer', content: 'd' },
      { role: 'function', name: 'f', content: 'r' },
      { role: 'critic', content: 'c' },
    ),
    [
      { role: 'system', content: 'd' },
      { role: 'tool', content: 'r', tool_name: 'f' },
      { role: 'critic', content: 'c' },
    ],
  );
  refused({ messages: [{ content: 'x' }] }, 'invalid_parameter', 'messages');
});

test('4.5 content is a text, parts or null', () => {
  assert.deepEqual(
    messagesOf(
      { role: 'user', content: [part('a'), part('b'), image('data:image/png;base64,AAAA'), part('c')] },
      { role: 'assistant', content: null },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      { role: 'assistant', content: 'a', refusal: 'no' },
      { role: 'user' },
      { role: 'user', content: [] },
    ),
    [
      { role: 'user', content: 'a\nbc', images: ['AAAA'] },
      { role: 'assistant', content: '' },
      { role: 'assistant', content: 'no' },
      { role: 'assistant', content: 'a\nno' },
      { role: 'user', content: '' },
      { role: 'user', content: '' },
    ],
  );
  refused({ messages: [{ role: 'user', content: 5 }] }, 'invalid_parameter', 'content');
  refused({ messages: [{ role: 'user', content: ['a'] }] }, 'invalid_parameter', 'content');
});

test('2.2 no messages are refused in the words of Ollama', () => {
  for (const messages of [[], null, undefined])
    assert.equal(refused({ messages }, 'invalid_parameter', 'messages'), "[] is too short - 'messages'");
});

function part(text: string) {
  return { type: 'text', text };
}

function image(url: string, detail?: string) {
  return { type: 'image_url', image_url: { url, detail } };
}

function contentOf(...content: readonly object[]) {
  return askOf({ messages: [{ role: 'user', content }] }).messages[0]?.content;
}

for (const [url, mediaType] of [
  ['data:image/png;base64,AAAA', 'image/png'],
  ['data:image/x-odd;charset=utf-8;base64,AAAA', 'image/x-odd'],
  ['DATA:IMAGE/JPEG;BASE64,AAAA', 'image/jpeg'],
  ['data:;base64,AAAA', undefined],
] as const) {
  test(`4.5 ${url} is an image of type ${mediaType}`, () => {
    const media = { type: 'media', base64: 'AAAA', mediaType, detail: 'low' };
    assert.deepEqual(contentOf(image(url, 'low')), [media]);
    const plain = contentOf({ type: 'image_url', image_url: url });
    assert.deepEqual(plain, [{ ...media, detail: undefined }]);
  });
}

for (const url of [
  'data:image/svg+xml;base64,AAAA',
  'data:text/plain;base64,AAAA',
  'data:image/png,AAAA',
  'data:image/png;base64,',
  'data:image/png;base64,A A',
  'data:image/png;base64',
  `data:image/png${';a=b'.repeat(100)};base64,AAAA`,
  'file:///etc/passwd',
  '/etc/passwd',
  'AAAA',
  '',
]) {
  test(`4.5, 4.10 ${url.slice(0, 40)} is no image`, () => {
    const content = [image(url)];
    assert.equal(
      refused({ messages: [{ role: 'user', content }] }, 'invalid_parameter', 'messages'),
      'invalid image input',
    );
  });
}

test('4.5 an address stays one for whoever may fetch it, and Ollama is not asked to', () => {
  assert.deepEqual(contentOf(image('HTTPS://x/y', 'high')), [
    { type: 'image-url', url: 'HTTPS://x/y', detail: 'high' },
  ]);
  refused({ messages: [{ role: 'user', content: [image('http://x/')] }] }, 'unsupported', 'messages');
});

test('4.5 sound is a medium, and other parts are refused by their type', () => {
  const sound = { type: 'input_audio', input_audio: { data: 'UklG', format: 'wav' } };
  assert.deepEqual(contentOf(sound), [{ type: 'media', base64: 'UklG', mediaType: 'audio/wav' }]);
  for (const content of [[{ type: 'file', file: {} }], [{ type: 'video_url' }], [{}]])
    assert.match(refused({ messages: [{ role: 'user', content }] }, 'unsupported', 'messages'), /"(file|video_url|)"/);
  refused({ messages: [{ role: 'assistant', audio: { id: 'a' } }] }, 'unsupported', 'messages');
});

test('4.5 reasoning that clients send back is thinking', () => {
  const said = [{ reasoning: 'a' }, { reasoning_content: 'b' }, { reasoning: 'a', reasoning_content: 'b' }, {}];
  assert.deepEqual(
    said.map((one) => askOf({ messages: [{ role: 'assistant', content: '', ...one }] }).messages[0]?.reasoning),
    ['a', 'b', 'b', undefined],
  );
});

test('4.5 tool calls and their results', () => {
  const call = (id: string, json: unknown) => ({
    id,
    type: 'function',
    function: { name: `f-${id}`, arguments: json },
  });
  const called = messagesOf(
    { role: 'assistant', content: null, tool_calls: [call('a', '{"x":1}'), call('b', ''), call('c', { y: 2 })] },
    { role: 'tool', tool_call_id: 'b', content: 'r' },
    { role: 'assistant', content: null, function_call: { name: 'old', arguments: '{}' } },
  );
  const native = (id: string, json: object) => ({ id, function: { name: `f-${id}`, arguments: json } });
  assert.deepEqual(called, [
    { role: 'assistant', content: '', tool_calls: [native('a', { x: 1 }), native('b', {}), native('c', { y: 2 })] },
    { role: 'tool', content: 'r', tool_name: 'f-b', tool_call_id: 'b' },
    { role: 'assistant', content: '', tool_calls: [{ function: { name: 'old', arguments: {} } }] },
  ]);
  const wrong = { messages: [{ role: 'assistant', tool_calls: [call('a', '{')] }] };
  assert.equal(refused(wrong, 'invalid_parameter', 'messages'), 'invalid tool call arguments');
  refused({ messages: [{ role: 'assistant', tool_calls: [{ type: 'custom' }] }] }, 'unsupported', 'messages');
});

test('names that have no place and fields that nobody knows are dropped from messages, each told once', () => {
  const { dropped, messages } = askOf({
    messages: [
      { role: 'user', name: 'ann', content: 'a', cache_control: {} },
      { role: 'user', name: 'bob', content: 'b' },
      { role: 'assistant', content: 'c', annotations: [], refusal: null, audio: null, tool_calls: null },
      { role: 'tool', name: 'f', content: 'd', tool_call_id: 'x' },
    ],
  });
  assert.deepEqual(dropped, ['messages.name', 'messages.cache_control', 'messages.annotations']);
  assert.equal(messages[3]?.toolName, 'f');
});

const anyField = fc.constantFrom(
  ...['messages', 'tools', 'tool_choice', 'response_format', 'reasoning', 'stop', 'logprobs', 'modalities', 'n', 'x'],
  ...['stream_options', 'functions', 'logit_bias', 'temperature', 'top_logprobs', 'parallel_tool_calls'],
);
const anyMessage = fc.dictionary(
  fc.constantFrom('role', 'content', 'tool_calls', 'function_call', 'refusal', 'name', 'tool_call_id', 'reasoning'),
  fc.jsonValue(),
);

test('whatever the body is, it is read or refused with a 400', () => {
  const body = fc.tuple(fc.dictionary(anyField, fc.jsonValue()), fc.array(anyMessage));
  fc.assert(
    fc.property(body, ([fields, messages]) => {
      try {
        nativeOf({ messages, ...fields });
      } catch (error) {
        assert.ok(error instanceof RouterError && error.status === 400, `${error}`);
      }
    }),
    { numRuns: 500 },
  );
});
