import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RouterError } from '../../../src/errors.ts';
import {
  copy,
  create,
  isDigest,
  type ManagementRoute,
  pull,
  push,
  remove,
} from '../../../src/protocols/ollama/management.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;

function decoded(route: ManagementRoute, body: string) {
  const task = route.decode(Buffer.from(body));
  return { ...task, body: task.body.toString() };
}

for (const route of [pull, push, create, remove]) {
  test(`${route.path} takes the model from whichever field holds one`, () => {
    for (const body of ['{"model":"m","name":""}', '{"model":"","name":"m"}', '{"name":"m"}', '{"Model":"m"}']) {
      const task = decoded(route, body);
      assert.deepEqual([task.model, task.body, task.path], ['m', body, route.path]);
    }
  });
}

test('what no model can be called is refused in the words of Ollama', () => {
  const cases: readonly [ManagementRoute, string, string][] = [
    [push, '{"name":""}', 'model is required'],
    [remove, '{}', 'model is required'],
    [remove, '{"model":"a b"}', 'name "a b" is invalid'],
    [copy, '{"source":"","destination":"x"}', 'source "" is invalid'],
    [copy, '{"source":"x"}', 'destination "" is invalid'],
    [pull, '', 'missing request body'],
    [pull, '{"model":5}', 'json: cannot unmarshal number into Go struct field PullRequest.model of type string'],
  ];
  for (const [route, body, message] of cases) {
    const isRefused = (error: unknown) =>
      error instanceof RouterError && error.status === 400 && error.message === message;
    assert.throws(() => route.decode(Buffer.from(body)), isRefused, body);
  }
});

test('whoever wants no progress is given none, but the endpoint is asked for it', () => {
  assert.equal(decoded(pull, '{"model":"m"}').streaming, true);
  assert.equal(decoded(pull, '{"model":"m","stream":null}').streaming, true);
  const task = decoded(pull, '{"model":"m", "stream" : false, "insecure":true}');
  assert.deepEqual([task.streaming, task.body], [false, '{"model":"m", "stream" : true, "insecure":true}']);
});

test('the suffix :local, which older servers do not know, is taken off', () => {
  assert.equal(decoded(pull, '{"model":"","name":"m:8b:local"}').body, '{"model":"","name":"m:8b"}');
  const copied = decoded(copy, '{"source":"m:local","destination":"n"}');
  assert.deepEqual([copied.model, copied.body], ['m:local', '{"source":"m","destination":"n"}']);
});

test('endpoints are named in the field nomyo, which goes no further', () => {
  const cases: readonly [string, readonly string[] | undefined][] = [
    ['null', undefined],
    ['{"cache":false}', undefined],
    ['"a, b"', ['a', ' b']],
    ['["a","b"]', ['a', 'b']],
    ['{"endpoint":"a,b"}', ['a', 'b']],
    ['{"endpoints":["a"]}', ['a']],
  ];
  for (const [nomyo, endpoints] of cases) {
    const task = decoded(pull, `{"nomyo":${nomyo},"model":"m"}`);
    assert.deepEqual([task.endpoints, task.body], [endpoints, '{"model":"m"}'], nomyo);
  }
});

test('the files that a model is made of are found', () => {
  const other = DIGEST.replace(':', '-').toUpperCase().replace('SHA', 'sha');
  const task = decoded(create, `{"model":"m","files":{"a":"${DIGEST}","b":5},"adapters":{"c":"${other}"}}`);
  assert.deepEqual(task.digests, [DIGEST, DIGEST]);
  assert.deepEqual(decoded(create, '{"model":"m","from":"n","files":null}').digests, []);
});

test('a digest is 64 hexadecimal digits behind sha256', () => {
  assert.ok(isDigest(DIGEST) && isDigest(DIGEST.replace(':', '-')));
  for (const name of ['', 'sha256:', DIGEST.slice(1), `${DIGEST}0`, DIGEST.replace('a', 'g'), `${DIGEST}/x`])
    assert.ok(!isDigest(name), name);
});
