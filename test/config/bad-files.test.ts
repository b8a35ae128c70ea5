// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is the syntax under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, messageOf } from './load-text.ts';

/** What is wrong with it, the file, the whole message. */
const BAD_FILES: readonly (readonly [string, string, string])[] = [
  [
    'an unknown key names the nearest',
    'port: 1\nmax_concurent_connections: 2\n',
    'config.yaml:2:1 unknown key "max_concurent_connections" - did you mean "max_concurrent_connections"?',
  ],
  [
    'a key in the wrong spelling names the right one',
    'llamaServerEndpoints: []\n',
    'config.yaml:1:1 unknown key "llamaServerEndpoints" - did you mean "llama_server_endpoints"?',
  ],
  [
    'a key that is like no other still names one',
    'xyzzy: 1\n',
    'config.yaml:1:1 unknown key "xyzzy" - the nearest valid one is "host"',
  ],
  [
    'an unknown key of an entry shows its path',
    'endpoints:\n  - http://a\n  - http://b\n  - url: http://c\n    slotz: 2\n',
    'config.yaml:5:5 unknown key "endpoints[2].slotz" - did you mean "slots"?',
  ],
  [
    'an unknown key of a group shows its path',
    'timeouts:\n  connekt: 2\n',
    'config.yaml:2:3 unknown key "timeouts.connekt" - did you mean "connect"?',
  ],
  [
    'keys of JavaScript objects are keys like any other',
    '__proto__: {port: 1}\nlimits: {constructor: 1}\n',
    'config.yaml:1:1 unknown key "__proto__" - the nearest valid one is "port"\nconfig.yaml:2:10 unknown key "limits.constructor" - the nearest valid one is "body"',
  ],
  ['a key written twice', 'port: 1\nhost: a\nport: 2\n', 'config.yaml:3:1 "port" is written twice, first in line 1'],
  [
    'a word for a number',
    'max_concurrent_connections: two\n',
    'config.yaml:1:29 max_concurrent_connections must be a whole number of at least 1, got "two"',
  ],
  ...['0', '-1', '1.5', '1e9', '.nan', '.inf', '0x10', '99999999999999999999'].map(
    (number) =>
      [
        `${number} for a whole number of at least 1`,
        `max_concurrent_connections: ${number}\n`,
        `config.yaml:1:29 max_concurrent_connections must be a whole number of at least 1, got "${number}"`,
      ] as const,
  ),
  ['a port that is none', 'port: 65536\n', 'config.yaml:1:7 port must be a whole number from 0 to 65535, got "65536"'],
  ['a list for a number', 'port: [1]\n', 'config.yaml:1:7 port must be a whole number from 0 to 65535, got a list'],
  [
    'a URL for a host',
    'host: http://0.0.0.0\n',
    'config.yaml:1:7 host must be a host name or address without scheme and port, got "http://0.0.0.0"',
  ],
  [
    'a host with a port',
    'host: 0.0.0.0:80\n',
    'config.yaml:1:7 host must be a host name or address without scheme and port, got "0.0.0.0:80"',
  ],
  [
    'one URL where a list is wanted',
    'endpoints: http://a\n',
    'config.yaml:1:12 endpoints must be a list of endpoints, each behind "- ", got "http://a"',
  ],
  [
    'keys where a list is wanted',
    'endpoints:\n  url: http://a\n',
    'config.yaml:2:3 endpoints must be a list of endpoints, each behind "- ", got further keys',
  ],
  [
    'a value where keys are wanted',
    'limits: 3\n',
    'config.yaml:1:9 limits must hold further keys, indented below it, got "3"',
  ],
  [
    'a list for an endpoint',
    'endpoints:\n  - [http://a]\n',
    'config.yaml:2:5 endpoints[0] must be a URL, or keys such as "url:" and "name:", got a list',
  ],
  ['an endpoint without URL', 'endpoints:\n  - name: a\n', 'config.yaml:2:5 endpoints[0] needs a "url"'],
  [
    'an empty list of endpoints',
    'endpoints: []\n',
    'config.yaml:1:12 endpoints lists no endpoint: name one, or remove the key to use the Ollama at http://127.0.0.1:11434',
  ],
  [
    'a URL of another scheme',
    'endpoints: [ftp://a]\n',
    'config.yaml:1:13 endpoints[0] must start with http:// or https://, got "ftp://a"',
  ],
  ...['http://', 'http:/a', '/a', '"http://a b"', 'http://a:99999', '"http://a\\\\b"', '"mailto:x"'].map(
    (url) =>
      [
        `${url} for a URL`,
        `endpoints: [${url}]\n`,
        `config.yaml:1:13 endpoints[0] must be a URL such as http://192.168.0.50:11434, got ${JSON.stringify(url.replaceAll('"', '').replace('\\\\', '\\'))}`,
      ] as const,
  ),
  [
    'an unknown kind names the nearest',
    'endpoints:\n  - {url: "http://a", kind: olama}\n',
    'config.yaml:2:29 endpoints[0].kind must be one of ollama, llama-server, vllm, openai, got "olama" - did you mean "ollama"?',
  ],
  [
    'an allow-list that allows nothing',
    'endpoints:\n  - {url: "http://a", models: []}\n',
    'config.yaml:2:31 endpoints[0].models must name a model: without the key all are allowed',
  ],
  [
    'one server twice in a list',
    'endpoints:\n  - http://a:11434\n  - http://A:11434/\n',
    'config.yaml:3:5 endpoints[1] is the same server as endpoints[0] in line 2',
  ],
  [
    'one server in both lists',
    'endpoints:\n  - http://a/v1\nllama_server_endpoints:\n  - http://a\n',
    'config.yaml:4:5 llama_server_endpoints[0] is the same server as endpoints[0] in line 2',
  ],
  [
    'one name twice',
    'endpoints:\n  - {url: "http://a", name: x}\n  - {url: "http://b", name: x}\n',
    'config.yaml:3:29 endpoints[1].name is also the name of endpoints[0] in line 2',
  ],
  [
    'a size without meaning',
    'limits:\n  body: 64 apples\n',
    'config.yaml:2:9 limits.body must be a size such as "64MiB", got "64 apples"',
  ],
  [
    'less room for all bodies than for one',
    'limits:\n  held: 1MiB\n',
    'config.yaml:2:3 limits.held (1MiB) is smaller than limits.body (64MiB)',
  ],
  [
    'no time where some is needed',
    'timeouts:\n  idle: 0\n',
    'config.yaml:2:9 timeouts.idle must be a time such as "30s" or "5m", got "0"',
  ],
  [
    "a time that Node's timers cannot hold",
    'timeouts:\n  idle: 30d\n',
    'config.yaml:2:9 timeouts.idle must be a time such as "30s" or "5m", got "30d"',
  ],
  [
    'a path in an origin',
    'cors_origins: [https://a/b]\n',
    'config.yaml:1:16 cors_origins[0] must be "*" or an origin such as https://chat.example.org, got "https://a/b"',
  ],
  [
    'an unknown backend',
    'cache_backend: sqllite\n',
    'config.yaml:1:16 cache_backend must be one of memory, sqlite, redis, got "sqllite" - did you mean "sqlite"?',
  ],
  [
    'a fraction above 1',
    'cache_similarity: 1.1\n',
    'config.yaml:1:19 cache_similarity must be a number from 0 to 1, got "1.1"',
  ],
  [
    'neither true nor false',
    'cache_enabled: maybe\n',
    'config.yaml:1:16 cache_enabled must be true or false, got "maybe"',
  ],
  ['a file that is a list', '- http://a\n', 'config.yaml:1:1 must hold settings such as "endpoints:", got a list'],
  ['a tab as indentation', 'endpoints:\n\t- http://a\n', 'config.yaml:2:1 is indented with a tab: use spaces'],
  [
    'two documents',
    'port: 1\n---\nport: 2\n',
    'config.yaml:2:1 starts a second document ("---"): the file must hold one',
  ],
  [
    'a quote that is never closed',
    'host: "a\nport: 1\n',
    'config.yaml:3:1 a quoted text that begins further up is never closed',
  ],
  [
    'a text that begins with a sign of YAML',
    'host: @home\n',
    'config.yaml:1:7 a text begins with a sign that means something in YAML: quote it',
  ],
  [
    'a bracket that is never closed',
    'endpoints: [http://a\nport: 1\n',
    'config.yaml:2:1 a [ ], { } or quoted text is not closed, or not indented enough',
  ],
  [
    'a line without a colon',
    'port: 1\nhost\n',
    'config.yaml:2:1 is no "key: value": a ":" is missing, or the line is indented wrongly',
  ],
  [
    'a list and keys beside each other',
    '- a\nport: 1\n',
    'config.yaml:2:1 does not belong here: look at the indentation and the quotes of this line',
  ],
  [
    'a variable without quotes in a flow list',
    'endpoints: [${A}]\n',
    'config.yaml:1:14 lacks a comma, or quotes around a text such as "${VAR}" in [ ] or { }',
  ],
  [
    'a tag of another program',
    'port: !env PORT\n',
    'config.yaml:1:12 port has a tag that means nothing here: quote a text that begins with "!"',
  ],
  [
    'an alias without an anchor',
    'port: *p\n',
    'config.yaml:1:7 port refers to a name that is not defined above it: quote a text that begins with "*"',
  ],
  ['an alias of itself', 'endpoints: &e [*e]\n', 'config.yaml:1:15 endpoints is nested too deep'],
  ['nesting without end', '['.repeat(100_000), 'config.yaml:1:776 is nested too deep'],
];

