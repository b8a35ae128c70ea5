import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Endpoint } from '../../src/domain/endpoint.ts';
import type { ListedModel } from '../../src/domain/model.ts';
import { Catalog } from '../../src/routing/catalog.ts';
import { endpointOf, modelOf } from '../support/listings.ts';

const ollama = endpointOf('ollama');
const llama = endpointOf('llama-server');
const openai = endpointOf('openai');

function found(catalog: Catalog, endpoint: Endpoint, ...models: readonly (string | ListedModel)[]): void {
  catalog.found(endpoint, {
    version: '1',
    models: models.map((model) => (typeof model === 'string' ? modelOf(model) : model)),
  });
}

/** Where a name is available and where it is out of reach, by the endpoints' names. */
function where(catalog: Catalog, name: string): [string[], string[]] {
  const { available, unreachable } = catalog.lookup(name);
  return [available.map(({ endpoint, model }) => `${endpoint.name} ${model.id}`), unreachable.map((e) => e.name)];
}

const named = new Catalog([ollama, llama, openai]);
found(named, ollama, 'Llama3:latest', 'qwen3:8b', 'hf.co/org/repo:Q8_0', 'gpt-oss:20b-cloud');
found(named, llama, modelOf('Qwen/Qwen3', { aliases: ['gpt-4', 'qwen3'] }), 'other:latest', 'x:latest:y');
found(named, openai, 'gpt-4o', 'qwen3');

for (const [name, ...at] of [
  ['llama3', 'ollama Llama3:latest'],
  ['LLAMA3:Latest', 'ollama Llama3:latest'],
  ['library/llama3', 'ollama Llama3:latest'],
  ['registry.ollama.ai/library/llama3:latest', 'ollama Llama3:latest'],
  ['llama3:local', 'ollama Llama3:latest'],
  ['qwen3:8b:local', 'ollama qwen3:8b'],
  ['HF.co/org/repo:q8_0', 'ollama hf.co/org/repo:Q8_0'],
  ['gpt-oss:20b-cloud', 'ollama gpt-oss:20b-cloud'],
  ['gpt-oss:20b:cloud', 'ollama gpt-oss:20b-cloud'],
  ['Qwen/Qwen3', 'llama-server Qwen/Qwen3'],
  ['Qwen/Qwen3:latest', 'llama-server Qwen/Qwen3'],
  ['qwen/qwen3'],
  ['gpt-4', 'llama-server Qwen/Qwen3'],
  ['gpt-4:latest', 'llama-server Qwen/Qwen3'],
  ['gpt-4o', 'openai gpt-4o'],
  ['gpt-4o:latest', 'openai gpt-4o'],
  ['GPT-4o'],
  ['qwen3', 'llama-server Qwen/Qwen3', 'openai qwen3'],
  ['other:latest', 'llama-server other:latest'],
  ['other'],
  ['x:latest:y', 'llama-server x:latest:y'],
  ['x:y'],
  ['llama3:7b'],
  [''],
  ['no such model'],
] as const) {
  test(`1.3 "${name}" is ${at.length === 0 ? 'nowhere' : `at ${at.join(' and ')}`}`, () => {
    assert.deepEqual(where(named, name), [at, []]);
    assert.deepEqual(where(named, name), [at, []], 'and a second time');
  });
}

test('an id counts before an alias of the same name', () => {
  const catalog = new Catalog([llama]);
  found(catalog, llama, modelOf('a', { aliases: ['b'] }), 'b');
  assert.deepEqual(where(catalog, 'b')[0], ['llama-server b']);
});

test('before the first probe a model is unknown and the endpoint is too', () => {
  const catalog = new Catalog([ollama]);
  assert.deepEqual(where(catalog, 'a'), [[], []]);
  assert.equal(catalog.state(ollama).health, 'unknown');
  assert.equal(catalog.settled, false);
});

test('the models of an unreachable endpoint are unavailable, not unknown, and come back with it', () => {
  const catalog = new Catalog([ollama, llama]);
  found(catalog, ollama, 'a:latest');
  found(catalog, llama, 'a');
  catalog.failed(ollama, 'refused', false);
  assert.deepEqual(where(catalog, 'a'), [['llama-server a'], ['ollama']]);
  assert.deepEqual(
    catalog.listings().map(({ endpoint }) => endpoint.name),
    ['llama-server'],
  );
  assert.deepEqual([catalog.state(ollama).health, catalog.state(ollama).detail], ['unreachable', 'refused']);
  found(catalog, ollama, 'b:latest');
  assert.deepEqual(
    [where(catalog, 'a'), where(catalog, 'b')],
    [
      [['llama-server a'], []],
      [['ollama b:latest'], []],
    ],
  );
  assert.deepEqual([catalog.state(ollama).health, catalog.state(ollama).detail], ['healthy', undefined]);
});

