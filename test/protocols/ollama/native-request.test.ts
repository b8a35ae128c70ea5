import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ask, Message } from '../../../src/domain/ask.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import { RouterError } from '../../../src/errors.ts';
import { encodeNative } from '../../../src/protocols/ollama/native-request.ts';
import { decodeBody } from '../../../src/simulator/ollama/go-decode.ts';
import { chatRequest, generateRequest } from '../../../src/simulator/ollama/requests.ts';
import { askOf, chatCall, generateCall } from './request-calls.ts';

const EMPTY: Ask = {
  kind: 'chat',
  streaming: true,
  messages: [],
  prompt: '',
  suffix: '',
  tools: undefined,
  format: undefined,
  think: undefined,
  sampling: {},
  topLogprobs: undefined,
};
const TURN: Message = {
  role: 'user',
  content: [],
  reasoning: undefined,
  toolCalls: [],
  toolCallId: undefined,
  toolName: undefined,
};
const TOOLS = '[ {"type":"function","function":{"name":"f","parameters":{"10":1.0,"2":{}}}} ]';

function encoded(ask: Partial<Ask>) {
  return encodeNative({ ...EMPTY, ...ask }, 'up');
}

function bodyOf(ask: Partial<Ask>): JsonObject {
  return JSON.parse(encoded(ask).body);
}

/** The messages as they are sent, each over one with a role and an empty content. */
function messagesOf(...messages: readonly Partial<Message>[]): unknown {
  return bodyOf({ messages: messages.map((message) => ({ ...TURN, ...message })) })['messages'];
}

function refused(code: string, message: string | RegExp, ask: Partial<Ask>): void {
  assert.throws(
    () => encoded(ask),
    (error) => error instanceof RouterError && error.code === code && error.message.match(message) !== null,
  );
}

test('4.5 a chat goes to /api/chat and nothing is added that was not asked', () => {
  assert.deepEqual(encoded({ streaming: false }), {
    path: '/api/chat',
    body: '{"model":"up","stream":false,"messages":[]}',
    dropped: [],
    conversation: 'ollama',
  });
});

test('4.7 completions and infills go to /api/generate, through the chat template', () => {
  const completion = encoded({ kind: 'completion', prompt: 'p', sampling: { maxTokens: '3' } });
  assert.equal(completion.path, '/api/generate');
  assert.equal(completion.conversation, undefined);
  assert.equal(completion.body, '{"model":"up","stream":true,"options":{"num_predict":3},"prompt":"p"}');
  const { prompt, suffix } = bodyOf({ kind: 'infill', prompt: 'p', suffix: 's' });
  assert.deepEqual([prompt, suffix], ['p', 's']);
});

for (const [part, value, option] of [
  ['maxTokens', '5', 'num_predict'],
  ['contextLength', '4096', 'num_ctx'],
  ['temperature', '0.10', 'temperature'],
  ['topP', '1.0', 'top_p'],
  ['topK', '7', 'top_k'],
  ['minP', '0.05', 'min_p'],
  ['typicalP', '1', 'typical_p'],
  ['seed', '9007199254740993', 'seed'],
  ['presencePenalty', '-1', 'presence_penalty'],
  ['frequencyPenalty', '1.5', 'frequency_penalty'],
  ['repeatPenalty', '1.1', 'repeat_penalty'],
  ['repeatLastN', '-1', 'repeat_last_n'],
  ['keep', '4', 'num_keep'],
  ['mirostat', '2', 'mirostat'],
  ['mirostatTau', '5.0', 'mirostat_tau'],
  ['mirostatEta', '0.1', 'mirostat_eta'],
] as const) {
  test(`4.5 ${part} is options.${option}, its number as it was written`, () => {
    assert.ok(encoded({ sampling: { [part]: value } }).body.includes(`"options":{"${option}":${value}}`));
  });
}

