import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RouterError } from '../../../src/errors.ts';
import { parseForm } from '../../../src/protocols/audio/multipart.ts';
import { formOf, typeOf } from './forms.ts';

/** The fields of a form, in order. */
function read(body: string | Buffer, contentType = typeOf('b')): [string, string][] {
  const bytes = Buffer.from(body);
  return parseForm(bytes, contentType).map(({ name, start, end }) => [name, bytes.toString('latin1', start, end)]);
}

const head = (name: string) => `Content-Disposition: form-data; name=${name}`;

for (const [what, body, expected] of [
  ['a field', `--b\r\n${head('a')}\r\n\r\n1\r\n--b--\r\n`, [['a', '1']]],
  ['no line end behind it', `--b\r\n${head('a')}\r\n\r\n1\r\n--b--`, [['a', '1']]],
  ['texts before and behind it', `pre --b\r\n--b\r\n${head('a')}\r\n\r\n1\r\n--b--\r\npost\r\n--b\r\n`, [['a', '1']]],
  ['an empty line before it', `\r\n--b\r\n${head('a')}\r\n\r\n1\r\n--b--`, [['a', '1']]],
  [
    'padded boundaries',
    `--b \t\r\n${head('a')}\r\n\r\n1\r\n--b  \r\n${head('c')}\r\n\r\n2\r\n--b-- \r\n`,
    [
      ['a', '1'],
      ['c', '2'],
    ],
  ],
  ['an empty value', `--b\r\n${head('a')}\r\n\r\n\r\n--b--`, [['a', '']]],
  ['no value at all', `--b\r\n${head('a')}\r\n\r\n--b--`, [['a', '']]],
  ['lines in a value', `--b\r\n${head('a')}\r\n\r\n\r\n\r\n1\r\n\r\n--b--`, [['a', '\r\n\r\n1\r\n']]],
  [
    'what only looks like a boundary',
    `--b\r\n${head('a')}\r\n\r\n--b\r\n\r\n--bc\r\n--b c\r\nx--b--\r\n-b--\n--b--\r\n--b--`,
    [
      ['a', ''],
      ['', '--bc\r\n--b c\r\nx--b--\r\n-b--\n--b--'],
    ],
  ],
  ['no headers', `--b\r\n\r\n1\r\n--b--`, [['', '1']]],
  [
    'headers in any case and order',
    `--b\r\nX: y\r\ncontent-DISPOSITION :form-data;NAME="a"\r\nContent-Type: t\r\n\r\n1\r\n--b--`,
    [['a', '1']],
  ],
  ['a folded header', `--b\r\nContent-Disposition: form-data;\r\n name="a"\r\n\r\n1\r\n--b--`, [['a', '1']]],
  ['escapes in a name', `--b\r\n${head('"a\\"\\\\b"')}\r\n\r\n1\r\n--b--`, [['a"\\b', '1']]],
  ['something that is no field', `--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--b--`, [['', '1']]],
  ['nothing', `--b--`, []],
] as const) {
  test(`2.9 a form with ${what}`, () => assert.deepEqual(read(body), expected));
}

test('2.9 a boundary may be quoted', () => {
  const body = formOf("a b'()+_,-./:=?", [{ name: 'x', value: '1' }]);
  assert.deepEqual(read(body, `multipart/form-data; charset=utf-8; boundary="a b'()+_,-./:=?"`), [['x', '1']]);
});

for (const [what, body, type, said] of [
  ['without a type', '--b--', undefined, /must be multipart\/form-data/],
  ['of another type', '--b--', 'application/json', /must be multipart\/form-data/],
  ['without a boundary', '--b--', 'multipart/form-data', /names no boundary/],
  ['with an empty boundary', '--b--', 'multipart/form-data; boundary=""', /names no boundary/],
  ['with an endless boundary', '--b--', typeOf('b'.repeat(71)), /longer than 70/],
  ['that is empty', '', typeOf('b'), /ends before its closing boundary/],
  ['of another boundary', '--c\r\n\r\n\r\n--c--', typeOf('b'), /ends before its closing boundary/],
  ['with bare line feeds', `--b\n${head('a')}\n\n1\n--b--`, typeOf('b'), /ends before its closing boundary/],
  ['that is cut off', `--b\r\n${head('a')}\r\n\r\n1\r\n--b`, typeOf('b'), /ends before its closing boundary/],
  ['that begins twice', `--b\r\n--b\r\n${head('a')}\r\n\r\n1\r\n--b--`, typeOf('b'), /no end of its header/],
  ['with half a header', `--b\r\n${head('a')}\r\n--b--`, typeOf('b'), /no end of its header/],
  ['with an endless header', `--b\r\nX: ${'x'.repeat(20_000)}\r\n\r\n1\r\n--b--`, typeOf('b'), /no end of its header/],
] as const) {
  test(`2.9 a form ${what} is refused`, () => {
    assert.throws(
      () => parseForm(Buffer.from(body), type),
      (error) => error instanceof RouterError && error.code === 'invalid_parameter' && said.test(error.message),
    );
  });
}