for (const [what, file, message] of BAD_FILES) {
  test(`stops the start: ${what}`, () => {
    assert.equal(messageOf(file).replace(/:1:\d+ is nested/, ':1:776 is nested'), message);
  });
}

test('a few aliases that stand for a billion values are refused at once', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(10)}]`);
  const start = performance.now();
  assert.equal(messageOf(lines.join('\n')), 'config.yaml:1:1 stands for more than 50000 values');
  assert.ok(performance.now() - start < 2000);
});

test('an unknown key of a megabyte is refused at once', () => {
  const start = performance.now();
  assert.match(
    messageOf(`? ${'x'.repeat(1_000_000)}\n: 1\n`),
    /^config\.yaml:1:3 unknown key "x{77}\.\.\." - the nearest/,
  );
  assert.ok(performance.now() - start < 1000);
});

test('text that is not UTF-8 is refused with its line', () => {
  const latin1 = Buffer.from('port: 1\n# gr\xfc\xdfe\n', 'latin1');
  assert.equal(messageOf(latin1), 'config.yaml:2:1 is not UTF-8 text: save the file as UTF-8');
});

test('all faults come in one message, in the order of the file', () => {
  assert.equal(
    messageOf('timeouts: {drain: x}\nendpoints:\n  - {url: "ftp://a", slotz: 1}\nport: y\n'),
    `config.yaml:1:19 timeouts.drain must be a time such as "30s" or 0, got "x"
