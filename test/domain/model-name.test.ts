import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  looseName,
  nameFault,
  parseModelName,
  shortNames,
  withoutLatest,
  withoutLocal,
} from '../../src/domain/model-name.ts';

/** Contract 1.3: what a client writes and the name it has in lists. */
const KEYS: readonly (readonly [string, string])[] = [
  ['foo', 'foo:latest'],
  ['foo:latest', 'foo:latest'],
  ['Foo:7B', 'foo:7b'],
  ['me/foo', 'me/foo:latest'],
  ['library/foo', 'foo:latest'],
  ['registry.ollama.ai/library/foo', 'foo:latest'],
  ['REGISTRY.ollama.ai/Library/Foo:Q4_K_M', 'foo:q4_k_m'],
  ['registry.ollama.ai/me/foo:1', 'me/foo:1'],
  ['https://registry.ollama.ai/me/foo', 'me/foo:latest'],
  ['hf.co/org/repo', 'hf.co/org/repo:latest'],
  ['hf.co/library/repo', 'hf.co/library/repo:latest'],
  ['hf.co/org/repo:Q8_0', 'hf.co/org/repo:q8_0'],
  ['reg:5000/ns/foo', 'reg:5000/ns/foo:latest'],
  ['reg:5000/ns/foo:v1', 'reg:5000/ns/foo:v1'],
  ['http://reg:5000/ns/foo:v1', 'reg:5000/ns/foo:v1'],
  ['_a/_b:_c', '_a/_b:_c'],
  ['a.b-c_d:1.5b-it', 'a.b-c_d:1.5b-it'],
  ['qwen3:8b:local', 'qwen3:8b'],
  ['qwen3:LOCAL', 'qwen3:latest'],
  ['kimi:cloud', 'kimi:cloud'],
  ['gpt-oss:120b-cloud', 'gpt-oss:120b-cloud'],
  ['gpt-oss:20b:cloud', 'gpt-oss:20b-cloud'],
  ['me/gpt-oss:20b:Cloud', 'me/gpt-oss:20b-cloud'],
];

for (const [name, key] of KEYS) {
  test(`1.3 ${name} is the model ${key}`, () => assert.equal(parseModelName(name)?.key, key));
}

const INVALID: readonly string[] = [
  '',
  ':',
  '/',
  'foo:',
  '/foo',
  'foo/',
  'a//b',
  ':7b',
  ':local',
  'foo::7b',
  'a:b:c',
  'foo:-x',
  '-foo',
  '.foo',
  'a b',
  'föö',
  'foo:７b',
  'Кот',
  'n.s/foo',
  'ns:1/foo',
  'a/b/c/d',
  'https://',
  'x'.repeat(81),
  `foo:${'x'.repeat(81)}`,
  `${'n'.repeat(81)}/foo`,
  `${'h'.repeat(351)}/n/foo`,
];

for (const name of INVALID) {
  const shown = name.length > 30 ? `${name.slice(0, 5)}... of ${name.length} characters` : JSON.stringify(name);
  test(`1.3 ${shown} is no model name`, () => assert.equal(parseModelName(name), undefined));
}

test('1.3 the longest parts are taken', () => {
  const [part, host] = ['x'.repeat(80), 'h'.repeat(350)];
  assert.equal(parseModelName(`${host}/${part}/${part}:${part}`)?.key, `${host}/${part}/${part}:${part}`);
});

test('1.3 a registry port is no tag', () => {
  assert.equal(parseModelName('reg:5000/foo'), undefined, 'and stands in no namespace either');
  assert.equal(parseModelName('reg:5000/ns/foo')?.source, 'any');
  assert.equal(parseModelName('reg:cloud/ns/foo')?.source, 'any');
});

for (const [name, source] of [
  ['foo', 'any'],
  ['foo:cloudy', 'any'],
  ['my-cloud', 'any'],
  ['foo:local', 'local'],
  ['foo:7b:Local', 'local'],
  ['kimi:cloud', 'cloud'],
  ['kimi:CLOUD', 'cloud'],
  ['gpt-oss:20b:cloud', 'cloud'],
  ['gpt-oss:120b-cloud', 'cloud'],
] as const) {
  test(`1.3 ${name} asks to be run at: ${source}`, () => assert.equal(parseModelName(name)?.source, source));
}

