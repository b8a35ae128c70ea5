import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EndpointKind } from '../../src/domain/endpoint.ts';
import { RouterError } from '../../src/errors.ts';
import { chat } from '../../src/protocols/ollama/operations.ts';
import { chatCompletions } from '../../src/protocols/openai/operations.ts';
import { type Pictures, withPictures } from '../../src/relay/pictures.ts';
import type { Reply } from '../../src/relay/reply.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { endpointOf } from '../support/listings.ts';
import { asked, onlyAsked } from '../support/records.ts';
import { routerBefore } from '../support/router.ts';
import { type Json, jsonOf, textOf } from '../support/wire.ts';

const COMPLETION = '/v1/chat/completions';
const ALLOWED = 'https://allowed.example/a.png';
const INSIDE = 'http://169.254.169.254/latest/meta-data';
const show = (...urls: readonly string[]) => ({
  model: 'm',
  messages: [{ role: 'user', content: urls.map((url) => ({ type: 'image_url', image_url: { url } })) }],
});

/** Fetches what is at `allowed.example`, and keeps what it was asked for. */
class Gallery implements Pictures {
  readonly fetched: string[] = [];
  signal: AbortSignal | undefined;
  open = 0;
  mostOpen = 0;

  allows(url: string): boolean {
    return URL.parse(url)?.host === 'allowed.example';
  }

  async fetch(url: string, signal: AbortSignal) {
    this.fetched.push(url);
    this.signal = signal;
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    await new Promise((resolve) => setImmediate(resolve));
    this.open--;
    if (url.endsWith('broken')) throw new RouterError('invalid_parameter', 'is no image');
    return { mediaType: 'image/png', base64: Buffer.from(url).toString('base64') };
  }
}

/** A client of which only its leaving matters. */
function leaver(): { readonly reply: Reply; leave(): void } {
  const leaving = { now: () => {} };
  const nothing = () => {};
  const reply: Reply = {
    ...{ cancelled: false, answeredBy: [] },
    ...{ started: false, spoken: false, gone: false, isFull: false, isWhole: false, writes: 0 },
    ...{ note: nothing, start: nothing, write: () => true, beat: nothing, end: nothing, cut: nothing },
    onceDrained: nothing,
    onGone(callback) {
      leaving.now = callback;
    },
  };
  return { reply, leave: () => leaving.now() };
}

const called = (body: object | string, operation = chatCompletions) =>
  operation.decode(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));

async function seen(kind: EndpointKind, body: object | string, pictures: Pictures = new Gallery()): Promise<string> {
  return (await withPictures(pictures, called(body), endpointOf(kind), leaver().reply)).body.toString();
}

describe('an image by its address', () => {
  test('is fetched where its host is allowed and takes the place of its address, to the byte', async () => {
    for (const kind of ['llama-server', 'vllm', 'ollama'] as const) {
      const url = 'https:\\/\\/allowed.example/\\u0061.png';
      const before = `{"model":"m", "x":1.0,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url" : "`;
      const behind = `", "detail":"low"}}]}],"seed":1e2}`;
      const data = `data:image/png;base64,${Buffer.from(ALLOWED).toString('base64')}`;
      assert.equal(await seen(kind, before + url + behind), before + data + behind);
    }
  });

  test('is left to a service outside, which fetches for itself', async () => {
    const gallery = new Gallery();
    const call = called(show(ALLOWED, INSIDE, 'file:///etc/passwd'));
    assert.equal(withPictures(gallery, call, endpointOf('openai'), leaver().reply), call);
    assert.deepEqual(gallery.fetched, []);
  });

  test('is left to Ollama to refuse, beside one that is fetched', async () => {
    const body = await seen('ollama', show(INSIDE, ALLOWED));
    const [inside, allowed] = JSON.parse(body).messages[0].content;
    assert.equal(inside.image_url.url, INSIDE);
    assert.match(allowed.image_url.url, /^data:image\/png;base64,/);
  });

  for (const kind of ['llama-server', 'vllm'] as const) {
    for (const url of [
      INSIDE,
      '  HTTP://127.0.0.1/',
      'file:///etc/passwd',
      '/etc/passwd',
      'https://allowed.example.evil/a',
    ]) {
      test(`is never passed on to ${kind}: ${JSON.stringify(url)}`, async () => {
        const gallery = new Gallery();
        for (const urls of [[url], [ALLOWED, url]])
          await assert.rejects(seen(kind, show(...urls), gallery), (error: RouterError) => {
            assert.equal(error.code, 'unsupported');
            assert.match(error.message, new RegExp(`^image URLs are not passed on to ${kind}.*image_hosts`));
            assert.doesNotMatch(error.message, /passwd|169\.254|127\.0/, 'what was asked for is not told to logs');
            return true;
          });
        assert.deepEqual(gallery.fetched, [], 'nothing is fetched for a request that is refused');
      });
    }
  }

  test('that is none cannot be allowed', async () => {
    for (const content of [
      [{ type: 'video_url', video_url: { url: ALLOWED } }],
      [{ type: 'audio_url', audio_url: { url: ALLOWED } }],
      [{ type: 'image_url', image_url: { url: 'data:image/svg+xml,<svg/>' } }],
    ])
      await assert.rejects(
        seen('vllm', { model: 'm', messages: [{ role: 'user', content }] }),
        /^Error: URLs of media, files and SVG images are not passed on to vllm \(vllm\), which would fetch them \((https|data):\)$/,
      );
  });

  test("is no address in Ollama's own words: there images are data", () => {
    const call = called(
      { model: 'm', messages: [{ role: 'user', content: 'x', images: [INSIDE], image_url: INSIDE }] },
      chat,
    );
    for (const kind of ['ollama', 'llama-server'] as const)
      assert.equal(withPictures(new Gallery(), call, endpointOf(kind), leaver().reply), call);
  });

  test('costs nothing where there is none', () => {
    for (const body of [
      show(),
      show('data:image/png;base64,AA'),
      { model: 'm', messages: [{ role: 'user', content: INSIDE }] },
    ]) {
      const call = called(body);
      assert.equal(withPictures(new Gallery(), call, endpointOf('llama-server'), leaver().reply), call);
    }
  });
});