test('a healthy endpoint may miss one probe, not two in a row', () => {
  const catalog = new Catalog([ollama]);
  const health = (step: () => void) => {
    step();
    return catalog.state(ollama).health;
  };
  const timeout = () => catalog.failed(ollama, 'timeout', true);
  const success = () => found(catalog, ollama, 'a');
  const refused = () => catalog.failed(ollama, 'refused', false);
  assert.deepEqual(
    [timeout, success, timeout, success, timeout, timeout, timeout, success, refused, timeout].map(health),
    [
      'unreachable',
      'healthy',
      'healthy',
      'healthy',
      'healthy',
      'unreachable',
      'unreachable',
      'healthy',
      'unreachable',
      'unreachable',
    ],
  );
});

test('an endpoint serves the models of its allow-list and no others', () => {
  const [some, tagged] = [
    endpointOf('openai', { models: ['a', 'alias'] }),
    endpointOf('ollama', { models: ['Llama3', 'x:1'] }),
  ];
  const catalog = new Catalog([some, tagged]);
  found(catalog, some, 'a', 'b', modelOf('c', { aliases: ['alias'] }));
  found(catalog, tagged, 'llama3:latest', 'x:1', 'x:2');
  assert.deepEqual(
    catalog.listings().map(({ model }) => model.id),
    ['a', 'c', 'llama3:latest', 'x:1'],
  );
  assert.deepEqual(where(catalog, 'b'), [[], []]);
});

test('1.3 a cloud name goes to the endpoints that are signed in, also where another merely lists it', () => {
  const signedIn = endpointOf('ollama', { name: 'signed-in', cloud: true });
  const catalog = new Catalog([ollama, signedIn]);
  assert.deepEqual(where(catalog, 'kimi:cloud'), [[], ['signed-in']]);
  found(catalog, ollama, 'listed:cloud');
  found(catalog, signedIn);
  assert.deepEqual(where(catalog, 'kimi:cloud'), [['signed-in kimi:cloud'], []]);
  assert.deepEqual(where(catalog, 'Kimi:1T-Cloud'), [['signed-in kimi:1t-cloud'], []]);
  assert.deepEqual(where(catalog, 'listed:cloud'), [['signed-in listed:cloud'], []]);
  assert.deepEqual(where(catalog, 'kimi'), [[], []]);
  catalog.failed(signedIn, 'gone', false);
  assert.deepEqual(where(catalog, 'kimi:cloud'), [[], ['signed-in']]);
});

test('an allow-list holds for cloud names too', () => {
  const signedIn = endpointOf('ollama', { cloud: true, models: ['kimi:cloud'] });
  const catalog = new Catalog([signedIn]);
  found(catalog, signedIn);
  assert.deepEqual(where(catalog, 'Kimi:cloud')[0], ['ollama kimi:cloud']);
  assert.deepEqual(where(catalog, 'gpt-oss:120b-cloud'), [[], []]);
});

test('a model that answered is in memory before the next probe says so', () => {
  const catalog = new Catalog([ollama]);
  found(catalog, ollama, modelOf('a', { loaded: false }), modelOf('b', { loaded: false }));
  assert.equal(catalog.lookup('a').available[0]?.model.loaded, false);
  catalog.loaded(ollama, 'a');
  assert.deepEqual(
    catalog.listings().map(({ model }) => model.loaded),
    [true, false],
  );
  assert.equal(catalog.lookup('a').available[0]?.model.loaded, true);
  catalog.loaded(ollama, 'unknown');
  catalog.loaded(llama, 'a');
  assert.equal(catalog.listings().length, 2);
});

test('a lookup is not asked twice between probes, and forgotten after one', () => {
  const catalog = new Catalog([ollama]);
  found(catalog, ollama, 'a');
  const first = catalog.lookup('a');
  assert.equal(catalog.lookup('a'), first);
  found(catalog, ollama, 'a');
  assert.notEqual(catalog.lookup('a'), first);
});

test('a name that nobody has is not remembered', () => {
  const catalog = new Catalog([ollama]);
  found(catalog, ollama, 'a');
  assert.notEqual(catalog.lookup('b'), catalog.lookup('b'));
});

test('names that clients make up are not remembered without end', () => {
  const signedIn = endpointOf('ollama', { cloud: true });
  const catalog = new Catalog([signedIn]);
  found(catalog, signedIn);
  const first = catalog.lookup('0:cloud');
  for (let i = 1; i < 10_000; i++) catalog.lookup(`${i}:cloud`);
  assert.notEqual(catalog.lookup('0:cloud'), first, 'the oldest is forgotten');
});

