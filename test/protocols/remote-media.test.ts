import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { splice } from '../../src/protocols/json/splice.ts';
import { remoteMedia } from '../../src/protocols/remote-media.ts';

const URL_ = 'http://169.254.169.254/latest?a="ü"\\';
const bodyOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
const shown = (content: unknown, role = 'user') => ({ messages: [{ role, content }] });
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
/** The addresses in a body, those that only can be refused with a mark. */
const found = (body: unknown) => remoteMedia(bodyOf(body)).map(({ url, isImage }) => (isImage ? url : `! ${url}`));

describe('an address is found', () => {
  for (const [name, body] of [
    ['in a chat', shown([image(URL_)])],
    ['as a text', shown([{ type: 'image_url', image_url: URL_ }])],
    ['without a type, as vLLM takes it', shown([{ image_url: URL_ }])],
    ['beside its type', shown([{ type: 'image_url', url: URL_ }])],
    ['in a response', { input: [{ role: 'user', content: [{ type: 'input_image', image_url: URL_ }] }] }],
    [
      'in what a function gave back',
      { input: [{ type: 'function_call_output', output: [{ type: 'input_image', image_url: URL_ }] }] },
    ],
    ["in Anthropic's words", shown([{ type: 'image', source: { type: 'url', url: URL_ } }])],
    [
      'in what a tool gave back',
      shown([{ type: 'tool_result', content: [{ type: 'image', source: { type: 'url', url: URL_ } }] }]),
    ],
    ['in a tool message', shown([image(URL_)], 'tool')],
    ['in what shall be ranked', { query: 'q', documents: [{ content: [image(URL_)] }] }],
    ['in what is asked', { query: { content: [image(URL_)] }, documents: ['a'] }],
    ['in a prompt', { prompt: [{ type: 'image_url', image_url: URL_ }] }],
  ] as const) {
    test(name, () => assert.deepEqual(found(body), [URL_]));
  }

  for (const [name, body] of [
    ['of a film', shown([{ type: 'video_url', video_url: { url: URL_ } }])],
    ['of a sound', shown([{ type: 'audio_url', audio_url: { url: URL_ } }])],
    ['of a file', { input: [{ role: 'user', content: [{ type: 'input_file', file_url: URL_ }] }] }],
    ["of a document, in Anthropic's words", shown([{ type: 'document', source: { type: 'url', url: URL_ } }])],
    ['of some other kind', shown([{ type: 'x', x_url: URL_ }])],
    ['one in another', shown([{ type: 'image_url', image_url: { url: { url: URL_ } } }])],
  ] as const) {
    test(`${name}, which can only be refused`, () => assert.deepEqual(found(body), [`! ${URL_}`]));
  }

  for (const url of [
    'https://a/b.png',
    'HTTP://a',
    '  http://a',
    '\t\nhttp://a',
    '\u00a0\ufeffhttp://a',
    'file:///etc/passwd',
    'FiLe:/etc/passwd',
    '/etc/passwd',
    'etc/passwd',
    '../../x.png',
    'C:\\x.png',
    'ftp://a',
    's3://a/b',
    '//a/b',
    'a.png',
    '',
    'http',
    'AAAA',
    `http://a/${'x'.repeat(300)}`,
    `data${' '.repeat(300)}:`,
    'da\nta:image/png;base64,AAAA',
  ]) {
    const name = url.length > 40 ? `${url.slice(0, 20)}... of ${url.length} characters` : JSON.stringify(url);
    test(`written ${name}`, () => assert.deepEqual(found(shown([image(url)])), [url]));
  }

  for (const svg of ['data:image/svg+xml;base64,AAAA', ' DATA:Image/SVG+xml,<svg/>', 'data:image/svg,x']) {
    test(`and so is a picture that is a program: ${svg}`, () =>
      assert.deepEqual(found(shown([image(svg)])), [`! ${svg}`]));
  }

  for (const [name, body] of [
    [
      'escapes in its keys',
      '{"m\\u0065ssages":[{"content":[{"\\u0069mage_\\u0075rl":{"u\\u0072l":"http:\\/\\/a"}}]}]}',
    ],
    ['no letter of url left', '{"messages":[{"content":[{"image_\\u0075\\u0072\\u006C":"http:\\/\\/a"}]}]}'],
    ['its root twice', '{"messages":[],"messages":[{"content":[{"image_url":"http://a"}]}]}'],
    ['its key twice', '{"messages":[{"content":[{"image_url":"data:image/png;base64,AA","image_url":"http://a"}]}]}'],
    ['its url twice', '{"messages":[{"content":[{"image_url":{"url":"data:image/png,A","url":"http://a"}}]}]}'],
    ['an escape in its type', '{"messages":[{"content":[{"type":"image\\u005furl","url":"http://a"}]}]}'],
    ['white space everywhere', '{ "messages" :\n[ {"content"\t: [ { "image_url" : { "url"\r: "http://a" } } ] } ] }'],
  ] as const) {
    test(`with ${name}`, () => assert.deepEqual(found(body), ['http://a']));
  }

  test('below the deepest nesting that is read', () => {
    const nested = `{"messages":${'['.repeat(900)}{"image_url":"http://a"}${']'.repeat(900)}}`;
    assert.deepEqual(found(nested), ['http://a']);
  });

  test('also beside a decoy, which is what another reader may look at', () => {
    const inner = { type: 'image', source: { type: 'url', url: URL_ } };
    for (const url of ['data:image/png;base64,AAAA', 'https://allowed.example/a.png']) {
      const source = { type: 'content', url, content: [inner] };
      assert.ok(found(shown([{ type: 'document', source }])).includes(URL_), 'in a document, which is what it holds');
    }
    const both = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA', image_url: URL_ } };
    assert.ok(found(shown([both])).some((url) => url.endsWith(URL_)));
  });
});

