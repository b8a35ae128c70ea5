import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scanObject } from '../../../src/protocols/json/scan.ts';
import { addMember, cutMembers, setValue, splice } from '../../../src/protocols/json/splice.ts';

type Pair = readonly [string, string];

const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
const key = fc.oneof(fc.constantFrom('model', 'x', 'nomyo'), fc.string({ unit: 'binary', maxLength: 5 }));
const value = fc.oneof(
  fc.constantFrom('1.0', '9007199254740993', '1e-7', '"\\u00e9\\ud83d\\ude00"', '"é😀"', '{"b" : [ ]}'),
  fc.jsonValue().map((json) => JSON.stringify(json)),
);
const pairs = fc.array(fc.tuple(key, value), { maxLength: 6 });

function write(members: readonly Pair[], gap: string): string {
  const parts = members.map(([name, json]) => `${gap}${JSON.stringify(name)}${gap}:${gap}${json}`);
  return `${gap}{${parts.join(`${gap},`)}${gap}} tail`;
}

/** Names and values as they stand in the text. */
function read(text: Buffer): Pair[] {
  return scanObject(text).map((member) => [member.key, text.toString('utf8', member.start, member.end)]);
}

test('a value that is set leaves every other byte as it was', () => {
  fc.assert(
    fc.property(pairs, space, fc.nat(), value, (members, gap, place, json) => {
      fc.pre(members.length > 0);
      const at = place % members.length;
      const bytes = Buffer.from(write(members, gap));
      const member = scanObject(bytes)[at];
      assert.ok(member !== undefined);
      const changed = members.map(([name, old], i): Pair => [name, i === at ? json : old]);
      assert.equal(splice(bytes, [setValue(member, json)]).toString(), write(changed, gap));
    }),
  );
});

test('a member that is added comes last and leaves the others as they were', () => {
  fc.assert(
    fc.property(pairs, space, key, value, (members, gap, name, json) => {
      const bytes = Buffer.from(write(members, gap));
      const found = scanObject(bytes);
      const added = splice(bytes, [addMember(found, bytes.indexOf('{'), name, json)]);
      assert.deepEqual(read(added), [...members, [name, json]]);
      assert.ok(added.toString().startsWith(bytes.toString('utf8', 0, found.at(-1)?.end ?? bytes.indexOf('{') + 1)));
      assert.ok(added.toString().endsWith(`${gap}} tail`));
    }),
  );
});

test('members that are cut take their commas along and leave the others as they were', () => {
  fc.assert(
    fc.property(pairs, space, (members, gap) => {
      const bytes = Buffer.from(write(members, gap));
      const left = splice(bytes, cutMembers(scanObject(bytes), 'nomyo'));
      assert.deepEqual(
        read(left),
        members.filter(([name]) => name !== 'nomyo'),
      );
      assert.ok(left.toString().endsWith(' tail'));
      if (members.every(([name]) => name !== 'nomyo')) assert.equal(left, bytes);
    }),
    { numRuns: 500 },
  );
});

test('members are cut, set and added in one go where another one stays', () => {
  fc.assert(
    fc.property(pairs, pairs, space, (before, after, gap) => {
      const members: Pair[] = [...before, ['kept', '1.0'], ...after];
      const bytes = Buffer.from(write(members, gap));
      const found = scanObject(bytes);
      const kept = found.find((member) => member.key === 'kept');
      assert.ok(kept !== undefined);
      const edits = [
        ...cutMembers(found, 'nomyo'),
        setValue(kept, '2'),
        addMember(found, bytes.indexOf('{'), 'new', '3'),
        addMember(found, bytes.indexOf('{'), 'newer', '4'),
      ];
      const first = members.findIndex(([name]) => name === 'kept');
      const wanted = members.map(([name, json], i): Pair => [name, i === first ? '2' : json]);
      assert.deepEqual(read(splice(bytes, edits)), [
        ...wanted.filter(([name]) => name !== 'nomyo'),
        ['new', '3'],
        ['newer', '4'],
      ]);
    }),
  );
});

for (const [what, before, after] of [
  ['the first', '{ "nomyo" : 1 , "b":2}', '{ "b":2}'],
  ['the last', '{"a":1 , "nomyo":2 }', '{"a":1 }'],
  ['one in the middle', '{"a":1,\n"nomyo":{},\n"b":2}', '{"a":1,\n"b":2}'],
  ['the only one', '{ "nomyo":1 }', '{  }'],
  ['two side by side', '{"a":1,"nomyo":1,"nomyo":2,"b":3}', '{"a":1,"b":3}'],
  ['all of them', '{"nomyo":1,"nomyo":2}', '{}'],
  ['the first and the last', '{"nomyo":1,"a":1,"nomyo":2}', '{"a":1}'],
  ['one inside another object, which is not meant', '{"a":{"nomyo":1}}', '{"a":{"nomyo":1}}'],
] as const) {
  test(`cut is ${what}`, () => {
    const bytes = Buffer.from(before);
    assert.equal(splice(bytes, cutMembers(scanObject(bytes), 'nomyo')).toString(), after);
  });
}

test('a number beyond 2^53 survives a splice', () => {
  const bytes = Buffer.from('{"seed":9007199254740993,"model":"a"}');
  const member = scanObject(bytes)[1];
  assert.ok(member !== undefined);
  assert.equal(splice(bytes, [setValue(member, '"b"')]).toString(), '{"seed":9007199254740993,"model":"b"}');
});

test('bytes that are not UTF-8 survive a splice', () => {
  const bytes = Buffer.from('{"p":"\xff\xfe","model":"a"}', 'latin1');
  const member = scanObject(bytes)[1];
  assert.ok(member !== undefined);
  assert.equal(splice(bytes, [setValue(member, '"b"')]).toString('latin1'), '{"p":"\xff\xfe","model":"b"}');
});
