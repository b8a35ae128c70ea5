import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { Listing } from '../../../src/domain/model.ts';
import { psEntries, showAnswer, tagsEntries } from '../../../src/protocols/ollama/lists.ts';
import { endpointOf, listingOf, modelOf } from '../../support/listings.ts';

const DIGEST = 'a'.repeat(64);
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

const meta = { n_params: 8_030_261_248, size: 4_912_898_304, ftype: 'Q4_K - Medium', n_ctx: 8192, n_embd: 4096 };
const item = { id: 'qwen', object: 'model', created: 1_780_000_000, owned_by: 'llamacpp', meta };
const props = {
  chat_template: '{% if enable_thinking %}<think>{% endif %}',
  modalities: { vision: true, audio: false },
  chat_template_caps: { supports_tools: true },
};
const llama = listingOf('llama-server', 'qwen', { item, props, contextLength: 8192 });

function ollamaListing(name: string, tags: JsonObject, more: Partial<Listing['model']> = {}): Listing {
  return listingOf('ollama', name, { tags: { name, model: name, ...tags }, ...more });
}

/** What strict clients insist on, by `ux.md` R7: true, or the fault. */
function assertStrict(entry: JsonObject | undefined, time: string): void {
  assert.ok(entry !== undefined);
  const details = entry['details'] as JsonObject;
  for (const key of ['name', 'model']) assert.equal(typeof entry[key], 'string', key);
  assert.match(String(entry[time]), RFC3339);
  assert.ok(!Number.isNaN(Date.parse(String(entry[time]))), String(entry[time]));
  assert.ok(Number.isSafeInteger(entry['size']) && Number(entry['size']) >= 0);
  assert.match(String(entry['digest']), /^[0-9a-f]{64}$/i);
  for (const key of ['parent_model', 'format', 'family', 'parameter_size', 'quantization_level'])
    assert.equal(typeof details[key], 'string', `details.${key}`);
  assert.ok(Array.isArray(details['families']));
}

const ODD: readonly Listing[] = [
  llama,
  listingOf('llama-server', '/models/some.gguf'),
  listingOf('llama-server', 'x', { item: { id: 'x', meta: null, created: 1e15 } }),
  listingOf('vllm', 'org/model', { item: { id: 'org/model', created: 1_780_000_000.5, max_model_len: 4096 } }),
  listingOf('openai', 'gpt-4o', { item: { id: 'gpt-4o', created: -1 } }),
  ollamaListing('a:latest', {}),
  ollamaListing('b:latest', { modified_at: 'yesterday', size: 'big', digest: '', details: null }),
  ollamaListing('c:latest', { modified_at: '', digest: 'abc', details: { families: null, parent_model: null } }),
  ollamaListing('d:latest', {
    size: 1.5,
    digest: `sha256:${DIGEST}`,
    details: { families: ['x'], format: 'safetensors' },
  }),
];

test('R7 every entry of tags is complete, whatever the endpoint leaves out', () => {
  assert.equal(tagsEntries(ODD).length, ODD.length);
  for (const entry of tagsEntries(ODD)) assertStrict(entry, 'modified_at');
});

test('R9 every row of ps is complete, whatever the endpoint leaves out', () => {
  const rows = psEntries(
    ODD.map(({ endpoint, model }) => ({ endpoint, model: { ...model, ...(model.tags && { ps: model.tags }) } })),
  );
  assert.equal(rows.length, ODD.length - 1, 'all but the hosted service');
  for (const row of rows) {
    assertStrict(row, 'expires_at');
    assert.ok(Number.isSafeInteger(row['size_vram']) && Number.isSafeInteger(row['context_length']));
  }
});

test("1.5 an Ollama server's entries keep what they have, fields unknown to the router too", () => {
  const tags = {
    modified_at: '2026-08-01T10:00:00.123456789+02:00',
    size: 5,
    digest: DIGEST,
    details: {
      parent_model: '',
      format: 'gguf',
      family: 'f',
      families: ['f'],
      parameter_size: '8B',
      quantization_level: 'Q4',
      context_length: 9,
    },
    capabilities: ['completion'],
    future: { x: [1] },
  };
  assert.deepEqual(tagsEntries([ollamaListing('a:latest', tags)]), [{ name: 'a:latest', model: 'a:latest', ...tags }]);
  const ps = {
    ...tags,
    name: 'a:latest',
    model: 'a:latest',
    expires_at: '2318-01-01T00:00:00+01:00',
    size_vram: 4,
    context_length: 7,
  };
  assert.deepEqual(psEntries([ollamaListing('a:latest', tags, { ps })]), [ps]);
});

test('4.9 a model of llama-server becomes an entry of tags', () => {
  assert.deepEqual(
    tagsEntries([llama]).map(({ digest, ...entry }) => entry),
    [
      {
        name: 'qwen:latest',
        model: 'qwen:latest',
        modified_at: new Date(1_780_000_000_000).toISOString(),
        size: meta.size,
        details: {
          parent_model: '',
          format: 'gguf',
          family: '',
          families: [],
          parameter_size: '8.0B',
          quantization_level: 'Q4_K - Medium',
          context_length: 8192,
        },
        capabilities: ['completion', 'vision', 'tools', 'thinking'],
      },
    ],
  );
});

