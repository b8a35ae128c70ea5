import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Lease, Slots } from '../../src/routing/slots.ts';
import { endpointOf } from '../support/listings.ts';

const [a, b] = [endpointOf('ollama', { name: 'a' }), endpointOf('vllm', { name: 'b' })];

test('a block that is left gives its slot back, by an error too', () => {
  const slots = new Slots();
  assert.throws(() => {
    using _lease = slots.lease(a, 'm');
    assert.equal(slots.inFlight(a, 'm'), 1);
    throw new Error('no matter');
  }, /no matter/);
  assert.equal(slots.inFlight(a, 'm'), 0);
});

test('a slot is given back once, however often it is disposed of', () => {
  const slots = new Slots();
  const lease = slots.lease(a, 'm');
  slots.lease(a, 'm');
  for (let i = 0; i < 3; i++) lease[Symbol.dispose]();
  assert.equal(slots.inFlight(a, 'm'), 1);
});

test('slots are counted by endpoint and model, and an endpoint’s load is the sum of its models', () => {
  const slots = new Slots();
  for (const [endpoint, model] of [
    [a, 'm'],
    [a, 'm'],
    [a, 'n'],
    [b, 'm'],
  ] as const)
    slots.lease(endpoint, model);
  assert.deepEqual(
    [slots.inFlight(a, 'm'), slots.inFlight(a, 'n'), slots.inFlight(b, 'm'), slots.inFlight(b, 'n')],
    [2, 1, 1, 0],
  );
  assert.deepEqual([slots.load(a), slots.load(b), slots.load(endpointOf('openai'))], [3, 1, 0]);
});

test('a snapshot shows what is above zero and is no view', () => {
  const slots = new Slots();
  const lease = slots.lease(a, 'm');
  slots.lease(b, '__proto__');
  const before = slots.snapshot();
  assert.equal(JSON.stringify(before), '{"http://a":{"m":1},"http://b":{"__proto__":1}}');
  lease[Symbol.dispose]();
  assert.equal(JSON.stringify(slots.snapshot()), '{"http://b":{"__proto__":1}}');
  assert.equal(before['http://a']?.['m'], 1);
});

test('leases taken and given back in any order leave nothing behind', () => {
  const step = fc.tuple(fc.constantFrom(a, b), fc.constantFrom('m', 'n'), fc.boolean());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const slots = new Slots();
      const held: Lease[] = [];
      for (const [endpoint, model, take] of steps) {
        if (take) held.push(slots.lease(endpoint, model));
        else held.shift()?.[Symbol.dispose]();
        assert.equal(slots.load(a) + slots.load(b), held.length);
      }
      for (const lease of held) lease[Symbol.dispose]();
      assert.deepEqual(slots.snapshot(), {});
    }),
  );
});
