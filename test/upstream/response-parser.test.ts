import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EndpointFailure } from '../../src/errors.ts';
import { type ParserEvents, ResponseParser } from '../../src/upstream/response-parser.ts';

/** What a parser made of bytes, whatever pieces they came in. */
interface Outcome {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
  readonly end: 'reusable' | 'complete' | EndpointFailure['reason'];
}

/** Bytes, and what they mean. */
interface Sample {
  readonly wire: string;
  readonly outcome: Outcome;
  readonly headLength: number;
  readonly untilClose: boolean;
}

const latin1 = (unit: fc.Arbitrary<string>, maxLength = 12) => fc.string({ unit, maxLength });
const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
const visible = fc
  .oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff }))
  .map((code) => String.fromCharCode(code));
const token = fc
  .string({ unit: fc.constantFrom(..."abcXYZ09!#$%&'*+-.^_`|~"), minLength: 1, maxLength: 8 })
  .map((text) => `X-${text}`);
const blank = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
/** A header as it is written, and what it says. */
const header = fc
  .tuple(token, blank, latin1(visible), latin1(visible), blank)
  .map(([name, before, first, second, after]) => {
    const value = first === '' || second === '' ? first + second : `${first} ${second}`;
    return { line: `${name}:${before}${value}${after}\r\n`, pair: [name, value] };
  });
const headers = fc.array(header, { maxLength: 5 });
const interim = fc
  .tuple(fc.constantFrom(100, 102, 103, 199), headers)
  .map(([status, lines]) => `HTTP/1.1 ${status}\r\n${lines.map(({ line }) => line).join('')}\r\n`);
const extension = fc.oneof(
  fc.constant(''),
  fc.tuple(blank, latin1(visible)).map(([space, text]) => `${space};${text}`),
);
const chunk = fc.record({
  data: fc.string({ unit: byte, minLength: 1, maxLength: 40 }),
  zeros: fc.nat({ max: 3 }),
  upper: fc.boolean(),
  extension,
});
const framing = fc.oneof(
  fc
    .string({ unit: byte, maxLength: 60 })
    .map((body) => ({ body, wire: body, line: `Content-Length: ${body.length}` })),
  fc.string({ unit: byte, maxLength: 60 }).map((body) => ({ body, wire: body, line: undefined })),
  fc.tuple(fc.array(chunk, { maxLength: 6 }), extension, headers).map(([chunks, last, trailers]) => ({
    body: chunks.map(({ data }) => data).join(''),
    wire: `${chunks.map(chunkText).join('')}0${last}\r\n${trailers.map(({ line }) => line).join('')}\r\n`,
    line: 'Transfer-Encoding: chunked',
  })),
);
const sample: fc.Arbitrary<Sample> = fc
  .record({
    interims: fc.array(interim, { maxLength: 2 }),
    status: fc.integer({ min: 200, max: 999 }).filter((status) => status !== 204 && status !== 304),
    reason: fc.string({ unit: visible, maxLength: 10 }),
    lines: headers,
    framing,
    closes: fc.boolean(),
  })
  .map(sampleOf);

function chunkText({
  data,
  zeros,
  upper,
  extension,
}: {
  data: string;
  zeros: number;
  upper: boolean;
  extension: string;
}): string {
  const digits = data.length.toString(16);
  return `${'0'.repeat(zeros)}${upper ? digits.toUpperCase() : digits}${extension}\r\n${data}\r\n`;
}

function sampleOf(parts: {
  interims: string[];
  status: number;
  reason: string;
  lines: { line: string; pair: string[] }[];
  framing: { body: string; wire: string; line: string | undefined };
  closes: boolean;
}): Sample {
  const { interims, status, reason, lines, framing, closes } = parts;
  const extra = [framing.line, closes ? 'Connection: close' : undefined].filter((line) => line !== undefined);
  const head = [
    `HTTP/1.1 ${status} ${reason}\r\n`,
    ...lines.map(({ line }) => line),
    ...extra.map((line) => `${line}\r\n`),
    '\r\n',
  ];
  const wire = interims.join('') + head.join('');
  const untilClose = framing.line === undefined;
  return {
    wire: wire + framing.wire,
    headLength: wire.length,
    untilClose,
    outcome: {
      status,
      headers: [...lines.flatMap(({ pair }) => pair), ...extra.flatMap((line) => line.split(': '))],
      body: framing.body,
      end: closes || untilClose ? 'complete' : 'reusable',
    },
  };
}

/** Notes what a parser tells. */
class Told implements ParserEvents {
  readonly calls: string[] = [];
  status: number | undefined;
  headers: readonly string[] = [];
  readonly body: Buffer[] = [];
  reusable: boolean | undefined;

  head(status: number, headers: string[]): void {
    this.calls.push('head');
    this.status = status;
    this.headers = headers;
  }

  data(bytes: Buffer): void {
    this.calls.push('data');
    this.body.push(Buffer.from(bytes));
  }

  end(reusable: boolean): void {
    this.calls.push('end');
    this.reusable = reusable;
  }

