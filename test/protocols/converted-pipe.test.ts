import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure, Refusal } from '../../src/errors.ts';
import { ConvertedPipe } from '../../src/protocols/converted-pipe.ts';
import { bytesOf, feedEveryWay } from './feeding.ts';

const usage = { promptTokens: 3, completionTokens: 0 };

function pipe(): ConvertedPipe {
  return new ConvertedPipe((answer) => {
    if (answer['vectors'] === undefined) throw new EndpointFailure('invalid', 'gave no vectors');
    return { text: JSON.stringify({ got: answer['vectors'] }), usage };
  });
}

test('an answer is converted when it is whole, however it comes, and counted', () => {
  assert.deepEqual(feedEveryWay(pipe, '{"vectors":"ü😀"} \n'), { text: bytesOf('{"got":"ü😀"}'), error: undefined });
  const one = pipe();
  assert.equal(one.push(Buffer.from('{"vectors":1}')).length, 0);
  assert.equal(one.usage, undefined);
  assert.equal(one.end().toString(), '{"got":1}');
  assert.deepEqual(one.usage, usage);
  assert.deepEqual([one.streaming, one.contentType], [false, 'application/json; charset=utf-8']);
  assert.equal(new ConvertedPipe(() => ({ text: '', usage }), 'application/json').contentType, 'application/json');
});

test('an error in place of an answer is a refusal in its words', () => {
  for (const answer of ['{"error":"no room"}', '{"error":{"message":"no room","code":500}}']) {
    const { text, error } = feedEveryWay(pipe, answer);
    assert.ok(error instanceof Refusal);
    assert.deepEqual([text, error.status, error.message], ['', 500, 'no room']);
  }
});

test('what is no answer can still be given by another endpoint', () => {
  for (const [answer, reason] of [
    ['', 'broken'],
    ['{"vectors":', 'broken'],
    ['[]', 'broken'],
    ['null', 'broken'],
    ['<html>', 'broken'],
    ['{}', 'invalid'],
  ]) {
    const { text, error } = feedEveryWay(pipe, answer ?? '');
    assert.ok(error instanceof EndpointFailure, answer);
    assert.deepEqual([text, error.reason], ['', reason]);
  }
});

test('an answer that breaks off is not converted, and there is nothing to end it with', () => {
  const { text, error } = feedEveryWay(pipe, '{"vectors":1}', 'break');
  assert.equal(text, '');
  assert.ok(error instanceof EndpointFailure);
  assert.equal(pipe().fail(), undefined);
});