test('4.5 stop texts are a list', () => {
  assert.deepEqual(bodyOf({ sampling: { stop: ['a', '"'] } })['options'], { stop: ['a', '"'] });
});

for (const [think, sent] of [
  [undefined, undefined],
  [true, true],
  [false, false],
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'max'],
  ['max', 'max'],
] as const) {
  test(`4.5 think ${think} is ${sent}`, () => {
    assert.equal(bodyOf({ think })['think'], sent);
  });
}

test('4.5 a format is "json" or the bare schema to the letter', () => {
  assert.equal(bodyOf({ format: { kind: 'json' } })['format'], 'json');
  const schema = '{"type":"object","properties":{"b":{"minimum":1.0},"1":{}}}';
  const named = encoded({ format: { kind: 'schema', schema, name: 'n', strict: true } }).body;
  assert.ok(named.includes(`"format":${schema}`), named);
  assert.ok(!named.includes('strict'));
});

test('4.5 log probabilities are asked for by number, 0 too', () => {
  const asked = [undefined, 0, 5].map((topLogprobs) => {
    const { logprobs, top_logprobs } = bodyOf({ topLogprobs });
    return [logprobs, top_logprobs];
  });
  assert.deepEqual(asked, [
    [undefined, undefined],
    [true, 0],
    [true, 5],
  ]);
});

test('4.5 tools are sent to the letter; without choice there are none', () => {
  assert.ok(encoded({ tools: TOOLS }).body.includes(`"tools":${TOOLS}`));
  assert.ok(!encoded({ tools: TOOLS, toolChoice: 'none' }).body.includes('tools'));
});

for (const [ask, dropped] of [
  [{ tools: TOOLS }, []],
  [{ tools: TOOLS, toolChoice: 'auto', parallelTools: true }, []],
  [{ tools: TOOLS, toolChoice: 'required' }, ['toolChoice']],
  [{ tools: TOOLS, toolChoice: { name: 'f' }, parallelTools: false }, ['toolChoice', 'parallelTools']],
  [{ tools: TOOLS, toolChoice: 'none', parallelTools: false }, []],
  [{ parallelTools: false }, []],
] as const) {
  test(`4.5 of ${JSON.stringify({ ...ask, tools: 'tools' in ask })} Ollama is not told ${JSON.stringify(dropped)}`, () => {
    assert.deepEqual(encoded(ask).dropped, dropped);
  });
}

test('4.5 texts that follow each other get a line feed, texts around an image none; images stand beside them', () => {
  assert.deepEqual(
    messagesOf(
      { content: [text('a'), text('b')] },
      { content: [text('a'), { type: 'media', base64: 'AAAA', mediaType: 'image/gif' }, text('b'), text('c')] },
      { role: 'odd' },
    ),
    [
      { role: 'user', content: 'a\nb' },
      { role: 'user', content: 'ab\nc', images: ['AAAA'] },
      { role: 'odd', content: '' },
    ],
  );
});

test('4.10 an image by URL is refused: Ollama fetches nothing', () => {
  const content = [{ type: 'image-url', url: 'http://x/' }] as const;
  refused('unsupported', /image URLs are not fetched/, { messages: [{ ...TURN, content }] });
});

test('4.5 reasoning is thinking', () => {
  assert.deepEqual(messagesOf({ role: 'assistant', reasoning: 'hm', content: [text('a')] }), [
    { role: 'assistant', content: 'a', thinking: 'hm' },
  ]);
});

const call = (id: string | undefined, name: string, json = '{}') => ({ id, name, arguments: json });

test('4.5 arguments of a call are the object to the letter, none are {}', () => {
  const json = '{ "b":1.0,\n"2":9007199254740993, "1":"é" }';
  const { body } = encoded({ messages: [{ ...TURN, toolCalls: [call('a', 'f', json), call(undefined, 'g', '')] }] });
  assert.ok(body.includes(`"tool_calls":[{"id":"a","function":{"name":"f","arguments":${json}}},`), body);
  assert.ok(body.includes(`{"function":{"name":"g","arguments":{}}}]`), body);
});

