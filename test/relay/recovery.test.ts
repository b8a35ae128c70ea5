import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WrittenSettings } from '../../src/config/schema.ts';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import type { FaultRule, SimulatedEndpoint, SimulatedEndpointOptions } from '../../src/simulator/simulation.ts';
import { asked, counts } from '../support/records.ts';
import { type RunningRouter, routerBefore } from '../support/router.ts';
import { headerIn, type Json, jsonOf, textOf } from '../support/wire.ts';

const CHAT = '/api/chat';
const COMPLETION = '/v1/chat/completions';
const POST = { method: 'POST' };
const OVERFLOW: FaultRule = {
  on: POST,
  status: 400,
  body: {
    error: { message: 'request (1000 tokens) exceeds the available context size (900 tokens), try increasing it' },
  },
};
const TOOLS = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];

interface Stage extends AsyncDisposable {
  readonly endpoint: SimulatedEndpoint;
  readonly router: RunningRouter;
}

async function stage(options: SimulatedEndpointOptions, recovery: WrittenSettings['recovery'] = {}): Promise<Stage> {
  const stack = new AsyncDisposableStack();
  const endpoint = stack.use(await startSimulatedEndpoint(options));
  const router = stack.use(await routerBefore([endpoint], { recovery }));
  return { endpoint, router, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A conversation of so many turns, the words in each of them too many for a small context all together. */
function talk(turns: number, words = 40): object[] {
  const texts = Array.from({ length: turns }, (_, i) => `${i} ${'word '.repeat(words)}`);
  return [
    { role: 'system', content: 'be brief' },
    ...texts.flatMap((text, i) => [
      { role: 'user', content: text },
      ...(i < turns - 1 ? [{ role: 'assistant', content: 'ok' }] : []),
    ]),
  ];
}

/** What an endpoint was asked, as JSON, at that turn. */
function jsonAsked(endpoint: SimulatedEndpoint, index: number): Json {
  return asked(endpoint)[index]?.json;
}

const messagesIn = (endpoint: SimulatedEndpoint, index: number): { role: string; content: string }[] =>
  jsonAsked(endpoint, index).messages;
const recovered = (answer: Parameters<typeof headerIn>[0]) => headerIn(answer, 'x-nomyo-recovered');
const SMALL = { models: [{ name: 'm', contextLength: 600 }] } as const;

describe('a conversation that does not fit', () => {
  for (const kind of ['llama-server', 'vllm', 'openai'] as const) {
    test(`is shortened once, by what ${kind} says of its length, where the operator wants it`, async () => {
      await using on = await stage({ kind, ...SMALL }, { context: true });
      const messages = talk(40);
      const answer = await on.router.ask(COMPLETION, { body: { model: 'm', messages, max_tokens: 5 } });
      assert.equal(answer.status, 200, textOf(answer));
      assert.deepEqual(counts(on.endpoint), [2]);
      assert.deepEqual(messagesIn(on.endpoint, 0), messages, 'nothing is left out before the endpoint refuses');
      const kept = messagesIn(on.endpoint, 1);
      assert.deepEqual(kept, [messages[0], ...messages.slice(1 + messages.length - kept.length)], 'the oldest go');
      assert.equal(kept[1]?.role, 'user');
      assert.ok(kept.length > 6, 'and no more than need be');
      assert.equal(recovered(answer), `oldest messages left out (${messages.length - kept.length})`);
      await on.router.idle();
    });
  }

  test('is refused where the operator does not want it', async () => {
    await using off = await stage({ kind: 'llama-server', ...SMALL }, { tools: true, images: true });
    const answer = await off.router.ask(COMPLETION, { body: { model: 'm', messages: talk(40), tools: TOOLS } });
    assert.deepEqual([answer.status, recovered(answer)], [400, undefined]);
    assert.match(jsonOf(answer).error.message, /exceeds the available context size \(600 tokens\)/);
    assert.deepEqual(counts(off.endpoint), [1]);
  });

  for (const [truncate, context, status] of [
    [undefined, false, 200],
    [null, false, 200],
    [true, false, 200],
    [false, false, 400],
    [false, true, 400],
  ] as const) {
    test(`on ${CHAT} with truncate ${truncate} and recovery.context ${context} is a ${status}`, async () => {
      await using fleet = await stage({ kind: 'llama-server', ...SMALL }, { context });
      const body = { model: 'm', messages: talk(40), stream: false, truncate };
      const answer = await fleet.router.ask(CHAT, { body });
      assert.equal(answer.status, status, textOf(answer));
      assert.deepEqual(counts(fleet.endpoint), [status === 200 ? 2 : 1]);
      assert.equal(recovered(answer) !== undefined, status === 200);
      if (status === 400)
        assert.match(jsonOf(answer).error, /^request \(\d+ tokens\) exceeds the available context size/);
    });
  }

  test('is told of in the head of a stream too', async () => {
    await using fleet = await stage({ kind: 'llama-server', ...SMALL });
    const answer = await fleet.router.ask(CHAT, { body: { model: 'm', messages: talk(40) } });
    assert.match(recovered(answer) ?? '', /^oldest messages left out \(\d+\)$/);
    assert.match(textOf(answer), /"done":true/);
  });

  test('keeps every other byte of the request', async () => {
    await using fleet = await stage({ kind: 'ollama', models: ['m'] });
    fleet.endpoint.faults.add({ ...OVERFLOW, times: 1 });
    const kept = '{ "role":"us\\u0065r", "content" : "\\u00fc ü 😀", "x":1.0}';
    const [before, behind] = ['{"model":"m", "stream":false,\n "messages":', ', "options":{"seed":1.50}, "y":1e2}'];
    const body = `${before}[{"role":"user","content":"old"}, {"role":"assistant","content":"x"} , ${kept}]${behind}`;
    assert.equal((await fleet.router.ask(CHAT, { body })).status, 200);
    assert.deepEqual(
      asked(fleet.endpoint).map((request) => request.body.toString()),
      [body, `${before}[${kept}]${behind}`],
    );
  });

  test('loses its tools where no turn is left to go', async () => {
    await using fleet = await stage({ kind: 'llama-server', models: ['m'] }, { context: true });
    fleet.endpoint.faults.add({ ...OVERFLOW, times: 2 });
    const body = { model: 'm', messages: talk(2), tools: TOOLS, tool_choice: 'auto' };
    const answer = await fleet.router.ask(COMPLETION, { body });
    assert.equal(answer.status, 200, textOf(answer));
    assert.equal(recovered(answer), 'oldest messages left out (2); tools left out');
    const { messages, tools, tool_choice } = jsonAsked(fleet.endpoint, 2);
    assert.deepEqual([messages, tools, tool_choice], [[talk(2)[0], talk(2)[3]], undefined, undefined]);
  });

  test('is refused in the end, after no more than two changes, in the words of the last refusal', async () => {
    await using fleet = await stage({ kind: 'llama-server', models: ['m'] }, { context: true });
    fleet.endpoint.faults.add(OVERFLOW);
    const answer = await fleet.router.ask(COMPLETION, { body: { model: 'm', messages: talk(200), tools: TOOLS } });
    assert.deepEqual([answer.status, counts(fleet.endpoint)], [400, [3]]);
    assert.match(jsonOf(answer).error.message, /^request \(1000 tokens\)/);
    fleet.endpoint.forgetRequests();
    const alone = await fleet.router.ask(COMPLETION, {
      body: { model: 'm', messages: [{ role: 'user', content: 'x' }] },
    });
    assert.deepEqual([alone.status, counts(fleet.endpoint)], [400, [1]], 'at once where nothing can go');
    await fleet.router.idle();
  });

  test('holds one slot all the while', async () => {
    await using fleet = await stage({ kind: 'llama-server', ...SMALL }, { context: true });
    await fleet.router.ask(COMPLETION, { body: { model: 'm', messages: talk(40) } });
    assert.deepEqual([fleet.endpoint.peakInFlight('m'), await fleet.router.inFlight()], [1, {}]);
  });
});

describe('before an endpoint refuses', () => {
  test('a conversation is shortened where the operator wants that and the context is known', async () => {
    await using fleet = await stage({ kind: 'llama-server', ...SMALL }, { context: true, context_ahead: true });
    const answer = await fleet.router.ask(COMPLETION, { body: { model: 'm', messages: talk(40) } });
    assert.equal(answer.status, 200, textOf(answer));
    assert.deepEqual(counts(fleet.endpoint), [1]);
    assert.match(recovered(answer) ?? '', /^oldest messages left out/);
  });

  for (const [name, kind, recovery, body] of [
    ['where it fits', 'llama-server', { context: true, context_ahead: true }, { messages: talk(3, 2) }],
    ['where the context is not known', 'openai', { context: true, context_ahead: true }, { messages: talk(20) }],
    ['where nothing may be left out', 'llama-server', { context_ahead: true }, { messages: talk(20) }],
    ['where the operator does not want it', 'llama-server', { context: true }, { messages: talk(20) }],
  ] as const) {
    test(`nothing is left out ${name}`, async () => {
      await using fleet = await stage({ kind, models: [{ name: 'm', contextLength: 300 }] }, recovery);
      await fleet.router.ask(COMPLETION, { body: { model: 'm', ...body } });
      assert.deepEqual(messagesIn(fleet.endpoint, 0), body.messages);
    });
  }

  test("a client's own word counts there too", async () => {
    await using fleet = await stage({ kind: 'llama-server', ...SMALL }, { context_ahead: true });
    for (const [truncate, times] of [
      [false, 1],
      [true, 1],
    ] as const) {
      fleet.endpoint.forgetRequests();
      const answer = await fleet.router.ask(CHAT, { body: { model: 'm', messages: talk(40), truncate } });
      assert.deepEqual([answer.status, counts(fleet.endpoint)], [truncate ? 200 : 400, [times]]);
    }
  });

  test('what a client writes that is no JSON is its own fault', async () => {
    await using fleet = await stage({ kind: 'llama-server', ...SMALL }, { context: true, context_ahead: true });
    const body = `{"model":"m","messages":[{"role":"user","content":"x","${'k'.repeat(70)}\\x":1}]}`;
    const { status } = await fleet.router.ask(COMPLETION, { body });
    assert.ok(status === 400 || counts(fleet.endpoint)[0] === 1, `${status}, which the endpoint did not say`);
  });
});

const BLIND = {
  role: 'user',
  content: [
    { type: 'text', text: 'see' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
  ],
};
const ABLE_TO = { tools: { tools: TOOLS, messages: [{ role: 'user', content: 'x' }] }, images: { messages: [BLIND] } };

for (const [ability, told] of [
  ['tools', 'tools left out'],
  ['images', 'images left out (1)'],
] as const) {
  describe(`a model that cannot do with ${ability}`, () => {
    for (const kind of ['llama-server', 'vllm', 'openai'] as const) {
      const model = { name: 'm', capabilities: ['completion'] } as const;
      test(`on ${kind} is asked without them where the operator wants it`, async () => {
        await using fleet = await stage({ kind, models: [model] }, { [ability]: true });
        // What a template can do, llama-server asks nobody.
        if (kind === 'llama-server' && ability === 'tools')
          fleet.endpoint.faults.add({
            on: POST,
            times: 1,
            status: 500,
            body: { error: { message: 'tools param requires --jinja flag' } },
          });
        const answer = await fleet.router.ask(COMPLETION, { body: { model: 'm', ...ABLE_TO[ability] } });
        assert.equal(answer.status, 200, textOf(answer));
        assert.equal(recovered(answer), told);
        assert.deepEqual(counts(fleet.endpoint), [2]);
        assert.doesNotMatch(String(asked(fleet.endpoint)[1]?.body), /image_url|"tools"/);
      });
    }

    test('refuses where the operator wants nothing changed, or something else', async () => {
      const model = { name: 'm', capabilities: ['completion'] } as const;
      const other = { context: true, tools: ability !== 'tools', images: ability !== 'images' };
      for (const recovery of [{}, other]) {
        await using fleet = await stage({ kind: 'vllm', models: [model] }, recovery);
        const answer = await fleet.router.ask(COMPLETION, { body: { model: 'm', ...ABLE_TO[ability] } });
        assert.deepEqual([answer.status, recovered(answer), counts(fleet.endpoint)], [400, undefined, [1]]);
      }
    });
  });
}

test('a request may lose both its images and its tools, and that is said of both', async () => {
  const model = { name: 'm', capabilities: ['completion'] } as const;
  await using fleet = await stage({ kind: 'vllm', models: [model] }, { tools: true, images: true });
  const body = { model: 'm', messages: [BLIND], tools: TOOLS };
  const answer = await fleet.router.ask(COMPLETION, { body });
  assert.equal(answer.status, 200, textOf(answer));
  assert.deepEqual(recovered(answer)?.split('; ').toSorted(), ['images left out (1)', 'tools left out']);
});

test("Ollama's own words for a model without tools are understood on Ollama's own route", async () => {
  const model = { name: 'm', capabilities: ['completion'] } as const;
  await using fleet = await stage({ kind: 'ollama', models: [model] }, { tools: true });
  const body = { model: 'm', messages: [{ role: 'user', content: 'x' }], tools: TOOLS, stream: false };
  const answer = await fleet.router.ask(CHAT, { body });
  assert.deepEqual([answer.status, recovered(answer)], [200, 'tools left out'], textOf(answer));
});

test('another endpoint is asked with the whole conversation, and nothing is said of what the first one was spared', async () => {
  await using first = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loaded: ['m'] });
  await using second = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([first, second]);
  first.faults.add({ ...OVERFLOW, times: 1 });
  first.faults.add({ on: POST, status: 503, body: { error: 'server busy' } });
  const answer = await router.ask(CHAT, { body: { model: 'm', messages: talk(4), stream: false } });
  assert.deepEqual([answer.status, recovered(answer)], [200, undefined], textOf(answer));
  assert.deepEqual(counts(first, second), [2, 1]);
  assert.ok(messagesIn(first, 1).length < talk(4).length);
  assert.deepEqual(messagesIn(second, 0), talk(4));
  await router.idle();
});

test('a request is changed no more than twice over all endpoints', async () => {
  await using first = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'], loaded: ['m'] });
  await using second = await startSimulatedEndpoint({ kind: 'ollama', models: ['m'] });
  await using router = await routerBefore([first, second]);
  first.faults.add({ ...OVERFLOW, times: 1 });
  first.faults.add({ on: POST, status: 503, body: { error: 'server busy' } });
  second.faults.add(OVERFLOW);
  const answer = await router.ask(CHAT, { body: { model: 'm', messages: talk(40), stream: false } });
  assert.equal(answer.status, 400);
  assert.deepEqual(counts(first, second), [2, 2]);
});
