import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { type Answer, refusing, spansIn, startReceiver } from './receiver.ts';
import { Asked, askWell, exportTo } from './requests.ts';

const ONLY_TRACES = { OTEL_METRICS_EXPORTER: 'none' };
const hangUp: Answer = (response) => void response.destroy();

// At once: some wait for timers of the exporter.
describe('an export', { concurrency: true }, () => {
  test('spans go out by 512, one request after the other, each once', async () => {
    await using receiver = await startReceiver();
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    for (let i = 0; i < 700; i++) askWell(otlp);
    await receiver.got(2);
    await otlp.close();
    const sizes = receiver.requests.map(({ body }) => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans.length);
    assert.deepEqual(sizes.toSorted(), [376, 512, 512]);
    assert.equal(new Set(spansIn(receiver).map(({ spanId }) => spanId)).size, 1400);
    assert.equal(otlp.droppedSpans, 0);
  });

  test('a few spans go out without being asked to', { timeout: 60_000 }, async () => {
    await using receiver = await startReceiver();
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    askWell(otlp);
    await receiver.got(1);
    assert.equal(spansIn(receiver).length, 2);
    await otlp.close();
  });

  test('headers of the settings go with every request, and who it is from', async () => {
    await using receiver = await startReceiver();
    const otlp = exportTo(receiver.url, { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b,content-type=text/plain' });
    askWell(otlp);
    await otlp.close();
    assert.deepEqual(receiver.requests.map(({ path }) => path).toSorted(), ['/v1/metrics', '/v1/traces']);
    for (const { headers } of receiver.requests)
      assert.deepEqual([headers['x-tenant'], headers['user-agent']], ['a b', 'nomyo-router/1.2.3']);
  });

  test('the same batch goes again to a receiver that is busy, as soon as it says', async () => {
    await using receiver = await startReceiver();
    for (const status of [429, 502, 503, 504]) receiver.answers.push(refusing(status, { 'retry-after': '0' }));
    const told: string[] = [];
    const otlp = exportTo(receiver.url, ONLY_TRACES, told);
    askWell(otlp);
    await otlp.flush();
    assert.equal(new Set(receiver.requests.map(({ body }) => body)).size, 1);
    assert.equal(receiver.requests.length, 5);
    assert.equal(otlp.droppedSpans, 0);
    assert.deepEqual(told, [
      `OpenTelemetry: spans to ${receiver.url}/v1/traces cannot be exported: HTTP 429`,
      `OpenTelemetry: spans to ${receiver.url}/v1/traces are exported again`,
    ]);
    await otlp.close();
  });

  test('a batch is dropped after five requests', async () => {
    await using receiver = await startReceiver();
    for (let i = 0; i < 5; i++) receiver.answers.push(refusing(503, { 'retry-after': '0' }));
    const told: string[] = [];
    const otlp = exportTo(receiver.url, ONLY_TRACES, told);
    askWell(otlp);
    await otlp.flush();
    assert.deepEqual([receiver.requests.length, otlp.droppedSpans, told.length], [5, 2, 1]);
    askWell(otlp);
    await otlp.flush();
    assert.equal(receiver.requests.length, 6);
    assert.match(told[1] ?? '', /are exported again; 2 were lost$/);
    await otlp.close();
  });

  test('a connection that breaks is no answer: the batch goes again', async () => {
    await using receiver = await startReceiver();
    receiver.answers.push(hangUp);
    const told: string[] = [];
    const otlp = exportTo(receiver.url, ONLY_TRACES, told);
    askWell(otlp);
    await otlp.flush();
    assert.match(told[0] ?? '', /exported: [a-z]/, 'words, not a code');
    assert.equal(receiver.requests.length, 2);
    assert.equal(receiver.requests[0]?.body, receiver.requests[1]?.body);
    await otlp.close();
  });

  for (const status of [400, 401, 404, 413, 500, 302])
    test(`a batch that is refused with ${status} is dropped, and not sent elsewhere`, async () => {
      await using receiver = await startReceiver();
      receiver.answers.push(refusing(status, { location: '/elsewhere', 'retry-after': '0' }));
      const told: string[] = [];
      const otlp = exportTo(receiver.url, ONLY_TRACES, told);
      askWell(otlp);
      await otlp.flush();
      assert.deepEqual(
        receiver.requests.map(({ path }) => path),
        ['/v1/traces'],
      );
      assert.equal(otlp.droppedSpans, 2);
      assert.match(told[0] ?? '', new RegExp(`HTTP ${status}$`));
      await otlp.close();
    });

  test('what a receiver says that it left out counts as lost', async () => {
    await using receiver = await startReceiver();
    receiver.answers.push((response) => void response.end('{"partialSuccess":{"rejectedSpans":"2"}}'));
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    askWell(otlp);
    await otlp.flush();
    assert.deepEqual([receiver.requests.length, otlp.droppedSpans], [1, 2]);
    await otlp.close();
  });

  test('an endless answer is not read to its end', async () => {
    await using receiver = await startReceiver();
    let written = 0;
    receiver.answers.push((response) => {
      const more = () => {
        do written += 65_536;
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', more);
      more();
    });
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    askWell(otlp);
    await otlp.flush();
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes`);
    assert.deepEqual([receiver.requests.length, otlp.droppedSpans], [1, 0]);
    await otlp.close();
  });

  test('a batch that was taken does not go again because its answer broke off', async () => {
    await using receiver = await startReceiver();
    receiver.answers.push((response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy());
    });
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    askWell(otlp);
    await otlp.flush();
    assert.deepEqual([receiver.requests.length, otlp.droppedSpans], [1, 0]);
    await otlp.close();
  });

  test('metrics that are not taken wait for the next export', async () => {
    await using receiver = await startReceiver();
    receiver.answers.push(refusing(503, { 'retry-after': '0' }));
    const told: string[] = [];
    const otlp = exportTo(receiver.url, { OTEL_TRACES_EXPORTER: 'none' }, told);
    askWell(otlp);
    await otlp.flush();
    assert.equal(receiver.requests.length, 1);
    await otlp.flush();
    await otlp.close();
    assert.deepEqual(told, [
      `OpenTelemetry: metrics to ${receiver.url}/v1/metrics cannot be exported: HTTP 503`,
      `OpenTelemetry: metrics to ${receiver.url}/v1/metrics are exported again`,
    ]);
  });

  test('with nobody there spans are counted and dropped, within bounds, and it is told once', async () => {
    const told: string[] = [];
    const otlp = exportTo(await unusedUrl(), ONLY_TRACES, told);
    for (let i = 0; i < 5000; i++) askWell(otlp);
    // A batch is under way, 2,048 wait.
    assert.equal(otlp.droppedSpans, 10_000 - 512 - 2048);
    await otlp.close();
    assert.equal(otlp.droppedSpans, 10_000);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^OpenTelemetry: spans to .* cannot be exported: .*ECONNREFUSED/);
  });

  test('a receiver that never answers holds nobody at the end', { timeout: 9_000 }, async () => {
    await using receiver = await startReceiver();
    for (let i = 0; i < 20; i++) receiver.answers.push(() => {});
    const otlp = exportTo(receiver.url);
    for (let i = 0; i < 1500; i++) askWell(otlp);
    await otlp.close();
    assert.ok(receiver.requests.length > 0);
    assert.equal(otlp.droppedSpans, 3000);
  });

  test('at the end each batch goes once, and no longer waits for a busy receiver', async () => {
    await using receiver = await startReceiver();
    for (let i = 0; i < 9; i++) receiver.answers.push(refusing(503, { 'retry-after': '30' }));
    const otlp = exportTo(receiver.url, ONLY_TRACES);
    askWell(otlp);
    await otlp.close();
    assert.deepEqual([receiver.requests.length, otlp.droppedSpans], [1, 2]);
  });

  test('after the end nothing is exported, and no call harms', async () => {
    await using receiver = await startReceiver();
    await using another = await startReceiver();
    const often = { OTEL_METRIC_EXPORT_INTERVAL: '1' };
    const otlp = exportTo(receiver.url, often);
    askWell(otlp);
    await Promise.all([otlp.close(), otlp.close()]);
    const sent = receiver.requests.length;
    askWell(otlp);
    await otlp.flush();
    await otlp.close();
    // As long as it takes to export twenty times.
    const witness = exportTo(another.url, often);
    askWell(witness);
    await another.got(20);
    await witness.close();
    assert.equal(receiver.requests.length, sent);
    assert.equal(spansIn(receiver).length, 2);
  });

  test('no key is told when something fails', async () => {
    const told: string[] = [];
    const { port } = new URL(await unusedUrl());
    const otlp = exportTo(`http://me:secret@127.0.0.1:${port}/?key=secret`, {}, told);
    askWell(otlp);
    await otlp.close();
    assert.equal(told.length, 2);
    assert.ok(!told.join().includes('secret'), told.join());
  });

  test('a fetch that fails in any way harms nobody', async () => {
    const told: string[] = [];
    const otlp = exportTo('http://127.0.0.1:1', { OTEL_EXPORTER_OTLP_HEADERS: 'transfer-encoding=x' }, told);
    const record = new Asked();
    askWell(otlp, record);
    await otlp.close();
    assert.equal(told.length, 2);
  });
});

/** An address where nobody listens. */
async function unusedUrl(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${address.port}`;
}
