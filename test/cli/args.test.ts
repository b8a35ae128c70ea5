import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgs } from '../../src/cli/args.ts';

for (const [line, name, overrides] of [
  ['', 'serve', {}],
  ['serve', 'serve', {}],
  ['--config a.yaml --host 0.0.0.0 --port 8080', 'serve', { config: 'a.yaml', host: '0.0.0.0', port: 8080 }],
  ['-c a.yaml -H :: -p 0', 'serve', { config: 'a.yaml', host: '::', port: 0 }],
  ['--port=8080 serve', 'serve', { port: 8080 }],
  ['--endpoint http://a --endpoint=http://b/v1', 'serve', { endpoints: ['http://a', 'http://b/v1'] }],
  ['check-config -c a.yaml', 'check-config', { config: 'a.yaml' }],
  ['demo --port 9', 'demo', { port: 9 }],
  ['--port 1 --port 2', 'serve', { port: 2 }],
] as const) {
  test(`"nomyo-router ${line}" is the command ${name}`, () => {
    assert.deepEqual(parseArgs(line.split(' ').filter(Boolean)), { name, overrides });
  });
}

for (const [line, message] of [
  ['serv', 'unknown command "serv" - did you mean "serve"?'],
  ['constructor', 'unknown command "constructor" - the nearest valid one is "serve"'],
  ['serve now', '"now" is one word too many'],
  ['--prot 1', 'unknown option "--prot" - did you mean "--port"?'],
  ['-c a --endpoints http://a', 'unknown option "--endpoints" - did you mean "--endpoint"?'],
  ['demo --config a', '--config means nothing to "demo"'],
  ['--port', '--port needs a value'],
  ['-p', '-p needs a value'],
  ['--config --port 1', '--config needs a value'],
  ['--host=', '--host needs a value'],
  ['--port 65536', '--port must be a whole number from 0 to 65535, got "65536"'],
  ['--port 1.5', '--port must be a whole number from 0 to 65535, got "1.5"'],
  ['-p x', '-p must be a whole number from 0 to 65535, got "x"'],
] as const) {
  test(`"nomyo-router ${line}" is a wrong command line: ${message}`, () => {
    const command = parseArgs(line.split(' '));
    assert.deepEqual(command, { name: 'wrong', message: `${message}\nTry "nomyo-router --help".`, exitCode: 2 });
  });
}

for (const line of ['--help', '-h', 'help', 'serve -h', 'demo --port 1 --help']) {
  test(`"nomyo-router ${line}" shows the help`, () => {
    const command = parseArgs(line.split(' '));
    assert.equal(command.name, 'help');
    for (const word of ['check-config', 'demo', '--config', '--host', '--port', '--endpoint', '--version']) {
      assert.ok(command.name === 'help' && command.text.includes(word), word);
    }
  });
}

for (const line of ['--version', '-v', 'version']) {
  test(`"nomyo-router ${line}" shows the version`, () => assert.deepEqual(parseArgs([line]), { name: 'version' }));
}
