import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askOf, conversationOf, said, words } from './message-calls.ts';
import { refuses } from './refusing.ts';

const user = (...content: readonly object[]) => ({ role: 'user', content });
const assistant = (...content: readonly object[]) => ({ role: 'assistant', content });
const use = (id: string, name = 'f') => ({ type: 'tool_use', id, name, input: {} });
const image = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
const medium = (base64: string) => ({ type: 'media', base64, mediaType: 'image/png' }) as const;

test('2.8 the system prompt is the first message, be it a text or blocks', () => {
  const system = (given: unknown) => askOf({ system: given }).messages.slice(0, -1);
  assert.deepEqual(system('s'), [said('system', words('s'))]);
  const blocks = [words('a'), { ...words('b'), cache_control: { type: 'ephemeral' } }];
  assert.deepEqual(system(blocks), [said('system', words('a'), words('b'))]);
  for (const none of ['', [], null, undefined, [words('')]]) assert.deepEqual(system(none), []);
  refuses('invalid_parameter', 'system', () => askOf({ system: [image('AAAA')] }));
});

test('2.8 a text and a block of text say the same', () => {
  assert.deepEqual(conversationOf({ role: 'user', content: 'é' }), [said('user', words('é'))]);
  assert.deepEqual(conversationOf(user(words('é'))), [said('user', words('é'))]);
});

test('2.8 roles are user, assistant and system', () => {
  for (const role of ['user', 'assistant', 'system'])
    assert.deepEqual(conversationOf({ role, content: 'a' }), [said(role, words('a'))]);
  for (const role of ['tool', 'developer', '', undefined])
    refuses('invalid_parameter', 'messages', () => conversationOf({ role, content: 'a' }));
});

test('2.8 results of tools come before the rest, each with the id and the name of its call', () => {
  const given = [
    assistant(use('a', 'f'), use('b', 'g')),
    user(
      words('first'),
      { type: 'tool_result', tool_use_id: 'b', content: 'rb' },
      { type: 'tool_result', tool_use_id: 'a', content: [words('r1'), words('r2')] },
      words('last'),
    ),
  ];
  assert.deepEqual(conversationOf(...given).slice(1), [
    { ...said('tool', words('rb')), toolCallId: 'b', toolName: 'g' },
    { ...said('tool', words('r1\nr2')), toolCallId: 'a', toolName: 'f' },
    said('user', words('first'), words('last')),
  ]);
});

test('2.8 results of tools alone make no message beside theirs', () => {
  const result = { type: 'tool_result', tool_use_id: 'a' };
  for (const content of ['', [], null, undefined])
    assert.deepEqual(conversationOf(user({ ...result, content })), [{ ...said('tool'), toolCallId: 'a' }]);
});

test('2.8 images in a result follow in the message after it', () => {
  const result = { type: 'tool_result', tool_use_id: 'a', content: [image('AA=='), words('r'), image('AAA=')] };
  assert.deepEqual(conversationOf(user(result, words('q'))), [
    { ...said('tool', words('r')), toolCallId: 'a' },
    said('user', medium('AA=='), medium('AAA='), words('q')),
  ]);
  assert.deepEqual(conversationOf(user(result)).slice(1), [said('user', medium('AA=='), medium('AAA='))]);
});

test('2.8 a tool that failed says so in its text', () => {
  const failed = (content: unknown, is_error: boolean) =>
    conversationOf(user({ type: 'tool_result', tool_use_id: 'a', content, is_error }))[0]?.content;
  assert.deepEqual(failed('no file', true), [words('Error: no file')]);
  assert.deepEqual(failed(undefined, true), [words('Error: ')]);
  assert.deepEqual(failed('no file', false), [words('no file')]);
});

test('2.8 a call keeps its input to the letter', () => {
  const input = '{"z": 1.0,"10":9007199254740993, "2":{"é":[ ]}}';
  const call = `{"type":"tool_use","id":"a","name":"f","input":${input}}`;
  const [message] = askOf(
    `{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[${call}]}]}`,
  ).messages;
  assert.deepEqual(message?.toolCalls, [{ id: 'a', name: 'f', arguments: input }]);
});

test('2.8 a call without input has an empty one; without id or name, or with another input, it is refused', () => {
  const [message] = conversationOf(assistant({ type: 'tool_use', id: 'a', name: 'f', caller: { type: 'direct' } }));
  assert.equal(message?.toolCalls[0]?.arguments, '{}');
  const wrong = (block: object) => () => conversationOf(assistant({ ...use('a'), ...block }));
  refuses('invalid_parameter', 'messages: tool_use.id', wrong({ id: '' }));
  refuses('invalid_parameter', 'messages: tool_use.name', wrong({ name: undefined }));
  for (const input of ['{}', [], 1]) refuses('invalid_parameter', 'input', wrong({ input }));
  refuses('invalid_parameter', 'messages: tool_result.tool_use_id', () =>
    conversationOf(user({ type: 'tool_result' })),
  );
});

