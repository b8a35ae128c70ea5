import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startSimulatedEndpoint } from '../../src/simulator/endpoint.ts';
import { ask } from '../contract/ask.ts';

const messages = [{ role: 'user', content: 'Tell me 2 tokens' }];

describe('a simulated Ollama with an account', () => {
  it('runs cloud models that it does not list, and keeps none in memory', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', account: 'me', models: ['x:20b-cloud'] });
    for (const model of ['kimi:cloud', 'x:20b:CLOUD', 'x:20b-cloud']) {
      const answer = await ask(endpoint.url, '/api/chat', { body: { model, messages, stream: false } });
      assert.deepEqual([answer.status, answer.json().model], [200, model]);
    }
    assert.deepEqual((await ask(endpoint.url, '/api/ps')).json(), { models: [] });
  });

  it('knows who that is until they sign out, and then where to sign in', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', account: 'me' });
    const me = () => ask(endpoint.url, '/api/me', { method: 'POST' });
    assert.equal((await me()).json().name, 'me');
    const search = () => ask(endpoint.url, '/api/experimental/web_search', { body: { query: 'x' } });
    assert.equal((await search()).json().results.length, 1);
    assert.equal((await ask(endpoint.url, '/api/signout', { method: 'POST' })).text, 'null');
    const answer = await me();
    assert.deepEqual([answer.status, answer.json().error], [401, 'unauthorized']);
    assert.match(answer.json().signin_url, /^https:/);
    const page = await ask(endpoint.url, '/api/experimental/web_fetch', { body: { url: 'https://x' } });
    assert.deepEqual([(await search()).status, page.status], [401, 401]);
    const cloud = await ask(endpoint.url, '/api/chat', { body: { model: 'kimi:cloud', messages } });
    assert.equal(cloud.status, 401);
  });

  it('gives each question of systemone an answer of its type, from 0.33 on', async () => {
    await using endpoint = await startSimulatedEndpoint({ kind: 'ollama', version: '0.33.0', models: ['tiny'] });
    const questions = {
      sure: { type: 'noul' },
      which: { type: 'choice', criteria: { a: null, b: 'x' } },
      much: { type: 'score', criteria: ['low', 'high'] },
    };
    const { answers } = (await ask(endpoint.url, '/v1/systemone', { body: { model: 'tiny', questions } })).json();
    assert.deepEqual(answers.which, { type: 'choice', choice: 'a', probabilities: { a: 1, b: 0 }, confidence: 1 });
    assert.deepEqual(answers.much.legend, { 0: 'low', 1: 'high' });
    assert.equal(typeof answers.sure.noul, 'number');
  });
});