for (const [kind, id, name] of [
  ['llama-server', 'qwen', 'qwen:latest'],
  ['llama-server', 'org/qwen:Q4_K_M', 'org/qwen:Q4_K_M'],
  ['llama-server', 'reg:1/qwen', 'reg:1/qwen:latest'],
  ['vllm', 'org/model', 'org/model'],
  ['openai', 'gpt-4o', 'gpt-4o'],
] as const) {
  test(`4.9 ${id} of ${kind} is called ${name}`, () =>
    assert.equal(tagsEntries([listingOf(kind, id)])[0]?.['name'], name));
}

test('4.9 sizes and quantizations are read from what there is', () => {
  const details = (id: string, n_params?: number) =>
    tagsEntries([listingOf('llama-server', id, { item: { meta: { n_params } } })])[0]?.['details'] as JsonObject;
  assert.deepEqual(
    [8.03e9, 1.1e8, 2.6e5].map((n) => details('x', n)['parameter_size']),
    ['8.0B', '110.00M', '260.00K'],
  );
  assert.deepEqual(
    ['o/m:Q4_K_M', 'o/m:iq2_xs', 'o/m:F16', 'o/m:latest', 'o/m'].map((id) => details(id)['quantization_level']),
    ['Q4_K_M', 'iq2_xs', 'F16', '', ''],
  );
});

test('1.5 the union has each name once, the newest where endpoints differ, newest first', () => {
  const at = (name: string, modified_at: string, digest = DIGEST) => ollamaListing(name, { modified_at, digest });
  const entries = tagsEntries([
    at('old:latest', '2024-01-01T00:00:00Z'),
    at('a:latest', '2026-01-01T10:00:00Z', 'b'.repeat(64)),
    at('A:latest', '2026-01-01T12:30:00.5+02:00', 'c'.repeat(64)),
    at('new:latest', '2026-06-01T00:00:00-07:00'),
  ]);
  assert.deepEqual(
    entries.map(({ name, digest }) => [name, String(digest)[0]]),
    [
      ['new:latest', 'a'],
      ['A:latest', 'c'],
      ['old:latest', 'a'],
    ],
  );
});

test('1.5 ps has a row per name and digest, with the latest expiry, the latest first', () => {
  const row = (name: string, digest: string, expires_at: string) => {
    const digests = digest.repeat(64);
    return ollamaListing(name, { digest: digests }, { ps: { name, digest: digests, expires_at } });
  };
  const rows = psEntries([
    row('a:latest', 'a', '2026-01-01T00:00:00Z'),
    row('a:latest', 'a', '2026-01-01T00:05:00Z'),
    row('a:latest', 'b', '2026-01-01T00:01:00Z'),
    row('z:latest', 'a', '2318-01-01T00:00:00Z'),
  ]);
  assert.deepEqual(
    rows.map(({ name, digest, expires_at }) => [name, String(digest)[0], expires_at]),
    [
      ['z:latest', 'a', '2318-01-01T00:00:00Z'],
      ['a:latest', 'a', '2026-01-01T00:05:00Z'],
      ['a:latest', 'b', '2026-01-01T00:01:00Z'],
    ],
  );
});

test('1.5 ps leaves out what is not in memory, what the endpoint has not described yet, and hosted services', () => {
  assert.deepEqual(
    psEntries([
      listingOf('llama-server', 'asleep', { loaded: false }),
      ollamaListing('just-loaded:latest', {}),
      listingOf('openai', 'gpt-4o'),
    ]),
    [],
  );
  assert.deepEqual(
    psEntries([llama, listingOf('vllm', 'v')])
      .map((row) => row['name'])
      .sort(),
    ['qwen:latest', 'v'],
  );
});

test('4.9 show is made up with all that clients read', () => {
  const answer = showAnswer(llama);
  assert.deepEqual(answer['model_info'], {
    'general.architecture': 'llama',
    'general.basename': 'qwen',
    'general.parameter_count': meta.n_params,
    'llama.context_length': 8192,
    'llama.embedding_length': 4096,
  });
  const { template, parameters, license, modelfile, capabilities, modified_at } = answer;
  assert.deepEqual([template, parameters, license, modelfile], [props.chat_template, '', '', '# synthesized']);
  assert.deepEqual(capabilities, ['completion', 'vision', 'tools', 'thinking']);
  assert.match(String(modified_at), RFC3339);
});

test('1.5 show has details and model_info even where nothing is known', () => {
  const answer = showAnswer(listingOf('openai', 'gpt-4o'));
  assert.deepEqual(answer['model_info'], { 'general.architecture': 'llama', 'general.basename': 'gpt-4o' });
  assert.equal((answer['details'] as JsonObject)['format'], '');
  assert.deepEqual(answer['capabilities'], ['completion', 'tools']);
});

test('4.9 an embedding model can embed and nothing else', () => {
  assert.deepEqual(showAnswer(listingOf('vllm', 'nomic-embed-text'))['capabilities'], ['embedding']);
});

test('a digest made up is the same at each endpoint of a kind and for no other model', () => {
  const digest = (listing: Listing) => tagsEntries([listing])[0]?.['digest'];
  const elsewhere = { endpoint: endpointOf('llama-server', { name: 'other' }), model: modelOf('qwen') };
  assert.equal(digest(llama), digest(elsewhere));
  assert.notEqual(digest(llama), digest(listingOf('llama-server', 'qwen2')));
  assert.notEqual(digest(llama), digest(listingOf('vllm', 'qwen')));
});