config.yaml:3:11 endpoints[0].url must start with http:// or https://, got "ftp://a"
config.yaml:3:22 unknown key "endpoints[0].slotz" - did you mean "slots"?
config.yaml:4:7 port must be a whole number from 0 to 65535, got "y"`,
  );
});

test('no message is longer than anyone reads', () => {
  const lines = messageOf(Array.from({ length: 50 }, (_, i) => `key_${i}: 1\n`).join('')).split('\n');
  assert.equal(lines.length, 21);
  assert.equal(lines.at(-1), '... and 30 more');
});

test('a bad value of the environment or of an option names the variable or the option', () => {
  assert.equal(
    messageOf('port: 1\n', { NOMYO_ROUTER_PORT: 'x', NOMYO_ROUTER_CACHE_BACKEND: 'y' }, { endpoints: ['ftp://a'] }),
    `--endpoint must start with http:// or https://, got "ftp://a"
NOMYO_ROUTER_PORT must be a whole number from 0 to 65535, got "x"
NOMYO_ROUTER_CACHE_BACKEND must be one of memory, sqlite, redis, got "y" - the nearest valid one is "memory"`,
  );
});

const SECRET = 'sk-very-secret';
for (const file of [
  `nomyo-router-api-key: [${SECRET}]\n`,
  `api_keys:\n  "http://a": {${SECRET}: 1}\n`,
  `endpoints:\n  - {url: "http://a", key: [${SECRET}]}\n`,
  `endpoints: ["http://a"]\napi_keys:\n  "http://a": "${SECRET}\\n"\n`,
  `endpoints: ["http://user:${SECRET}@a:1"]\n`,
  `endpoints: ["user:${SECRET}@a:1"]\n`,
  `endpoints: ["http://user:${SECRET}@a:x"]\n`,
  `endpoints: ["http://a/?key=${SECRET}"]\n`,
  `api_keys:\n  "http://a": "x" ${SECRET}\n`,
  `api_keys:\n  http://a: x: ${SECRET}\n`,
  `api_keys:\n  "http://a": *${SECRET}\n`,
  `api_keys:\n  "http://a": !${SECRET}\n`,
  `api_keys:\n  "http://a": "${SECRET}\n`,
  `api_keys:\n  "http://a": >${SECRET}\n`,
  `api_keys:\n  "http://a": |\n${SECRET}\n`,
  `api_keys:\n  "http://a": !${SECRET}!\n`,
  SECRET,
]) {
  test(`no message shows a secret: ${file.replaceAll(SECRET, 'SECRET').replaceAll('\n', ' ')}`, () => {
    const message = messageOf(file);
    assert.match(message, /^config\.yaml:\d+:\d+ /);
    assert.ok(!message.includes(SECRET) && !message.includes('secret'), message);
  });
}

test('no warning shows a password of a URL', () => {
  const { warnings } = load(`endpoints: ["http://a"]\napi_keys:\n  "http://user:${SECRET}@b": \${X}\n`);
  assert.deepEqual(warnings, [
    'config.yaml:3:35 api_keys matches no endpoint; the nearest is http://a',
    'config.yaml:3:35 ${X} is not set: no key is sent to that endpoint',
  ]);
});
