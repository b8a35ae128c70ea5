import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startFleet } from '../../src/simulator/fleet.ts';
import { routerBefore } from '../support/router.ts';
import type { Json } from '../support/wire.ts';
import { modelAt, PLACES, type Place, usePlaces } from './places.ts';

/** Versions that were seen working; installed once into a cache folder. */
const PACKAGES = ['ollama==0.6.3', 'openai==3.57.0', 'anthropic==2.14.0'];
/** Each prints a line per model and one for all. */
const SCRIPTS = ['dialects.py', 'talk.py'] as const;
/** Where endpoints stream what they say. */
const STREAMS = /chat|generate|completions|responses|messages/;
/** Servers whose own stream of a response openai-python's helper cannot take. */
const HELPER_RAISES: readonly Place[] = ['llama-server', 'llama-router'];
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const venv = join(cache, 'nomyo-router', `python-${PACKAGES.join('-').replaceAll('==', '-')}`);

/** A Python with the clients, or why there is none. */
function pythonWithClients(): { python: string } | { missing: string } {
  const python = join(venv, 'bin', 'python');
  try {
    if (!existsSync(join(venv, 'ready'))) {
      execFileSync('python3', ['-m', 'venv', venv]);
      execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES]);
      execFileSync('touch', [join(venv, 'ready')]);
    }
    return { python };
  } catch (error) {
    return {
      missing: `the Python clients cannot be had: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
    };
  }
}

const found = pythonWithClients();
const skip = 'missing' in found ? found.missing : false;
if (skip !== false && process.env['CI'] === 'true') throw new Error(skip);

/** Runs a script beside this file; the JSON of each line that it prints. */
async function printed(script: string, ...args: readonly string[]): Promise<Json[]> {
  const python = 'python' in found ? found.python : '';
  const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, script), ...args]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test('every method of ollama-python for one model answers as without a router, async too', { skip }, async () => {
  const capabilities = ['completion', 'tools', 'insert', 'vision', 'thinking', 'embedding'] as const;
  await using fleet = await startFleet({
    a: { kind: 'ollama', version: '0.33.0', models: [{ name: 'able', capabilities, embeddingLength: 8 }] },
  });
  const { a } = fleet.endpoints;
  await using router = await routerBefore([a]);
  const lines = await printed('methods.py', a.url, router.url, 'able');
  assert.equal(lines.length, 52);
  for (const line of lines) assert.deepEqual(line.router, line.direct, line.method);
  const answers = new Map(lines.map((line) => [line.method, line.router]));
  assert.equal(answers.get('chat').message.role, 'assistant');
  assert.equal(answers.get('chat with a tool').message.tool_calls[0].function.name, 'weather');
  assert.deepEqual(answers.get('embed nothing').embeddings, []);
  assert.deepEqual(answers.get('unknown, embed'), [404, 'model "nobody" not found, try pulling it first']);
  assert.deepEqual(answers.get('invalid, chat, async'), [400, 'invalid model name']);
  assert.equal(answers.get('ps').models[0].name, 'able:latest');
  assert.equal(answers.get('generate, unloading').done_reason, 'unload');
});

describe('the official Python clients through the router, with every sort of server', { skip }, () => {
  const places = usePlaces();
  const said = new Map<string, Json>();
  const summary = new Map<string, Json>();
  before(async () => {
    if (skip !== false) return;
    for (const script of SCRIPTS) {
      const lines = await printed(script, places.router.url, ...PLACES.map(modelAt));
      summary.set(script, lines.pop());
      for (const line of lines) said.set(`${script} ${line.model}`, line);
    }
  });

  for (const place of PLACES) {
    const model = modelAt(place);

    test(`2 ${place}: the same at once and in pieces, on every route`, () => {
      const line = said.get(`dialects.py ${model}`);
      for (const name of ['chat', 'tools', 'completion', 'embedding', 'response', 'message', 'message_tools']) {
        assert.ok(Array.isArray(line[name]), `${name}: ${line[name]}`);
        const [whole, pieces] = line[name];
        assert.ok(JSON.stringify(whole).length > 9, `${name}: ${whole}`);
        assert.deepEqual(pieces, whole, name);
      }
      assert.equal(typeof JSON.parse(line.tools[0]).city, 'string');
      assert.equal(typeof line.message_tools[0].city, 'string');
      assert.equal(line.embedding[0].length, 2);
    });

    test(`2 ${place}: its helper for responses, sound, pictures and names with slashes`, () => {
      const line = said.get(`dialects.py ${model}`);
      if (HELPER_RAISES.includes(place)) assert.match(line.helped, /Error: /);
      else assert.equal(line.helped, line.response[0]);
      assert.equal(line.sound, `${model} heard 9 bytes of a.wav`);
      assert.match(line.message_picture, /^I see 1 image/);
      assert.deepEqual(line.retrieved, [model, model]);
    });
  }

  for (const place of PLACES) {
    test(`4 ${place}: ollama-python chats, generates, calls, sees, is held to a schema and embeds`, () => {
      const line = said.get(`talk.py ${modelAt(place)}`);
      assert.deepEqual([line.tokens, line.openaiTokens], [14, 14], '5 of reasoning, 9 of text');
      assert.equal(line.chatDone, true);
      assert.ok(line.chat.length > 9);
      assert.equal(line.chatStream, line.chat);
      assert.ok(line.generate.length > 9);
      assert.equal(line.generateStream, line.generate);
      assert.equal(line.openaiStream, line.openai);
      assert.equal(line.tool.name, 'weather');
      assert.equal(typeof line.tool.arguments.city, 'string');
      assert.match(line.seen, /^I see 1 image/);
      assert.equal(typeof line.formed.city, 'string');
      assert.deepEqual([line.vectors, line.vector], [[8, 8], 8]);
    });
  }

  test('4.9 ollama-python lists and shows every model; an unknown one is told in our words', () => {
    const { shown, unknown, missing, listed, running } = summary.get('talk.py');
    assert.deepEqual([shown, running], [true, true]);
    assert.deepEqual(listed, PLACES.map(modelAt).toSorted());
    assert.deepEqual(unknown, [404, "model 'nobody' not found"]);
    assert.equal(missing, 'model_not_found');
  });

  for (const [what, fault] of Object.entries({
    'breaks off': { errorAfterTokens: { count: 7, message: 'the model died' } },
    'just ends': { silentEndAfterTokens: 7 },
  })) {
    test(`R20 a stream that ${what} is no normal end for any of them`, async () => {
      for (const place of PLACES) places.at(place).faults.add({ on: { path: STREAMS }, ...fault });
      for (const { model, ends } of await printed('broken.py', places.router.url, ...PLACES.map(modelAt))) {
        assert.equal(Object.keys(ends).length, 8);
        for (const [name, end] of Object.entries<string>(ends)) {
          const wanted = name === 'openai response' ? /Error: .|response\.failed$/ : /Error: ./;
          assert.match(end, wanted, `${name} of ${model}`);
        }
      }
      for (const place of PLACES) places.at(place).faults.clear();
    });
  }

  test('0 both list the models; an unknown one is told in our words', () => {
    const { ids, claude, unknown, unknownMessage } = summary.get('dialects.py');
    const names = PLACES.map(modelAt).toSorted();
    assert.deepEqual([ids, claude], [names, names]);
    assert.match(unknown, /^NotFoundError: .*model 'nobody' not found/);
    assert.match(unknownMessage, /^NotFoundError: .*model 'nobody' not found/);
  });
});