const boundary = fc
  .string({ unit: fc.constantFrom(..."-aB0'()+_,./:=?"), minLength: 1, maxLength: 69 })
  .map((text) => `${text}x`);

/** Bytes, some of which nearly are a boundary. */
function trickyBytes(mark: string): fc.Arbitrary<Buffer> {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom('\r\n', '\r', '\n', '-', '--', `--${mark}`, `\r\n--${mark}`, `\r\n--${mark.slice(0, -1)}`)
      .map((text) => Buffer.from(text)),
  );
  return fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat(pieces));
}

/** Whether a form with this value would be read otherwise by any server: no client writes it. */
function ends(value: Buffer, mark: string): boolean {
  const text = `\r\n${value.toString('latin1')}\r\n`;
  const delimiter = `\r\n--${mark}`;
  for (let at = text.indexOf(delimiter); at !== -1; at = text.indexOf(delimiter, at + 1))
    if (/^(--|[ \t]*\r\n)/.test(text.slice(at + delimiter.length))) return true;
  return false;
}

test('2.9 whatever the boundary and the bytes, every value is found to the byte', () => {
  const name = fc.string({ unit: fc.constantFrom(...'abé ;=x'), minLength: 1, maxLength: 5 });
  const form = boundary.chain((mark) =>
    fc.tuple(
      fc.constant(mark),
      fc.array(fc.record({ name, value: trickyBytes(mark) }, { noNullPrototype: true }), { maxLength: 4 }),
    ),
  );
  fc.assert(
    fc.property(form, fc.boolean(), ([mark, fields], quoted) => {
      fc.pre(!fields.some(({ value }) => ends(value, mark)));
      const body = formOf(mark, fields);
      const type = typeOf(quoted || /[;"\s]/.test(mark) ? `"${mark}"` : mark);
      const found = parseForm(body, type).map(({ name, start, end }) => ({ name, value: body.subarray(start, end) }));
      assert.deepEqual(found, fields);
      for (const { from, to } of parseForm(body, type)) {
        const without = Buffer.concat([body.subarray(0, from), body.subarray(to)]);
        assert.equal(parseForm(without, type).length, fields.length - 1);
      }
    }),
    { numRuns: 400 },
  );
});

test('2.9 no garbage, no cut and no other byte makes it throw anything but a refusal', () => {
  const form = formOf('b', [
    { name: 'model', value: 'm' },
    { name: 'file', value: '\r\n--\r\n', filename: 'x' },
  ]);
  const changed = fc
    .tuple(fc.nat(form.length), fc.nat(3), fc.uint8Array({ maxLength: 4 }))
    .map(([at, cut, put]) => Buffer.concat([form.subarray(0, at), put, form.subarray(at + cut)]));
  const garbage = fc
    .array(fc.constantFrom('--b', '\r\n', '--', ' ', head('a'), 'x', ':', ';', '"'))
    .map((pieces) => Buffer.from(pieces.join('')));
  const type = fc.oneof(
    fc.constant(typeOf('b')),
    fc.string(),
    fc.string().map((text) => `multipart/form-data;${text}`),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        changed,
        garbage,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      type,
      (body, contentType) => {
        try {
          for (const { start, end, from, to } of parseForm(body, contentType))
            assert.ok(from <= start && start <= end && end <= to && to <= body.length);
        } catch (error) {
          assert.ok(error instanceof RouterError, `${error}`);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('2.9 every cut of a form before its closing boundary is refused', () => {
  const form = formOf('b', [
    { name: 'model', value: 'm' },
    { name: 'file', value: 'abc', filename: 'x' },
  ]);
  for (let end = 0; end < form.length - '\r\n'.length; end++)
    assert.throws(() => parseForm(form.subarray(0, end), typeOf('b')), RouterError, `${end}`);
});

test('a large body made to be slow is not', () => {
  const startedAt = performance.now();
  const dashes = '-'.repeat(70);
  for (const unit of ['-', '\r\n', `\r\n--${dashes}x`, `\r\n--${dashes} `, `--${dashes}\r\n`])
    try {
      parseForm(Buffer.alloc(8 * 1024 * 1024, unit), typeOf(dashes));
    } catch (error) {
      assert.ok(error instanceof RouterError);
    }
  assert.ok(performance.now() - startedAt < 3_000, `${performance.now() - startedAt} ms`);
});