test('2.8 thoughts are reasoning, and what only their maker can read is dropped', () => {
  const ask = askOf({
    messages: [
      assistant(
        { type: 'thinking', thinking: 'a', signature: 'x' },
        { type: 'redacted_thinking', data: 'secret' },
        { type: 'thinking', thinking: 'b', signature: '' },
        words('c'),
      ),
    ],
  });
  assert.deepEqual(ask.messages, [{ ...said('assistant', words('c')), reasoning: 'a\nb' }]);
  assert.deepEqual(ask.dropped, ['messages.signature', 'messages.redacted_thinking']);
  const own = askOf({ messages: [assistant({ type: 'thinking', thinking: 'a', signature: '' })] });
  assert.deepEqual(own.dropped, [], "the router's own thoughts have an empty signature");
});

test('2.8 an image is base64 or an address', () => {
  assert.deepEqual(conversationOf(user(image('AAAA')))[0]?.content, [medium('AAAA')]);
  const url = { type: 'image', source: { type: 'url', url: 'https://x/y.png' } };
  assert.deepEqual(conversationOf(user(url))[0]?.content, [{ type: 'image-url', url: 'https://x/y.png' }]);
  const wrong = (source: object | undefined) => () => conversationOf(user({ type: 'image', source }));
  for (const data of ['', 'file:///etc/passwd', 'data:image/png;base64,AAAA', undefined])
    refuses('invalid_parameter', 'messages: image.source.data', wrong({ type: 'base64', data }));
  refuses(
    'invalid_parameter',
    'messages: image.source.media_type',
    wrong({ type: 'base64', media_type: 'text/html', data: 'AAAA' }),
  );
  refuses('unsupported', "messages: image source 'file'", wrong({ type: 'file', file_id: 'f' }));
  refuses('invalid_parameter', 'messages: image.source', wrong(undefined));
});

test('2.8 a document that is text is read as text, with what is said of it before it', () => {
  const content = (block: object) => conversationOf(user({ type: 'document', ...block }))[0]?.content;
  const text = { type: 'text', media_type: 'text/plain', data: 'd' };
  assert.deepEqual(content({ source: text }), [words('d')]);
  assert.deepEqual(content({ source: text, title: 't', context: 'c', citations: { enabled: false } }), [
    words('t'),
    words('c'),
    words('d'),
  ]);
  assert.deepEqual(content({ source: { type: 'content', content: 'd' } }), [words('d')]);
  const blocks = [words('d'), image('AAAA')];
  assert.deepEqual(content({ source: { type: 'content', content: blocks } }), [words('d'), medium('AAAA')]);
});

test('2.8 a document that no other endpoint can read is refused by its kind', () => {
  const refused = (field: string, block: object) =>
    refuses('unsupported', field, () => conversationOf(user({ type: 'document', ...block })));
  refused("messages: document source 'base64'", {
    source: { type: 'base64', media_type: 'application/pdf', data: 'A' },
  });
  refused("messages: document source 'url'", { source: { type: 'url', url: 'https://x/y.pdf' } });
  refused('messages.citations', { source: { type: 'text', data: 'd' }, citations: { enabled: true } });
});

for (const type of ['server_tool_use', 'web_search_tool_result', 'container_upload', 'search_result', 'x', undefined])
  test(`2.8 a block of type ${type} is refused`, () => {
    const name = `messages: content block '${type ?? ''}'`;
    refuses('unsupported', name, () => conversationOf(user({ type })));
    refuses('unsupported', name, () =>
      conversationOf(user({ type: 'tool_result', tool_use_id: 'a', content: [{ type }] })),
    );
  });

test('2.8 what a block has beside its content is dropped by its name, or refused', () => {
  const blocks = [
    { ...words('a'), cache_control: {}, citations: [{}] },
    { ...use('a'), caller: { type: 'direct' } },
  ];
  assert.deepEqual(askOf({ messages: [assistant(...blocks)] }).dropped, [
    'messages.cache_control',
    'messages.citations',
    'messages.caller',
  ]);
  for (const block of [words('a'), image('AAAA'), use('a'), { type: 'thinking', thinking: 't' }])
    refuses('unsupported', 'messages.odd', () => conversationOf(assistant({ ...block, odd: 1 })));
  refuses('unsupported', 'messages.odd', () => conversationOf({ role: 'user', content: 'a', odd: 1 }));
});

test('2.8 a content of another type is refused', () => {
  for (const content of [1, {}, ['a']])
    refuses('invalid_parameter', 'content', () => conversationOf({ role: 'user', content }));
});