test('who waits is told as soon as what it waits for is known, or that its time is over', async () => {
  const catalog = new Catalog([ollama, llama]);
  const settled = catalog.until(() => catalog.settled, 60_000);
  const known = catalog.until(() => catalog.lookup('a').available.length > 0, 60_000);
  found(catalog, ollama, 'a');
  await known;
  assert.equal(catalog.settled, false);
  await catalog.until(() => catalog.settled, 1);
  assert.equal(catalog.settled, false);
  catalog.failed(llama, 'refused', false);
  await settled;
  await catalog.until(() => true, 60_000);
});

test('a model is told as it was last seen, reachable or not', () => {
  const catalog = new Catalog([ollama]);
  found(catalog, ollama, 'a');
  catalog.failed(ollama, 'gone', false);
  assert.equal(catalog.model(ollama, 'a')?.id, 'a');
  assert.equal(catalog.model(ollama, 'b'), undefined);
  assert.equal(catalog.model(llama, 'a'), undefined);
});

describe("llama-server's models answer to short names", () => {
  const [hub, other] = [endpointOf('llama-server', { name: 'hub' }), endpointOf('vllm', { name: 'other' })];
  const catalog = new Catalog([hub, other, ollama, openai]);
  found(
    catalog,
    hub,
    'ggml-org/gemma-3-4b-it-GGUF:Q4_K_M',
    'a/twin-GGUF:Q4_K_M',
    'a/twin-GGUF:Q8_0',
    'b/same-GGUF:Q8_0',
    'c/same-GGUF:Q8_0',
    modelOf('d/taken-GGUF:Q8_0', { aliases: ['mine'] }),
    modelOf('e/alias', { aliases: ['taken-GGUF'] }),
    '/models/tiny.gguf',
  );
  found(catalog, other, 'org/served-GGUF:Q8_0');
  found(catalog, ollama, 'hf.co/x/pulled-GGUF:Q4_K_M');
  found(catalog, openai, 'y/remote-GGUF:Q4_K_M');

  const GEMMA = 'hub ggml-org/gemma-3-4b-it-GGUF:Q4_K_M';
  for (const [name, at] of [
    ['ggml-org/gemma-3-4b-it-GGUF:Q4_K_M', GEMMA],
    ['ggml-org/gemma-3-4b-it-GGUF:q4_k_m', GEMMA],
    ['hf.co/ggml-org/gemma-3-4b-it-GGUF:Q4_K_M', GEMMA],
    ['https://huggingface.co/ggml-org/gemma-3-4b-it-GGUF', GEMMA],
    ['ggml-org/gemma-3-4b-it-GGUF', GEMMA],
    ['gemma-3-4b-it-GGUF:Q4_K_M', GEMMA],
    ['gemma-3-4b-it-GGUF:q4_k_m', GEMMA],
    ['gemma-3-4b-it-GGUF', GEMMA],
    ['gemma-3-4b-it-GGUF:latest', GEMMA],
    ['tiny', 'hub /models/tiny.gguf'],
    ['tiny.gguf', 'hub /models/tiny.gguf'],
    ['mine', 'hub d/taken-GGUF:Q8_0'],
    ['taken-GGUF', 'hub e/alias'],
    ['twin-GGUF:Q8_0', 'hub a/twin-GGUF:Q8_0'],
    ['b/same-GGUF', 'hub b/same-GGUF:Q8_0'],
    ['hf.co/x/pulled-GGUF:q4_k_m', 'ollama hf.co/x/pulled-GGUF:Q4_K_M'],
  ] as const)
    test(name, () => assert.deepEqual(where(catalog, name), [[at], []]));

  for (const [name, why] of [
    ['twin-GGUF', 'which of the two quantisations is meant is not clear'],
    ['a/twin-GGUF', 'nor is it with the owner'],
    ['same-GGUF:Q8_0', 'which of the two owners is meant is not clear'],
    ['gemma', 'it is not the name'],
    ['GEMMA-3-4b-it-gguf', 'case counts'],
    ['gemma-3-4b-it-GGUF:Q8_0', 'that is another quantisation'],
    ['served-GGUF', 'only llama-server names its models so'],
    ['remote-GGUF', 'only llama-server names its models so'],
    ['pulled-GGUF', 'Ollama has rules of its own'],
    ['', 'it is none'],
  ] as const)
    test(`but not to "${name}": ${why}`, () => assert.deepEqual(where(catalog, name)[0], []));

  test('which are forgotten with the model', () => {
    const changing = new Catalog([hub]);
    found(changing, hub, 'a/x-GGUF:Q8_0', 'b/x-GGUF:Q4_0');
    assert.deepEqual(where(changing, 'x-GGUF'), [[], []]);
    found(changing, hub, 'a/x-GGUF:Q8_0');
    assert.deepEqual(where(changing, 'x-GGUF'), [['hub a/x-GGUF:Q8_0'], []]);
    changing.failed(hub, 'gone', false);
    assert.deepEqual(where(changing, 'x-GGUF'), [[], ['hub']]);
  });
});