  outcome(end: Outcome['end']): Outcome {
    assert.match(this.calls.join(' '), /^(head( data)*( end)?)?$/);
    const { status, headers } = this;
    return { status, headers, body: Buffer.concat(this.body).toString('latin1'), end };
  }
}

/** Feeds bytes in pieces and then the end of the connection. Throws where anything but a failure is thrown or told. */
function parse(pieces: readonly string[]): Outcome {
  const told = new Told();
  const parser = new ResponseParser(told, 'GET');
  try {
    for (const piece of pieces) {
      // Bytes after the end: whoever owns the connection closes it.
      if (told.reusable !== undefined && piece !== '') told.reusable = false;
      push(parser, piece);
    }
    if (told.reusable === undefined) parser.eof();
  } catch (error) {
    if (!(error instanceof EndpointFailure)) throw error;
    return told.outcome(error.reason);
  }
  return told.outcome(told.reusable === true ? 'reusable' : 'complete');
}

/** As a connection does: in a buffer that is overwritten afterwards. */
function push(parser: ResponseParser, piece: string): void {
  const shared = Buffer.from(piece, 'latin1');
  try {
    parser.push(shared);
  } finally {
    shared.fill('!');
  }
}

/** The text in pieces, cut at fractions of its length. */
function cut(text: string, fractions: readonly number[]): string[] {
  const places = [
    0,
    ...fractions.map((fraction) => Math.floor(fraction * text.length)).sort((a, b) => a - b),
    text.length,
  ];
  return places.slice(1).map((end, i) => text.slice(places[i], end));
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });

test('any answer means the same in whatever pieces it comes', () => {
  fc.assert(
    fc.property(sample, cuts, ({ wire, outcome }, places) => {
      assert.deepEqual(parse(cut(wire, places)), outcome);
      assert.deepEqual(parse([...wire]), outcome);
    }),
    { numRuns: 500 },
  );
});

test('no answer is complete before its last byte', () => {
  fc.assert(
    fc.property(
      sample,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      cuts,
      (given, fraction, places) => {
        const { wire, headLength, untilClose } = given;
        const length = Math.floor(fraction * wire.length);
        const { end } = parse(cut(wire.slice(0, length), places));
        assert.equal(end, untilClose && length >= headLength ? 'complete' : 'broken');
      },
    ),
    { numRuns: 1000 },
  );
});

test('bytes after an answer make its connection unusable', () => {
  fc.assert(
    fc.property(
      sample.filter(({ untilClose }) => !untilClose),
      fc.string({ unit: byte, minLength: 1, maxLength: 20 }),
      cuts,
      ({ wire, outcome }, extra, places) => {
        assert.deepEqual(parse(cut(wire + extra, places)), { ...outcome, end: 'complete' });
      },
    ),
  );
});

test('garbage is a failure or an answer, the same in whatever pieces it comes, and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: byte, maxLength: 200 }), damaged()), cuts, (wire, places) => {
      assert.deepEqual(parse(cut(wire, places)), parse([wire]));
    }),
    { numRuns: 3000 },
  );
});

test('lines and heads have the same greatest length in whatever pieces they come', () => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  const ofLength: Readonly<Record<string, (length: number) => string>> = {
    head: (length) => `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(length)}\r\nContent-Length: 0\r\n\r\n`,
    size: (length) => `${chunked}${'0'.repeat(length)}\r\n\r\n`,
    extension: (length) => `${chunked}0;${'x'.repeat(length)}\r\n\r\n`,
    trailer: (length) => `${chunked}0\r\nX: ${'x'.repeat(length)}\r\n\r\n`,
  };
  for (const [what, wire] of Object.entries(ofLength)) {
    const longest = longestAccepted(wire);
    assert.ok(longest > 1000 && longest < 65_536, what);
    for (const length of [longest, longest + 1]) {
      for (let i = 1; i < 12; i++) {
        const text = wire(length);
        assert.equal(
          parse([text.slice(0, -i), text.slice(-i)]).end,
          parse([text]).end,
          `${what} of ${length}, cut ${i}`,
        );
      }
    }
  }
});

/** The greatest length with which the text is an answer. */
function longestAccepted(wire: (length: number) => string): number {
  let [low, high] = [0, 100_000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (parse([wire(middle)]).end === 'invalid') high = middle;
    else low = middle;
  }
  return low;
}

/** A valid answer with a few bytes replaced, left out or put in. */
function damaged(): fc.Arbitrary<string> {
  const telling = fc.oneof(
    byte,
    fc.constantFrom('\r', '\n', ' ', ':', ';', '0', '\r\n', '\r\n\r\n', '0\r\n\r\n', 'Content-Length: 3\r\n'),
  );
  const damage = fc.tuple(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat({ max: 2 }),
    fc.oneof(fc.constant(''), telling),
  );
  return fc.tuple(sample, fc.array(damage, { minLength: 1, maxLength: 3 })).map(([{ wire }, damages]) =>
    damages.reduce((text, [fraction, removed, put]) => {
      const at = Math.floor(fraction * text.length);
      return text.slice(0, at) + put + text.slice(at + removed);
    }, wire),
  );
}
