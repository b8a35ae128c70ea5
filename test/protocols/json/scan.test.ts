import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeString, findMember, JsonSyntaxError, scanArray, scanObject } from '../../../src/protocols/json/scan.ts';

/** Whether the scanner takes the text for a JSON object, and one with nothing behind it but white space. */
function accepts(text: string): boolean {
  try {
    scanObject(Buffer.from(text));
    const [first, second, more] = scanObject(Buffer.from(`{"first":${text},"second":1}`));
    return first?.key === 'first' && second?.key === 'second' && more === undefined;
  } catch (error) {
    assert.ok(error instanceof JsonSyntaxError, `${error}`);
    return false;
  }
}

function parses(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ stringUnit: 'binary' }));
const jsonText = fc
  .tuple(object, fc.constantFrom(undefined, 1, '\t'))
  .map(([value, indent]) => JSON.stringify(value, null, indent));

test('what JSON.parse takes, the scanner takes', () => {
  fc.assert(fc.property(jsonText, accepts));
});

test('of texts with one character changed it takes those that JSON.parse takes', () => {
  const noise = fc.constantFrom(...'{}[]",:\\/u0123456789abefnrtE+-. \n\t\u0000\u0007');
  const changed = fc.tuple(jsonText, fc.nat(), fc.constantFrom(0, 1), noise).map(([text, place, cut, put]) => {
    const at = place % (text.length + 1);
    return text.slice(0, at) + put + text.slice(at + cut);
  });
  // Far inside a long string the scanner sees less than JSON.parse: the facts below.
  const short = changed.filter((text) => !/"[^"]{20}/.test(text));
  fc.assert(
    fc.property(short, (text) => accepts(text) === parses(text)),
    { numRuns: 3_000 },
  );
});

test('a member is where its key and its value are, in order, twice where it stands twice', () => {
  const entries = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.jsonValue()));
  fc.assert(
    fc.property(entries, fc.constantFrom('', ' ', '\r\n\t'), (pairs, space) => {
      const parts = pairs.map(([key, value]) => `${JSON.stringify(key)}${space}:${space}${JSON.stringify(value)}`);
      const bytes = Buffer.from(`${space}{${space}${parts.join(`${space},${space}`)}${space}}`);
      const found = scanObject(bytes).map(({ key, start, end }) => [
        key,
        JSON.parse(bytes.toString('utf8', start, end)),
      ]);
      assert.deepEqual(found, JSON.parse(JSON.stringify(pairs)));
      for (const { key, keyStart, start } of scanObject(bytes))
        assert.equal(JSON.parse(bytes.toString('utf8', keyStart, bytes.lastIndexOf(':', start))), key);
    }),
  );
});

test('the elements of an array are where its values are', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      const bytes = Buffer.from(JSON.stringify(values, null, 1));
      const found = scanArray(bytes).map(({ start, end }) => JSON.parse(bytes.toString('utf8', start, end)));
      assert.deepEqual(found, JSON.parse(JSON.stringify(values)));
    }),
  );
});

test('of equal names the last one counts', () => {
  const bytes = Buffer.from('{"a":1,"b":2,"a":3}');
  const member = findMember(scanObject(bytes), 'a');
  assert.equal(bytes.toString('utf8', member?.start, member?.end), '3');
});

test('what stands behind the object is not looked at', () => {
  assert.equal(scanObject(Buffer.from('{"a":1} trailing "}')).length, 1);
});

test('nesting of a thousand levels is taken and a megabyte of brackets refused', () => {
  assert.equal(scanObject(Buffer.from(`{"a":${'['.repeat(999)}${']'.repeat(999)}}`)).length, 1);
  for (const text of ['['.repeat(1 << 20), '{"a":'.repeat(200_000)])
    assert.throws(() => scanObject(Buffer.from(`{"a":${text}`)), { message: 'nested too deeply' });
  assert.throws(() => scanArray(Buffer.from('['.repeat(1 << 20))), JsonSyntaxError);
});

