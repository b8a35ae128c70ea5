import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { headerIn, jsonOf, textOf } from '../support/wire.ts';

const PATH = '/v1/audio/transcriptions';
const KINDS = ['ollama', 'llama-server', 'vllm', 'openai'] as const;
const HEARS = { name: 'm', capabilities: ['completion', 'audio'] } as const;
/** Bytes that are no text, and look like the end of a line or of a part. */
const SOUND = Buffer.from([0, 13, 10, 45, 45, 65, 255, 254, 13, 10, 13, 10, 45, 45]);

interface Part {
  readonly disposition: string;
  readonly value: string | Buffer;
  /** Further header lines. */
  readonly head?: string;
}

const FILE: Part = { disposition: 'name="file"; filename="a.wav"', value: SOUND, head: 'Content-Type: audio/wav\r\n' };
const MODEL: Part = { disposition: 'name="model"', value: 'm' };

function form(boundary: string, parts: readonly Part[], before = '', behind = '\r\n'): Buffer {
  const written = parts.flatMap(({ disposition, value, head = '' }) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n${head}\r\n`),
    Buffer.from(value),
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([Buffer.from(before), ...written, Buffer.from(`--${boundary}--${behind}`)]);
}

interface Case {
  readonly name: string;
  readonly body: Buffer;
  readonly type: string;
  readonly heard?: string;
}

const PLAIN = 'multipart/form-data; boundary=B';
const LONG = 'b'.repeat(70);
const CASES: readonly Case[] = [
  { name: 'the model before the file', body: form('B', [MODEL, FILE]), type: PLAIN },
  { name: 'the model behind the file', body: form('B', [FILE, MODEL]), type: PLAIN },
  {
    name: 'a quoted boundary of odd characters',
    body: form("a'()+_,-./:=? b", [FILE, MODEL]),
    type: 'multipart/form-data; boundary="a\'()+_,-./:=? b"',
  },
  {
    name: 'a boundary that begins with dashes',
    body: form('----WebKitFormBoundary7MA', [FILE, MODEL]),
    type: 'multipart/form-data; charset=utf-8; boundary=----WebKitFormBoundary7MA',
  },
  { name: 'the longest boundary', body: form(LONG, [FILE, MODEL]), type: `multipart/form-data; boundary=${LONG}` },
  {
    name: 'something before and behind the form',
    body: form('B', [FILE, MODEL], 'for old readers\r\n', '\r\nbye'),
    type: PLAIN,
  },
  { name: 'no line end behind it', body: form('B', [FILE, MODEL], '', ''), type: PLAIN },
  {
    name: 'a name beyond ASCII',
    body: form('B', [{ ...FILE, disposition: 'name="file"; filename="\u00dcn\u00ef \u97f3.wav"' }, MODEL]),
    type: PLAIN,
    heard: '\u00dcn\u00ef \u97f3.wav',
  },
  {
    name: 'a model that has a type of its own',
    body: form('B', [FILE, { ...MODEL, head: 'Content-Type: text/plain; charset=utf-8\r\n' }]),
    type: PLAIN,
  },
  {
    name: 'a file that looks like a form',
    body: form('B', [
      { ...FILE, value: '--A\r\nContent-Disposition: form-data; name="model"\r\n\r\nother\r\n--A--\r\n' },
      MODEL,
    ]),
    type: PLAIN,
  },
  {
    name: 'fields of all kinds',
    body: form('B', [
      FILE,
      MODEL,
      { disposition: 'name="language"', value: 'de' },
      { disposition: 'name="x[]"', value: '' },
      { disposition: 'name="x[]"', value: '\u00e9' },
    ]),
    type: PLAIN,
  },
];

for (const kind of KINDS) {
  describe(`2.9 a form reaches ${kind} as the client wrote it`, () => {
    for (const { name, body, type, heard = 'a.wav' } of CASES) {
      test(name, async () => {
        await using endpoint = await startSimulatedEndpoint({ kind, models: [HEARS] });
        await using router = await routerBefore([endpoint]);
        const answer = await router.ask(PATH, { headers: { 'Content-Type': type }, body });
        assert.equal(answer.status, 200, textOf(answer));
        assert.ok(jsonOf(answer).text.includes(`of ${heard}`), textOf(answer));
        const got = onlyAsked(endpoint);
        assert.ok(got.body.equals(body));
        assert.deepEqual(
          got.headers.filter(([header]) => /^content-type$/i.test(header)),
          [['Content-Type', type]],
        );
      });
    }

    test('however large the file is, with the model behind it', async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: [HEARS] });
      await using router = await routerBefore([endpoint]);
      const body = form('B', [{ ...FILE, value: Buffer.alloc(24 * 1024 * 1024, SOUND) }, MODEL]);
      const answer = await router.ask(PATH, { headers: { 'Content-Type': PLAIN }, body });
      assert.equal(answer.status, 200, textOf(answer));
      assert.ok(onlyAsked(endpoint).body.equals(body));
    });

    test("but for the model's name, where the endpoint has another one", async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, models: [HEARS] });
      await using router = await routerBefore([endpoint]);
      const name = kind === 'ollama' ? 'm:local' : 'm:latest';
      const body = form('B', [FILE, { ...MODEL, value: name }]);
      const answer = await router.ask(PATH, { headers: { 'Content-Type': PLAIN }, body });
      assert.equal(answer.status, 200, textOf(answer));
      assert.ok(onlyAsked(endpoint).body.equals(form('B', [FILE, MODEL])));
    });
  });
}

test('2.9 an answer comes as it is: text as text, JSON as JSON, a stream as a stream, a refusal as a refusal', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: [HEARS] });
  await using router = await routerBefore([endpoint]);
  for (const [status, type, said] of [
    [200, 'text/plain; charset=utf-8', 'gr\u00fc\u00df dich\n'],
    [200, 'text/vtt', 'WEBVTT\n\n'],
    [200, 'application/json', '{ "text":"a","duration":1.50,"words":[] }'],
    [200, 'text/event-stream', 'event: transcript.text.delta\ndata: {"delta":"a"}\n\n'],
    [
      400,
      'application/json',
      '{"error":{"message":"no sound","type":"invalid_request_error","param":"file","code":null}}',
    ],
  ] as const) {
    endpoint.faults.clear();
    endpoint.faults.add({ on: { method: 'POST' }, status, body: said, headers: { 'Content-Type': type } });
    const answer = await router.ask(PATH, { headers: { 'Content-Type': PLAIN }, body: form('B', [FILE, MODEL]) });
    assert.deepEqual([answer.status, headerIn(answer, 'content-type'), textOf(answer)], [status, type, said]);
  }
});

test('2.9 what is no form, or lacks what it must have, reaches nobody', async () => {
  await using endpoint = await startSimulatedEndpoint({ kind: 'openai', models: [HEARS] });
  await using router = await routerBefore([endpoint]);
  const whole = form('B', [FILE, MODEL]);
  const cases: readonly (readonly [type: string, body: string | Buffer, status: number])[] = [
    ['application/json', '{"model":"m"}', 400],
    ['multipart/form-data', whole, 400],
    [PLAIN, '', 400],
    [PLAIN, form('B', [FILE]), 400],
    [PLAIN, form('B', [MODEL]), 400],
    [PLAIN, form('B', [FILE, { ...MODEL, value: '' }]), 400],
    [PLAIN, form('B', [MODEL, FILE, MODEL]), 400],
    [PLAIN, whole.subarray(0, -6), 400],
    [PLAIN, form('B', [FILE, { ...MODEL, value: 'nope' }]), 404],
  ];
  for (const [type, body, status] of cases) {
    const answer = await router.ask(PATH, { headers: { 'Content-Type': type }, body });
    assert.deepEqual([answer.status, jsonOf(answer).error.type], [status, 'invalid_request_error']);
  }
  assert.equal(asked(endpoint).length, 0);
});
