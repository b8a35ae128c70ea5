import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../src/errors.ts';
import { readUsage } from '../../src/protocols/openai/usage.ts';
import { renaming } from '../../src/protocols/rename.ts';
import { WholePipe } from '../../src/protocols/whole-pipe.ts';
import { bytesOf, feed, feedEveryWay } from './feeding.ts';

const ANSWER =
  '{ "model":"up", "choices":[{"message":{"content":"é"}}],"usage":{"prompt_tokens":3,"completion_tokens":5} }\n';
const plain = () => new WholePipe(readUsage, (answer) => answer);

test('an answer comes out as it went in, whatever the cuts, and its tokens are counted', () => {
  assert.deepEqual(feedEveryWay(plain, ANSWER), { text: bytesOf(ANSWER), error: undefined });
  const counting = plain();
  feed(counting, [Buffer.from(ANSWER)]);
  assert.deepEqual(counting.usage, { promptTokens: 3, completionTokens: 5 });
});

test('1.3 the answer has the name that the client wrote', () => {
  const pipe = () => new WholePipe(readUsage, renaming({ client: 'Mine', upstream: 'up' }) ?? ((answer) => answer));
  assert.equal(feedEveryWay(pipe, ANSWER).text, bytesOf(ANSWER.replace('"up"', '"Mine"')));
});

test('what is no answer is a failure that another endpoint can make up for, unless anything may be one', () => {
  for (const body of ['', 'no JSON', '[1]', ANSWER.slice(0, 40)]) {
    const { text, error } = feedEveryWay(plain, body);
    assert.equal(text, '');
    assert.ok(error instanceof EndpointFailure && error.reason === 'broken', body);
    assert.deepEqual(feedEveryWay(WholePipe.opaque, body), { text: bytesOf(body), error: undefined });
  }
});

test('nothing is given before the answer is whole, so that another endpoint can still answer', () => {
  const pipe = plain();
  assert.equal(pipe.push(Buffer.from(ANSWER)).length, 0);
  assert.equal(pipe.fail(), undefined);
});

test('an answer too large to be held flows, byte for byte', () => {
  const bytes = Buffer.from(ANSWER.repeat(100_000));
  const reads = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
    bytes.subarray(i * 65_536, (i + 1) * 65_536),
  );
  const pipe = plain();
  let held = 0;
  let given = 0;
  for (const read of reads) {
    given += pipe.push(read).length;
    held = Math.max(held, given === 0 ? held + read.length : held);
  }
  assert.ok(held < 9 * 1024 * 1024 && given === bytes.length, `${held} held, ${given} given`);
  assert.equal(pipe.end().length, 0);
  assert.ok(feed(plain(), reads).text === bytes.toString('latin1'));
});
