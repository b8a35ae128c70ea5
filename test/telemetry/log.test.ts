import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EndpointFailure } from '../../src/errors.ts';
import type { EndpointState } from '../../src/routing/catalog.ts';
import { createLog, type Log, type LogLevel } from '../../src/telemetry/log.ts';
import { endpointCalled, type Facts, linesOf, recordOf } from './log-records.ts';

const GPU = endpointCalled('gpu-a');
const AT = '2026-07-01T14:05:31.000Z';

function state(health: EndpointState['health'], detail?: string): EndpointState {
  return {
    endpoint: GPU,
    health,
    detail,
    findings: { version: '0.1.0', models: [{ id: 'm', aliases: [], loaded: true }] },
  };
}

const suppressed = new SuppressedError(new Error('second'), new Error('first'), 'hidden');

for (const [what, say, level, text] of [
  ['a healthy endpoint', (log) => log.endpointChanged(state('healthy')), 'info', 'endpoint gpu-a healthy, 1 models'],
  [
    'an unreachable endpoint',
    (log) => log.endpointChanged(state('unreachable', 'connection refused')),
    'warn',
    'endpoint gpu-a unreachable: connection refused',
  ],
  [
    'a failed answer',
    (log) => log.answerFailed(GPU, new EndpointFailure('broken', 'closed the connection early')),
    'warn',
    'endpoint gpu-a failed a request: closed the connection early',
  ],
  [
    'a tag that differs',
    (log) =>
      log.digestsDiffer('m:latest', [
        ['gpu-a', 'a'.repeat(64)],
        ['gpu-b', 'b'.repeat(64)],
      ]),
    'warn',
    'model m:latest differs: aaaaaaaaaaaa on gpu-a, bbbbbbbbbbbb on gpu-b',
  ],
  [
    'a database being opened',
    (log) => log.storeChanged({ status: 'opening' }),
    'debug',
    'statistics database is being opened',
  ],
  ['a database that works', (log) => log.storeChanged({ status: 'ok' }), 'info', 'statistics database works'],
  [
    'a database set aside',
    (log) => log.storeChanged({ status: 'ok', detail: 'a corrupt file was set aside' }),
    'warn',
    'statistics database works: a corrupt file was set aside',
  ],
  [
    'a database that fails',
    (log) => log.storeChanged({ status: 'error', detail: 'disk is full' }),
    'error',
    'statistics database does not work: disk is full',
  ],
  ['a rare word', (log) => log.told('warn', 'traces cannot be sent'), 'warn', 'traces cannot be sent'],
  ['a thrown text', (log) => log.fault('oh'), 'error', 'internal error: oh'],
  ['a thrown thing', (log) => log.fault(Object.create(null)), 'error', 'internal error: [object Object]'],
] satisfies readonly (readonly [string, (log: Log) => void, LogLevel, string])[]) {
  test(`${what} is one line of level ${level}`, () => {
    const mark = level === 'warn' || level === 'error' ? ` ${level}` : '';
    assert.deepEqual(linesOf(say), [`${AT}${mark} ${text}`]);
    const [line = '', ...others] = linesOf(say, { format: 'json' });
    assert.deepEqual(others, []);
    const { endpoint, ...rest } = JSON.parse(line);
    assert.deepEqual(rest, { ts: AT, level, msg: text });
    assert.equal(endpoint, text.startsWith('endpoint gpu-a') ? 'gpu-a' : undefined);
    assert.deepEqual(linesOf(say, { level }).length, 1, 'told at its level');
    if (level !== 'error') assert.deepEqual(linesOf(say, { level: oneBelow(level) }), [], 'not told below');
  });
}

function oneBelow(level: LogLevel): LogLevel {
  return level === 'debug' ? 'info' : level === 'info' ? 'warn' : 'error';
}

test('a fault is one line with its place and what led to it', () => {
  const [line = '', ...others] = linesOf((log) => log.fault(new TypeError('no\nmore', { cause: new Error('disk') })));
  assert.deepEqual(others, []);
  assert.match(line, /internal error: TypeError: no, because of Error: disk at .*log\.test\.ts:\d+:\d+/);
  assert.match(linesOf((log) => log.fault(suppressed))[0] ?? '', /SuppressedError: hidden, because of Error: first/);
});

test('a fault does not repeat what a client sent', () => {
  const fault = linesOf((log) => {
    try {
      JSON.parse('my secret prompt');
    } catch (error) {
      log.fault(error);
    }
  })[0];
  assert.match(fault ?? '', /internal error: SyntaxError: Unexpected token/);
  assert.doesNotMatch(fault ?? '', /secret/);
});

for (const [what, facts, level] of [
  ['a request that was answered', {}, 'info'],
  ['one that its client broke off', { outcome: 'cancelled', status: 0 }, 'info'],
  ['a mistake of the client', { outcome: 'client_error', status: 400 }, 'info'],
  ['a failure of the endpoints', { outcome: 'upstream_error', status: 502 }, 'warn'],
  ['a request without a place', { outcome: 'rejected', status: 503 }, 'warn'],
  ['a fault of the router', { outcome: 'router_error', status: 500 }, 'error'],
  ['a look at the health', { method: 'GET', path: '/health' }, 'debug'],
  ['a look at the root', { method: 'HEAD', path: '/' }, 'debug'],
  ['a stream that its subscriber left', { method: 'GET', path: '/api/usage-stream', outcome: 'cancelled' }, 'debug'],
  ['a GET that asks for a model', { method: 'GET', path: '/v1/models/m', fields: { model: 'm' } }, 'info'],
  ['a GET of nothing', { method: 'GET', path: '/nothing', outcome: 'client_error', status: 404 }, 'info'],
  ['a look at a router that is not ready', { method: 'GET', outcome: 'rejected', status: 503 }, 'warn'],
  ['a GET that failed unnamed', { method: 'GET', status: 503 }, 'info'],
] satisfies readonly (readonly [string, Facts, LogLevel])[]) {
  test(`${what} is told from level ${level} on`, () => {
    const told = (['error', 'warn', 'info', 'debug'] as const).filter(
      (each) => linesOf((log) => log.request(recordOf(facts)), { level: each }).length === 1,
    );
    assert.equal(told[0], level);
  });
}

test('lines have the time at which they are said, wherever the clock goes', () => {
  const lines: string[] = [];
  let now = 0;
  const log = createLog({ level: 'info', format: 'pretty', write: (line) => lines.push(line), now: () => now });
  const times = [1_782_914_731_007, 1_782_914_731_999, 1_782_914_732_000, 1_782_914_731_050.75, 0, -1];
  for (const time of times) {
    now = time;
    log.told('info', 'now');
  }
  assert.deepEqual(
    lines,
    times.map((time) => `${new Date(Math.floor(time)).toISOString()} now`),
  );
});