describe('nothing is found', () => {
  const png = `data:image/png;base64,${'A'.repeat(100)}`;
  const call = { name: 'fetch', arguments: '{"url":"http://a","image_url":{"url":"http://a"}}' };
  for (const [name, body] of [
    ['in texts', shown(`see ${URL_}, "image_url": {"url": "${URL_}"}`)],
    ['in parts of text', shown([{ type: 'text', text: `{"url":"${URL_}"}` }])],
    [
      'in images that are there themselves',
      shown([image(png), image(` ${png}`), image(png.toUpperCase()), image('A'.repeat(64))]),
    ],
    [
      "in Anthropic's own images",
      shown([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'url' } }]),
    ],
    [
      "in a tool's input",
      shown(
        [
          {
            type: 'tool_use',
            id: 't',
            name: 'x',
            input: { url: URL_, image_url: { url: URL_ }, source: { url: URL_ } },
          },
        ],
        'assistant',
      ),
    ],
    [
      'in arguments that are a text',
      { messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: call }] }] },
    ],
    [
      'in arguments that are an object',
      {
        messages: [
          { role: 'assistant', tool_calls: [{ function: { name: 'x', arguments: { url: URL_, image_url: URL_ } } }] },
        ],
      },
    ],
    ['in a call of a response', { input: [{ type: 'function_call', call_id: 'c', ...call }] }],
    ['in the result of a tool', { messages: [{ role: 'tool', content: `{"image_url":"${URL_}"}` }] }],
    [
      'in annotations',
      {
        messages: [
          { role: 'assistant', content: 'a', annotations: [{ type: 'url_citation', url_citation: { url: URL_ } }] },
        ],
      },
    ],
    [
      'in annotations of a response',
      {
        input: [
          {
            role: 'assistant',
            content: [{ type: 'output_text', text: 'a', annotations: [{ type: 'url_citation', url: URL_ }] }],
          },
        ],
      },
    ],
    [
      'in what was searched',
      { input: [{ type: 'web_search_call', action: { type: 'search', sources: [{ type: 'url', url: URL_ }] } }] },
    ],
    ["in a citation's source", shown([{ type: 'search_result', source: URL_, title: 'url', content: [] }])],
    [
      'in the schema of a tool',
      {
        messages: [],
        tools: [{ type: 'function', function: { name: 'x', parameters: { properties: { url: { type: 'string' } } } } }],
      },
    ],
    [
      'in tools that were found',
      { input: [{ type: 'tool_search_output', tools: [{ type: 'mcp', server_url: URL_ }] }] },
    ],
    [
      'in a schema in the conversation',
      { input: [{ type: 'mcp_list_tools', tools: [{ input_schema: { properties: { url: { default: URL_ } } } }] }] },
    ],
    [
      'elsewhere in the request',
      { ...shown('a'), metadata: { url: URL_ }, webhook_url: URL_, response_format: { url: URL_ } },
    ],
    ['in no request at all', '{"url":1}'],
  ] as const) {
    test(name, () => assert.deepEqual(found(body), []));
  }
});

test('what cannot be read is the client’s fault, and an address that cannot be read may be any', () => {
  const key = `{"messages":[{"content":"url","${'k'.repeat(70)}\\x":1}]}`;
  assert.throws(() => remoteMedia(bodyOf(key)), { code: 'invalid_json' });
  assert.equal(found(`{"messages":[{"content":[{"image_url":"${'k'.repeat(70)}\\x"}]}]}`).length, 1);
});

