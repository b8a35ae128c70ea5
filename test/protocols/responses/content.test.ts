import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Part } from '../../../src/domain/ask.ts';
import { messagesOf, refusalOf } from './asking.ts';

const contentOf = (...content: readonly object[]) => messagesOf({ role: 'user', content })[0]?.content;
const image = (url: string, more: object = {}) => ({ type: 'input_image', image_url: url, ...more });

for (const [part, found] of [
  [
    { type: 'input_text', text: 'é' },
    { type: 'text', text: 'é' },
  ],
  [
    { type: 'output_text', text: 'a', annotations: [], logprobs: [] },
    { type: 'text', text: 'a' },
  ],
  [
    { type: 'text', text: 'a' },
    { type: 'text', text: 'a' },
  ],
  [
    { type: 'refusal', refusal: 'no' },
    { type: 'text', text: 'no' },
  ],
  [
    image('data:image/png;base64,aGk=', { detail: 'low' }),
    { type: 'media', base64: 'aGk=', mediaType: 'image/png', detail: 'low' },
  ],
  [
    image('data:image/webp;charset=x;base64,aGk='),
    { type: 'media', base64: 'aGk=', mediaType: 'image/webp', detail: undefined },
  ],
  [image('data:;base64,aGk='), { type: 'media', base64: 'aGk=', mediaType: undefined, detail: undefined }],
  [image('https://x/y.png', { detail: 'high' }), { type: 'image-url', url: 'https://x/y.png', detail: 'high' }],
  [
    { type: 'input_audio', input_audio: { data: 'aGk=', format: 'wav' } },
    { type: 'media', base64: 'aGk=', mediaType: 'audio/wav' },
  ],
] as const satisfies readonly (readonly [object, Part])[]) {
  test(`a part is read: ${JSON.stringify(part)}`, () => {
    assert.deepEqual(contentOf(part), [found]);
  });
}

test('parts keep their order, and empty texts are none', () => {
  const found = contentOf({ type: 'input_text', text: 'a' }, image('data:;base64,AA=='), {
    type: 'input_text',
    text: '',
  });
  assert.deepEqual(
    found?.map(({ type }) => type),
    ['text', 'media'],
  );
});

test('an image of many megabytes is read', () => {
  const base64 = 'A'.repeat(12 * 1024 * 1024);
  const [part] = contentOf(image(`data:image/png;base64,${base64}`)) ?? [];
  assert.ok(part?.type === 'media' && part.base64 === base64);
});

test('a tool may answer in parts; its images follow all results, as tool messages carry text alone', () => {
  const output = [{ type: 'input_text', text: 'see' }, image('data:image/png;base64,aGk=')];
  const found = messagesOf(
    { type: 'function_call_output', call_id: 'a', output },
    { type: 'function_call_output', call_id: 'b', output: 'done' },
  );
  assert.deepEqual(
    found.map(({ role, content }) => [role, content.map(({ type }) => type)]),
    [
      ['tool', ['text']],
      ['tool', ['text']],
      ['user', ['media']],
    ],
  );
});

for (const [part, code] of [
  [{ type: 'input_file', file_id: 'f' }, 'unsupported'],
  [{ type: 'input_image', file_id: 'f' }, 'unsupported'],
  [image('/etc/passwd'), 'invalid_parameter'],
  [image('file:///etc/passwd'), 'invalid_parameter'],
  [image('data:image/png,aGk='), 'invalid_parameter'],
  [image('data:image/png;base64,../etc'), 'invalid_parameter'],
  [image('data:image/png;base64,'), 'invalid_parameter'],
  [{ type: 'input_image' }, 'invalid_parameter'],
  [{ type: 'input_audio' }, 'invalid_parameter'],
  [{ type: 'film' }, 'invalid_parameter'],
  [{ text: 'x' }, 'invalid_parameter'],
] as const) {
  test(`a part is refused: ${JSON.stringify(part)}`, () => {
    const [found, param, text] = refusalOf({ input: [{ role: 'user', content: [part] }] });
    assert.deepEqual([found, param], [code, 'input[0]']);
    assert.match(text, /^input\[0\]: /);
  });
}
