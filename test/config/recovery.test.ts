import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultConfig } from '../../src/config/load.ts';
import { load, messageOf } from './load-text.ts';

test('nothing in a request is changed, nothing fetched, unless the operator says so', () => {
  const { recovery, imageHosts } = defaultConfig();
  assert.deepEqual(recovery, { context: false, contextAhead: false, tools: false, images: false });
  assert.deepEqual(imageHosts, []);
});

test('each recovery has a switch of its own', () => {
  for (const [key, name] of [
    ['context', 'context'],
    ['context_ahead', 'contextAhead'],
    ['tools', 'tools'],
    ['images', 'images'],
  ] as const) {
    const off = defaultConfig().recovery;
    assert.deepEqual(load(`recovery:\n  ${key}: yes`).recovery, { ...off, [name]: true });
  }
  assert.deepEqual(load('recovery:').recovery, defaultConfig().recovery, 'an empty group is no fault');
});

describe('what is no switch stops the start and names its place', () => {
  for (const [text, message] of [
    ['recovery:\n  contxt: true', /config\.yaml:2:3 .*contxt.*context/],
    ['recovery:\n  tools: perhaps', /config\.yaml:2:\d+ .*tools/],
    ['recovery: true', /config\.yaml:1:\d+ .*recovery/],
    ['image_hosts: [ "http://a" ]', /config\.yaml:1:\d+ .*host name such as cdn\.example\.org/],
    ['image_hosts: [ "" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ "*" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ "a.*.b" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ "*a.example" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ "a/b" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ "a.example:99999" ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['image_hosts: [ 256.1.1.1 ]', /config\.yaml:1:\d+ .*image_hosts/],
    ['timeouts:\n  heartbeat: soon', /config\.yaml:2:\d+ .*heartbeat/],
    ['timeouts:\n  heartbeat: -1', /config\.yaml:2:\d+ .*heartbeat/],
    ['timeouts:\n  heart_beat: 1s', /config\.yaml:2:3 .*heartbeat/],
  ] as const)
    test(text.replace('\n', ' '), () => assert.match(messageOf(text), message));
});

test('hosts of images are read in any case, alone or with all below them', () => {
  const hosts = (text: string) => load(`image_hosts: ${text}`).imageHosts;
  assert.deepEqual(hosts('[ CDN.example.org, " *.Example.org ", "münchen.example", "a.example:8443", "192.0.2.7" ]'), [
    'cdn.example.org',
    '*.example.org',
    'münchen.example',
    'a.example:8443',
    '192.0.2.7',
  ]);
  assert.deepEqual(hosts('[]'), []);
});

test('signs of life come after ten seconds, after another time, or not at all', () => {
  const heartbeat = (text: string) => load(`timeouts:\n  heartbeat: ${text}`).timeouts.heartbeat;
  assert.equal(defaultConfig().timeouts.heartbeat, 10_000);
  assert.deepEqual(['250ms', '2', '1m', '0', '0s'].map(heartbeat), [250, 2_000, 60_000, 0, 0]);
});