for (const json of ['{', '5', '[]', 'null', '"{}"', '{}{}'])
  test(`4.5 arguments ${json} are refused`, () => {
    refused('invalid_parameter', /^invalid tool call arguments$/, {
      messages: [{ ...TURN, toolCalls: [call('a', 'f', json)] }],
    });
  });

test("4.5 a tool's result has the name that the client says, else that of the nearest earlier call with its id", () => {
  const result = (toolCallId?: string, toolName?: string) => ({ role: 'tool', toolCallId, toolName });
  const messages = messagesOf(
    { toolCalls: [call('a', 'f'), call('b', 'g')] },
    result('b'),
    result('a'),
    result('a', 'said'),
    result('c'),
    result(undefined, 'said'),
    { toolCalls: [call('a', 'h')] },
    result('a'),
  );
  assert.ok(Array.isArray(messages));
  const results = messages.filter(({ role }) => role === 'tool');
  assert.deepEqual(
    results.map(({ tool_call_id, tool_name }) => [tool_call_id, tool_name]),
    [
      ['b', 'g'],
      ['a', 'f'],
      ['a', 'said'],
      ['c', undefined],
      [undefined, 'said'],
      ['a', 'h'],
    ],
  );
});

function text(said: string) {
  return { type: 'text', text: said } as const;
}

const words = fc.string({ minLength: 1 });
const options = fc.record(
  {
    num_predict: fc.integer(),
    num_ctx: fc.nat(),
    temperature: fc.constantFrom(0, 0.8),
    seed: fc.maxSafeInteger(),
    stop: fc.array(fc.string(), { minLength: 1 }),
  },
  { requiredKeys: ['num_ctx'] },
);
const common = {
  options,
  think: fc.constantFrom(true, false, 'low', 'max'),
  format: fc.constantFrom('json', { type: 'object' }),
};
const calls = fc.array(
  fc.record({ id: words, function: fc.record({ name: words, arguments: fc.dictionary(words, fc.jsonValue()) }) }),
  { minLength: 1 },
);
const message = fc.oneof(
  fc.record(
    { role: fc.constantFrom('user', 'system'), content: fc.string(), images: fc.constant(['AAAA', 'BBBB']) },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record(
    { role: fc.constant('assistant'), content: fc.string(), thinking: words, tool_calls: calls },
    { requiredKeys: ['role', 'content'] },
  ),
  fc.record({ role: fc.constant('tool'), content: fc.string(), tool_name: words, tool_call_id: words }),
);

test('4.5 what an Ollama client asks comes out as it was, and Ollama can read it', () => {
  const body = fc.record(
    { ...common, stream: fc.boolean(), messages: fc.array(message, { minLength: 1 }) },
    { requiredKeys: ['messages', 'stream'] },
  );
  fc.assert(
    fc.property(body, (asked) => {
      const { body: sent } = encodeNative(askOf(chatCall(JSON.stringify({ model: 'up', ...asked }))), 'up');
      decodeBody(sent, chatRequest);
      assert.deepEqual(JSON.parse(sent), JSON.parse(JSON.stringify({ model: 'up', ...asked })));
    }),
  );
});

test('4.7 what an Ollama client wants filled in comes out as it was, and Ollama can read it', () => {
  const body = fc.record(
    { ...common, stream: fc.boolean(), prompt: fc.string(), suffix: words },
    { requiredKeys: ['prompt', 'suffix', 'stream'] },
  );
  fc.assert(
    fc.property(body, (asked) => {
      const { body: sent } = encodeNative(askOf(generateCall(JSON.stringify({ model: 'up', ...asked }))), 'up');
      decodeBody(sent, generateRequest);
      assert.deepEqual(JSON.parse(sent), JSON.parse(JSON.stringify({ model: 'up', ...asked })));
    }),
  );
});