test('1.3 a name asks for one source', () => {
  for (const name of ['a:cloud:local', 'a:local:cloud', 'a:1b-cloud:local', 'a:Cloud:LOCAL'])
    assert.equal(nameFault(name), `use either :local or :cloud, not both: "${name}"`);
  for (const name of ['a:cloud', 'a:local', 'my-cloud:local', 'a-cloud', 'x/a-cloud:local'])
    assert.equal(nameFault(name), undefined);
});

test('a key is its own key, and case and defaults make no difference to it', () => {
  const part = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,9}$/);
  fc.assert(
    fc.property(part, part, part, (namespace, model, tag) => {
      const key = parseModelName(`${namespace}/${model}:${tag}`)?.key;
      assert.ok(key !== undefined);
      assert.equal(parseModelName(key)?.key, key);
      assert.equal(parseModelName(`registry.ollama.ai/${namespace}/${model}:${tag}`.toUpperCase())?.key, key);
    }),
  );
});

test('the suffixes that servers do not know are taken off at the end alone', () => {
  assert.deepEqual(['a:local', 'a:1b:Local', 'a:locals', 'local', 'a'].map(withoutLocal), [
    'a',
    'a:1b',
    'a:locals',
    'local',
    'a',
  ]);
  assert.deepEqual(['a:latest', 'a:latest:b', 'a:Latest', 'latest'].map(withoutLatest), [
    'a',
    'a:latest:b',
    'a:Latest',
    'latest',
  ]);
});

for (const [id, ...names] of [
  [
    'ggml-org/gemma-3-4b-it-GGUF:Q4_K_M',
    'ggml-org/gemma-3-4b-it-GGUF',
    'gemma-3-4b-it-GGUF:Q4_K_M',
    'gemma-3-4b-it-GGUF',
  ],
  ['unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL', 'unsloth/Qwen3-8B-GGUF', 'Qwen3-8B-GGUF:UD-Q4_K_XL', 'Qwen3-8B-GGUF'],
  ['a/b:bf16', 'a/b:BF16', 'a/b', 'b:BF16', 'b'],
  ['a/b:iq3_xxs', 'a/b:IQ3_XXS', 'a/b', 'b:IQ3_XXS', 'b'],
  ['a/b:mxfp4', 'a/b:MXFP4', 'a/b', 'b:MXFP4', 'b'],
  ['/models/tiny-q8_0.gguf', '/models/tiny-q8_0', 'tiny-q8_0.gguf', 'tiny-q8_0'],
  ['tiny'],
  ['tiny:7b'],
  ['tiny:latest'],
] as const) {
  test(`llama-server's ${id} is also called ${names.join(', ') || 'nothing else'}`, () => {
    const others = shortNames(id).filter((name) => name !== id);
    assert.deepEqual(others.toSorted(), [...names].toSorted());
  });
}

test('a name of llama-server is read with and without its hub, and its quantisation in any case', () => {
  for (const name of ['a/b:q4_k_m', 'hf.co/a/b:Q4_K_M', 'HF.co/a/b:Q4_k_M', 'https://huggingface.co/a/b:q4_K_m'])
    assert.equal(looseName(name), 'a/b:Q4_K_M', name);
  for (const name of ['a/b', 'a/b:latest', 'a/b:7b', 'a/B:cloud', 'x/hf.co/a', 'a:q4/b', 'qwen', ''])
    assert.equal(looseName(name), name);
});

test('any short name is read as it is', () => {
  const part = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);
  const quant = fc.constantFrom('', ':Q4_K_M', ':q8_0', ':F16', ':latest', ':7b');
  fc.assert(
    fc.property(part, part, quant, (owner, name, tag) => {
      for (const short of shortNames(`${owner}/${name}${tag}`)) assert.equal(looseName(short), short);
    }),
  );
});