test('a string ends at its own quote, however many backslashes stand around the border to long strings', () => {
  for (let length = 56; length <= 72; length++) {
    for (let slashes = 0; slashes <= 5; slashes++) {
      const value = `${'x'.repeat(length)}${'\\'.repeat(slashes)}"${'\\'.repeat(slashes)}`;
      const bytes = Buffer.from(`{"a":${JSON.stringify(value)},"b":1}`);
      const [member] = scanObject(bytes);
      assert.equal(decodeString(bytes, member?.start ?? 0, member?.end ?? 0), value);
      assert.equal(scanObject(bytes).length, 2);
    }
  }
});

test('the bytes before and behind the view are not read', () => {
  const all = Buffer.from('{"a":"xx"}'.repeat(3));
  for (let end = 11; end < 20; end++) {
    const view = all.subarray(10, end);
    assert.throws(() => scanObject(view), { name: 'Error', message: 'unexpected end', offset: view.length });
  }
});

test('every beginning of an object is an unexpected end', () => {
  const whole = `{"k\\u00e9y":[true,false,null,-1.5e+3,"${'\\"'.repeat(50)}"],"o":{"p":{}}}`;
  for (let end = 0; end < whole.length; end++) {
    assert.throws(
      () => scanObject(Buffer.from(whole.slice(0, end))),
      { message: 'unexpected end' },
      whole.slice(0, end),
    );
  }
});

for (const [text, offset] of [
  ['[1]', 0],
  ['{"a" 1}', 5],
  ["{'a':1}", 1],
  ['{"a":1,}', 7],
  ['{"a":01}', 5],
  ['{"a":+1}', 5],
  ['{"a":1.}', 7],
  ['{"a":.5}', 5],
  ['{"a":1e}', 7],
  ['{"a":NaN}', 5],
  ['{"a":trUe}', 7],
  ['{"a":"\\q"}', 7],
  ['{"a":"\\u12g4"}', 10],
  ['{"a":"\n"}', 6],
  ['{"a":"\\\n"}', 7],
  ['{"\\x":1}', 3],
  ['\ufeff{"a":1}', 0],
] as const) {
  test(`${JSON.stringify(text)} is no object, which shows at ${offset}`, () => {
    assert.throws(() => scanObject(Buffer.from(text)), { offset });
  });
}

test('control characters and escapes far inside a long string are left to whoever decodes it', () => {
  for (const inside of ['\n', '\\q', '\\u12']) {
    const bytes = Buffer.from(`{"a":"${'x'.repeat(80)}${inside}","b":1}`);
    const [member] = scanObject(bytes);
    assert.equal(scanObject(bytes).length, 2);
    if (inside === '\n') assert.match(decodeString(bytes, member?.start ?? 0, member?.end ?? 0), /x\n$/);
    else assert.throws(() => decodeString(bytes, member?.start ?? 0, member?.end ?? 0), JsonSyntaxError);
  }
});

test('an escape has four hexadecimal digits of either case', () => {
  for (const digits of ['0009', 'afAF', 'F0a9']) assert.equal(scanObject(Buffer.from(`{"\\u${digits}":1}`)).length, 1);
  for (const digit of ['/', ':', '@', 'G', '`', 'g'])
    assert.throws(() => scanObject(Buffer.from(`{"\\u000${digit}":1}`)), { message: 'invalid escape', offset: 7 });
});

test('a long key with a bad escape is a syntax error too', () => {
  assert.throws(() => scanObject(Buffer.from(`{"${'k'.repeat(80)}\\q":1}`)), JsonSyntaxError);
});

test('a text of a hundred thousand members is read in one go', () => {
  const bytes = Buffer.from(`{${'"a":1,'.repeat(200_000)}"b":"${'x'.repeat(1 << 23)}"}`);
  assert.equal(scanObject(bytes).length, 200_001);
});
