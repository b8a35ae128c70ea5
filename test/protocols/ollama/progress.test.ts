import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../../src/domain/json.ts';
import { MergedProgress, readStep } from '../../../src/protocols/ollama/progress.ts';

const A = `sha256:${'a'.repeat(64)}`;
const B = `sha256:${'b'.repeat(64)}`;

function layer(digest: string, total: number, completed?: number): JsonObject {
  return { status: `pulling ${digest.slice(7, 19)}`, digest, total, ...(completed !== undefined && { completed }) };
}

const step = (status: string): JsonObject => ({ status });

function lines(text: string): JsonObject[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test('the progress of one target is passed on as it is', () => {
  const merged = new MergedProgress(['a']);
  const said = [
    step('pulling manifest'),
    layer(A, 10),
    { ...layer(A, 10, 5), extra: 1 },
    layer(A, 10, 10),
    step('end'),
  ];
  assert.deepEqual(
    said.flatMap((line) => lines(merged.progress(0, line))),
    said,
  );
  assert.equal(merged.succeeded(0), '');
});

test('a status is told once, when the last target has come to it', () => {
  const merged = new MergedProgress(['a', 'b', 'c']);
  assert.equal(merged.progress(0, step('pulling manifest')), '');
  assert.equal(merged.progress(1, step('pulling manifest')), '');
  assert.equal(merged.progress(1, step('verifying')), '');
  assert.deepEqual(lines(merged.progress(2, step('pulling manifest'))), [step('pulling manifest')]);
  assert.equal(merged.progress(0, step('verifying')), '');
  assert.deepEqual(lines(merged.progress(2, step('verifying'))), [step('verifying')]);
});

test('a digest is told at once, behind what the target said before, and summed over all that named it', () => {
  const merged = new MergedProgress(['a', 'b']);
  merged.progress(0, step('pulling manifest'));
  assert.deepEqual(lines(merged.progress(0, layer(A, 10, 4))), [step('pulling manifest'), layer(A, 10, 4)]);
  assert.equal(merged.progress(1, step('pulling manifest')), '');
  assert.deepEqual(lines(merged.progress(1, layer(A, 10))), [layer(A, 20, 4)]);
  assert.deepEqual(lines(merged.progress(1, layer(A, 10, 7))), [layer(A, 20, 11)]);
  assert.deepEqual(lines(merged.progress(1, layer(B, 3, 3))), [layer(B, 3, 3)]);
});

test('targets that finished or failed keep what they had', () => {
  const merged = new MergedProgress(['a', 'b', 'c']);
  merged.progress(0, layer(A, 10, 10));
  merged.progress(1, layer(A, 10, 3));
  merged.succeeded(0);
  merged.failed(1, 'disk full');
  assert.deepEqual(lines(merged.progress(2, layer(A, 10, 1))), [
    step('b: failed - disk full'),
    { ...layer(A, 30, 14), status: layer(A, 0)['status'] },
  ]);
});

test('what an endpoint takes back changes no sum', () => {
  const merged = new MergedProgress(['a']);
  merged.progress(0, layer(A, 10, 8));
  assert.equal(merged.progress(0, layer(A, 10, 2)), '');
  assert.deepEqual(lines(merged.progress(0, layer(A, 10, 9))), [layer(A, 10, 9)]);
});

test('a target that is over is waited for no longer', () => {
  const merged = new MergedProgress(['a', 'b']);
  merged.progress(0, step('one'));
  merged.progress(0, step('two'));
  assert.deepEqual(lines(merged.progress(1, step('one'))), [step('one')]);
  assert.deepEqual(lines(merged.failed(1, 'gone')), [step('two')]);
});

test('a status that only some targets have is told in its place', () => {
  const merged = new MergedProgress(['a', 'b']);
  for (const status of ['manifest', 'removing unused layers', 'writing']) merged.progress(0, step(status));
  assert.deepEqual(lines(merged.progress(1, step('manifest'))), [step('manifest')]);
  assert.deepEqual(lines(merged.progress(1, step('writing'))), [step('removing unused layers'), step('writing')]);
});

test('the failure of the last target is left to the end', () => {
  const merged = new MergedProgress(['a', 'b']);
  merged.progress(0, step('one'));
  assert.equal(merged.failed(0, 'no'), '');
  assert.deepEqual(lines(merged.failed(1, 'no')), [step('one')]);
});

test('only an error that says something is one, and success is never progress', () => {
  assert.deepEqual(readStep({ error: 'no space' }), { kind: 'error', message: 'no space' });
  assert.deepEqual(readStep({ error: { code: 5 } }), { kind: 'error', message: '{"code":5}' });
  assert.deepEqual(readStep({ error: null, status: 'x' }), { kind: 'progress', line: { status: 'x' } });
  assert.deepEqual(readStep({ error: '', status: 'x' }), { kind: 'progress', line: { status: 'x' } });
  assert.deepEqual(readStep({ status: 'success' }), { kind: 'success' });
});

type Event = { readonly target: number; readonly line: JsonObject | 'success' | 'failure' };

const TARGETS = 3;
const someLine = fc.oneof(
  fc.record({
    status: fc.constant('pulling'),
    digest: fc.constantFrom(A, B),
    total: fc.nat(50),
    completed: fc.option(fc.nat(50), { nil: undefined }),
  }),
  fc.record({ status: fc.constantFrom('one', 'two', 'three', 'four') }),
);
/** What three targets say, in any interleaving, each with its end. */
const someEvents = fc
  .tuple(
    ...Array.from({ length: TARGETS }, () =>
      fc.tuple(fc.array(someLine, { maxLength: 12 }), fc.constantFrom('success', 'failure')),
    ),
    fc.infiniteStream(fc.nat(TARGETS - 1)),
  )
  .map((parts): Event[] => {
    const order = parts[TARGETS] as Iterator<number>;
    const queues = parts.slice(0, TARGETS).map((part) => {
      const [said, end] = part as [JsonObject[], 'success' | 'failure'];
      return [...said, end];
    });
    const events: Event[] = [];
    while (queues.some((queue) => queue.length > 0)) {
      const target: number = order.next().value;
      const line = queues[target]?.shift();
      if (line !== undefined) events.push({ target, line });
    }
    return events;
  });

function told(events: readonly Event[]): JsonObject[] {
  const merged = new MergedProgress(['a', 'b', 'c']);
  return events.flatMap(({ target, line }) => {
    if (line === 'success') return lines(merged.succeeded(target));
    return lines(line === 'failure' ? merged.failed(target, 'broken') : merged.progress(target, line));
  });
}

function isStatus(line: JsonObject): boolean {
  return line['digest'] === undefined && !String(line['status']).includes('failed');
}

test('no sum ever falls, and the last one is the sum of what each target had at most', () => {
  fc.assert(
    fc.property(someEvents, (events) => {
      for (const digest of [A, B]) {
        const sums = told(events).filter((line) => line['digest'] === digest);
        for (const field of ['total', 'completed']) {
          const values = sums.map((line) => Number(line[field] ?? 0));
          assert.deepEqual(
            values,
            values.toSorted((a, b) => a - b),
          );
          const most = Array.from({ length: TARGETS }, (_, target) =>
            Math.max(
              0,
              ...events
                .filter((event) => event.target === target && typeof event.line === 'object')
                .map(({ line }) => line as JsonObject)
                .filter((line) => line['digest'] === digest)
                .map((line) => Number(line[field] ?? 0)),
            ),
          );
          assert.equal(
            values.at(-1) ?? 0,
            most.reduce((a, b) => a + b, 0),
          );
        }
      }
    }),
  );
});

test('every status is told exactly once, none before a target has said it, and success never', () => {
  fc.assert(
    fc.property(someEvents, (events) => {
      const said = events.flatMap(({ line }) => (typeof line === 'object' && isStatus(line) ? [line['status']] : []));
      const first = [...new Set(said)];
      assert.deepEqual(
        told(events)
          .filter(isStatus)
          .map((line) => line['status']),
        first,
      );
    }),
  );
});

test('a status that all targets pass in turn is told when the last has, unless a digest stands behind it', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([0, 1, 2], { minLength: 3 }), (order) => {
      const events = order.map((target): Event => ({ target, line: step('one') }));
      assert.deepEqual(told(events.slice(0, 2)), []);
      assert.deepEqual(told(events), [step('one')]);
    }),
  );
});
