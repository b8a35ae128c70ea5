import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure, Refusal } from '../../src/errors.ts';
import { type AnswerPipe, NOTHING } from '../../src/protocols/call.ts';
import { everyCut, feed, feedEveryWay } from './feeding.ts';

function pipeOf(steps: Partial<AnswerPipe>): AnswerPipe {
  const nothing = {
    contentType: undefined,
    isOver: false,
    streaming: true,
    usage: undefined,
    pieces: 0,
    timings: undefined,
    end: () => NOTHING,
    fail: () => NOTHING,
  };
  return { ...nothing, push: (bytes) => bytes, ...steps };
}

test('a pipe that keeps the bytes it was given is found out', () => {
  const held: Buffer[] = [];
  const keeping = pipeOf({ push: (bytes) => (held.push(bytes) > 0 ? NOTHING : bytes), end: () => Buffer.concat(held) });
  assert.equal(feed(keeping, [Buffer.from('ab'), Buffer.from('cd')]).text, 'XXXX');
});

test('a pipe whose output depends on the cuts is found out', () => {
  assert.throws(
    () => feedEveryWay(() => pipeOf({ push: (bytes) => Buffer.from(`${bytes.length}`) }), 'abc'),
    /cut after/,
  );
});

test('every cut makes up the same bytes', () => {
  const all = [...everyCut(Buffer.from('abcd'))];
  assert.equal(all.length, 5);
  for (const reads of all) assert.equal(Buffer.concat(reads).toString(), 'abcd');
});

test('a failure is an error before the first byte and the end of the answer after it', () => {
  const failing = (first: Buffer) =>
    pipeOf({
      push: () => first,
      end: () => {
        throw new EndpointFailure('invalid', 'nonsense');
      },
      fail: (message) => Buffer.from(message),
    });
  assert.match(String(feed(failing(NOTHING), [Buffer.from('x')]).error), /nonsense/);
  assert.equal(feed(failing(Buffer.from('y ')), [Buffer.from('x')]).text, 'y the answer broke off: nonsense');
  const refusing = pipeOf({
    end: () => {
      throw new Refusal(418, 'no');
    },
  });
  assert.ok(feed(refusing, [Buffer.from('x')]).error instanceof Refusal);
});
