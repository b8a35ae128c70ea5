import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gaps } from '../../src/routing/gaps.ts';
import { endpointOf } from '../support/listings.ts';

const [one, other] = [endpointOf('ollama', { name: 'one' }), endpointOf('ollama', { name: 'other' })];

test('a route is missing where it was found missing, and nowhere else', () => {
  const gaps = new Gaps();
  gaps.add(one, '/v1/messages');
  gaps.add(one, '/v1/responses');
  gaps.add(one, '/v1/messages');
  assert.deepEqual(
    [
      gaps.has(one, '/v1/messages'),
      gaps.has(one, '/v1/responses'),
      gaps.has(one, '/v1'),
      gaps.has(other, '/v1/messages'),
    ],
    [true, true, false, false],
  );
});

test('what is forgotten of one endpoint is still known of the others', () => {
  const gaps = new Gaps();
  for (const endpoint of [one, other]) gaps.add(endpoint, '/v1/messages');
  gaps.forget(one);
  gaps.forget(endpointOf('vllm'));
  assert.deepEqual([gaps.has(one, '/v1/messages'), gaps.has(other, '/v1/messages')], [false, true]);
  gaps.add(one, '/v1/messages');
  assert.ok(gaps.has(one, '/v1/messages'));
});