describe('images are fetched', () => {
  test('one after the other, and no more than some', async () => {
    const gallery = new Gallery();
    const urls = (count: number) => Array.from({ length: count }, (_, i) => `${ALLOWED}?${i}`);
    await seen('llama-server', show(...urls(16)), gallery);
    assert.deepEqual([gallery.fetched, gallery.mostOpen], [urls(16), 1]);
    await assert.rejects(seen('llama-server', show(...urls(17)), gallery), /no more than 16 image URLs at once/);
    assert.equal(gallery.fetched.length, 16);
  });

  test('for nobody who has left', async () => {
    const gallery = new Gallery();
    const { reply, leave } = leaver();
    const fetching = withPictures(gallery, called(show(ALLOWED)), endpointOf('vllm'), reply);
    leave();
    assert.equal(gallery.signal?.aborted, true);
    await fetching;
  });

  test('or the request is refused', async () => {
    await assert.rejects(seen('vllm', show(ALLOWED, 'https://allowed.example/broken', `${ALLOWED}?2`)), /is no image/);
  });
});

describe('without image_hosts', () => {
  const VISION = { models: [{ name: 'm', capabilities: ['completion', 'tools', 'vision'] }] } as const;

  for (const kind of ['llama-server', 'vllm'] as const) {
    test(`${kind} is never asked to fetch anything`, async () => {
      await using endpoint = await startSimulatedEndpoint({ kind, ...VISION });
      await using router = await routerBefore([endpoint]);
      for (const body of [
        JSON.stringify(show(ALLOWED)),
        '{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_\\u0075rl":{"\\u0075rl":"http:\\/\\/a"}}]}]}',
        JSON.stringify({
          model: 'm',
          messages: [{ role: 'user', content: [{ type: 'video_url', video_url: { url: INSIDE } }] }],
        }),
      ]) {
        const answer = await router.ask(COMPLETION, { body });
        assert.equal(answer.status, 400, textOf(answer));
        assert.match(jsonOf(answer).error.message, /are not passed on to/);
      }
      assert.deepEqual(asked(endpoint), []);
      await router.idle();
    });
  }

  test('an endpoint that may fetch is asked where the first one may not', async () => {
    await using inside = await startSimulatedEndpoint({ kind: 'vllm', ...VISION });
    await using outside = await startSimulatedEndpoint({ kind: 'openai', ...VISION });
    await using router = await routerBefore([inside, outside]);
    for (let i = 0; i < 6; i++) assert.equal((await router.ask(COMPLETION, { body: show(INSIDE) })).status, 200);
    assert.equal(asked(inside).length, 0);
    const json: Json = asked(outside)[0]?.json;
    assert.deepEqual(json.messages, show(INSIDE).messages);
  });

  test('what only looks like an address goes through as it came', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'llama-server', ...VISION });
    await using router = await routerBefore([endpoint]);
    const body = JSON.stringify({
      model: 'm',
      messages: [
        { role: 'user', content: `see ${INSIDE} "image_url":{"url":"x"}` },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'get', arguments: `{"url":"${INSIDE}"}` } }],
        },
        { role: 'tool', tool_call_id: 'c', content: `{"url":"${INSIDE}"}` },
      ],
      tools: [
        {
          type: 'function',
          function: { name: 'get', parameters: { type: 'object', properties: { url: { type: 'string' } } } },
        },
      ],
    });
    const answer = await router.ask(COMPLETION, { body });
    assert.equal(answer.status, 200, textOf(answer));
    assert.equal(onlyAsked(endpoint).body.toString(), body);
  });
});
