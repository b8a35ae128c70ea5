import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../src/errors.ts';
import { HeldPipe } from '../../src/protocols/held-pipe.ts';
import { feed } from './feeding.ts';

const USAGE = { promptTokens: 1, completionTokens: 0 };

test('an answer of any size is changed and counted when it is whole', () => {
  const pipe = new HeldPipe((answer) => ({ answer: answer.subarray(1), usage: USAGE }));
  const read = Buffer.alloc(1024 * 1024, 'x');
  const { text, error } = feed(pipe, Array(12).fill(read));
  assert.deepEqual([text.length, error, pipe.usage], [12 * read.length - 1, undefined, USAGE]);
});

test('an answer that is too long is a failure, before it is held', () => {
  const pipe = new HeldPipe((answer) => ({ answer, usage: undefined }), 10);
  assert.equal(pipe.push(Buffer.alloc(10)).length, 0);
  const { error } = feed(pipe, [Buffer.alloc(1)]);
  assert.ok(error instanceof EndpointFailure && error.reason === 'invalid', `${error}`);
});

test('bad syntax is an answer that is not whole, any other error is what it is', () => {
  const broken = feed(new HeldPipe((answer) => JSON.parse(answer.toString())), [Buffer.from('{')]).error;
  assert.ok(broken instanceof EndpointFailure && broken.reason === 'broken', `${broken}`);
  const own = new EndpointFailure('invalid', 'senseless');
  const throwing = new HeldPipe(() => {
    throw own;
  });
  assert.equal(feed(throwing, [Buffer.from('{}')]).error, own);
});
