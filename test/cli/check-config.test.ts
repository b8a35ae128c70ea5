import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConfig } from '../../src/cli/check-config.ts';
import { inFolder, load } from '../config/load-text.ts';

const FILE = `endpoints:
  - {url: "http://a:1/v1", name: gpu-a, kind: vllm, slots: 3, models: [m], cloud: true, key: sk-secret}
  - b:2
nomyo-router-api-key: sk-secret
cors_origins: ["https://chat.example.org"]
cache_redis_url: redis://user:sk-secret@cache:6379/1
limits: {body: 1000}
timeouts: {connect: 1500ms}
`;

test('a valid file is shown as it takes effect, without its secrets', () => {
  const { exitCode, stdout, stderr } = inFolder({ 'config.yaml': FILE }, (cwd) => checkConfig({ env: {}, cwd }));
  assert.equal(exitCode, 0);
  assert.match(stdout, /^# \/.*config\.yaml: valid, 2 endpoints, 1 warning\. In effect:\n/);
  assert.match(stdout, /\n {4}key: "\*\*\*"\n/);
  assert.match(stdout, /\nrouter_api_key: "\*\*\*"\n/);
  assert.match(stdout, /\ncache_redis_url: redis:\/\/\*\*\*@cache:6379\/1\n/);
  assert.ok(!stdout.includes('sk-secret'));
  assert.equal(stderr, 'warning: config.yaml:3:5 http://b:2 was written without its scheme; http:// is assumed\n');
});

test('what is shown is itself a file with the same effect', () => {
  const { stdout } = inFolder({ 'config.yaml': FILE }, (cwd) => checkConfig({ env: {}, cwd }));
  const written = load(FILE);
  const shown = load(stdout);
  for (const part of ['host', 'port', 'limits', 'timeouts', 'corsOrigins', 'dbPath'] as const) {
    assert.deepEqual(shown[part], written[part]);
  }
  const withoutKey = ({ endpoints }: typeof shown) => endpoints.map((endpoint) => ({ ...endpoint, key: undefined }));
  assert.deepEqual(withoutKey(shown), withoutKey(written));
});

test('a bad file is an error with exit code 3 and nothing else', () => {
  const report = inFolder({ 'config.yaml': 'prot: 1\n' }, (cwd) => checkConfig({ env: {}, cwd }));
  assert.deepEqual(report, {
    exitCode: 3,
    stdout: '',
    stderr: 'config.yaml:1:1 unknown key "prot" - did you mean "port"?\n',
  });
});

test('without a file the defaults are shown', () => {
  const { stdout } = inFolder({}, (cwd) => checkConfig({ env: {}, cwd }));
  assert.match(stdout, /^# no configuration file: valid, 1 endpoint\. In effect:\n/);
});