test('a part that says who speaks is still a part', () => {
  assert.deepEqual(found(shown([{ role: 'user', type: 'image_url', image_url: URL_ }])), [URL_]);
});

/** A part of a request with the addresses that an endpoint would fetch. */
interface Planted {
  readonly json: unknown;
  readonly urls: readonly string[];
}

const word = fc.stringMatching(/^[a-z]{1,6}$/);
const address = fc
  .tuple(fc.constantFrom('http://', ' HTTPS://', 'file:///', '/', '\n//'), fc.uuid(), fc.string({ unit: 'binary' }))
  .map(([scheme, id, tail]) => `${scheme}${id}.${tail}`);
const plain = (json: unknown): Planted => ({ json, urls: [] });

const media: fc.Arbitrary<Planted> = address.chain((url) =>
  fc.constantFrom<Planted>(
    { json: image(url), urls: [url] },
    { json: { type: 'input_image', image_url: url }, urls: [url] },
    { json: { detail: 'low', image_url: { detail: 'low', url } }, urls: [url] },
    { json: { type: 'video_url', video_url: { url } }, urls: [`! ${url}`] },
    { json: { type: 'input_file', file_url: url }, urls: [`! ${url}`] },
    { json: { source: { type: 'url', url }, type: 'image' }, urls: [url] },
    plain({ type: 'text', text: `see ${url}` }),
    plain({ type: 'tool_use', id: 't', input: { url, image_url: { url } } }),
    plain({ function: { arguments: { url, deep: [{ image_url: url }] } } }),
    plain({ type: 'output_text', text: url, annotations: [{ url }] }),
    plain(image(`data:image/png;base64,${Buffer.from(url).toString('base64')}`)),
  ),
);

const { nested } = fc.letrec<{ nested: Planted; several: Planted }>((tie) => ({
  several: fc.array(tie('nested'), { maxLength: 4 }).map((parts) => ({
    json: parts.map(({ json }) => json),
    urls: parts.flatMap(({ urls }) => urls),
  })),
  nested: fc.oneof(
    { maxDepth: 4 },
    media,
    tie('several'),
    fc
      .tuple(fc.constantFrom('content', 'output', 'role', 'x'), word, tie('several'))
      .map(([key, type, { json, urls }]) => ({
        json: { type, [key]: json, n: 1.5 },
        urls,
      })),
  ),
}));

/** JSON in which any character of any text may be written as an escape, with white space between. */
function writtenOddly(json: unknown, odd: () => number): string {
  return JSON.stringify(json, undefined, odd() % 3).replace(/"(?:[^"\\]|\\.)*"/g, (string) =>
    string.replace(/\\u[\da-f]{4}|\\.|[a-z:/_]/g, (character) =>
      character.startsWith('\\') || odd() % 4 !== 0
        ? character
        : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );
}

test('in random nesting, however it is written, every address is found and nothing else, and an image can take its place', () => {
  const roots = fc.constantFrom('messages', 'input', 'documents', 'prompt');
  fc.assert(
    fc.property(roots, fc.array(nested, { maxLength: 4 }), fc.integer(), (root, parts, seed) => {
      let state = seed;
      const odd = () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
        return state >> 16;
      };
      const json = { model: 'm', url: 'http://elsewhere', [root]: parts.map((part) => part.json), seed: 1 };
      const body = Buffer.from(writtenOddly(json, odd));
      assert.deepEqual(JSON.parse(body.toString()), JSON.parse(JSON.stringify(json)), 'the test writes JSON');
      const media = remoteMedia(body);
      assert.deepEqual(
        media.map(({ url, isImage }) => (isImage ? url : `! ${url}`)),
        parts.flatMap(({ urls }) => urls),
      );

      const images = media.filter(({ isImage }) => isImage);
      const inlined = splice(
        body,
        images.map(({ inline }) => inline('image/png', 'QUJD')),
      );
      const urls = new Set(images.map(({ url }) => url));
      const expected = JSON.parse(body.toString(), (key, value) => {
        if (key === 'source' && urls.has(value.url)) return { type: 'base64', media_type: 'image/png', data: 'QUJD' };
        const holds = key === 'image_url' && (urls.has(value) || urls.has(value.url));
        if (!holds) return value;
        return typeof value === 'string'
          ? 'data:image/png;base64,QUJD'
          : { ...value, url: 'data:image/png;base64,QUJD' };
      });
      // What a tool was given stays what it was.
      const differs = JSON.stringify(json).includes('"input":') || JSON.stringify(json).includes('"arguments":');
      if (!differs) assert.deepEqual(JSON.parse(inlined.toString()), expected);
      assert.deepEqual(
        remoteMedia(inlined).filter(({ isImage }) => isImage),
        [],
      );
    }),
    { numRuns: 400 },
  );
});
