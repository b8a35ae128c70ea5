import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renaming } from '../../src/protocols/rename.ts';

function renamed(json: string, client = 'Mine:Latest', upstream = 'up'): string {
  return renaming({ client, upstream })?.(Buffer.from(json)).toString() ?? 'not renamed at all';
}

for (const [json, expected] of [
  ['{"model":"up","x":1.0}', '{"model":"Mine:Latest","x":1.0}'],
  ['{ "a":{"model":"up"}, "model" : "up" }\n', '{ "a":{"model":"up"}, "model" : "Mine:Latest" }\n'],
  ['{"model":"\\u0075p"}', '{"model":"Mine:Latest"}'],
  ['{"model":"other"}', '{"model":"other"}'],
  ['{"model":""}', '{"model":""}'],
  ['{"model":null}', '{"model":null}'],
  ['{"model":{"id":"up\\n"}}', '{"model":{"id":"up\\n"}}'],
  ['{"Model":"up"}', '{"Model":"up"}'],
  ['{"model":"up"', '{"model":"up"'],
  ['[]', '[]'],
  ['', ''],
] as const) {
  test(`1.3 ${JSON.stringify(json)} goes to the client as ${JSON.stringify(expected)}`, () =>
    assert.equal(renamed(json), expected));
}

test('nothing is renamed where the endpoint was sent the spelling of the client', () => {
  assert.equal(renaming({ client: 'a', upstream: 'a' }), undefined);
});

test('a name is written as JSON', () => {
  assert.equal(renamed('{"model":"up"}', 'a"\\\né'), '{"model":"a\\"\\\\\\né"}');
});
