import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPublicAddress } from '../../src/domain/ip-address.ts';

/** Ranges that are not public: their first and last address, and the public ones next to them. */
const V4: readonly (readonly [first: string, last: string, ...beside: string[]])[] = [
  ['0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['168.63.129.16', '168.63.129.16', '168.63.129.15', '168.63.129.17'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['169.254.169.254', '169.254.169.254'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '239.255.255.255', '223.255.255.255'],
  ['240.0.0.0', '255.255.255.255'],
];

const V6: readonly (readonly [first: string, last: string, ...beside: string[]])[] = [
  ['::', '::1'],
  ['::8.8.8.8', '::ffff:ffff'],
  ['::ffff:0:0', '::ffff:ffff:ffff'],
  ['::ffff:8.8.8.8', '::ffff:127.0.0.1'],
  ['::ffff:0:8.8.8.8', '::ffff:0:ffff:ffff'],
  ['64:ff9b::', '64:ff9b::ffff:ffff'],
  ['64:ff9b::8.8.8.8', '64:ff9b::169.254.169.254'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2000:ffff::', '2001:200::'],
  ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:2::', '2001:4860:4860::8888'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db7:ffff::', '2001:db9::'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:ffff::', '2003::'],
  ['2002:7f00:1::', '2002:a9fe:a9fe::'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3ffe:ffff::', '3fff:1000::'],
  ['4000::', '5f00::1', '3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fd00:ec2::254', 'FD00:EC2::254', '2606:4700:4700::1111', '2606:4700:4700::ABCD'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];

for (const [first, last, ...beside] of [...V4, ...V6]) {
  test(`${first} to ${last} is not public, what lies beside it is`, () => {
    assert.equal(isPublicAddress(first), false, first);
    assert.equal(isPublicAddress(last), false, last);
    for (const address of beside) assert.equal(isPublicAddress(address), true, address);
  });
}

test('every address of the private ranges, and every IPv4 address written in IPv6, is not public', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, (a, b, c) => {
      for (const address of [`10.${a}.${b}.${c}`, `127.${a}.${b}.${c}`, `192.168.${a}.${b}`, `169.254.${a}.${b}`]) {
        assert.equal(isPublicAddress(address), false, address);
      }
      for (const prefix of ['::', '::ffff:', '64:ff9b::', '0:0:0:0:0:ffff:']) {
        assert.equal(isPublicAddress(`${prefix}8.${a}.${b}.${c}`), false);
      }
    }),
  );
});

const NO_ADDRESS = [
  '',
  'localhost',
  '8.8.8',
  '8.8.8.8.8',
  '8.8.8.256',
  '8.8.8.08',
  '8.8.8.8 ',
  '8.8.8.0x8',
  '134744072',
  '8.8.8.8.',
  '[2606:4700::1]',
  '2606:4700::1%eth0',
  '2606:4700:::1',
  '2606::4700::1',
  '2606:4700:1:2:3:4:5',
  '2606:4700:1:2:3:4:5:6:7',
  '2606:4700:1:2:3:4:5:6::',
  '2606:4700:1:2:3:4:5::6:7',
  ':2606:4700:1:2:3:4:5:6',
  '2606:4700:1:2:3:4:5:6:',
  '2606:47001::1',
  '2606:g::1',
  '2606:8.8.8.8::1',
  '2606::8.8.8.8:1',
  '2606::8.8.8.256',
  '2606::8.8.8',
];

for (const text of NO_ADDRESS) {
  test(`'${text}' is no address and so not public`, () => assert.equal(isPublicAddress(text), false));
}

test('what begins as a public IPv6 address is public exactly where Node calls all of it an address', () => {
  const group = fc.constantFrom('0', '00', '1', '2001', 'db8', 'DB8', 'ffff', '8.8.8.8', '8.8.8', '', '', '12345', 'g');
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 9 }), (groups) => {
      const text = `2606:${groups.join(':')}`;
      assert.equal(isPublicAddress(text), isIPv6(text), text);
    }),
    { numRuns: 5_000 },
  );
});

test('a public address is public in all its spellings', () => {
  for (const spelling of ['2606:4700::1', '2606:4700:0:0:0:0:0:1', '2606:4700:0::0.0.0.1', '2606:4700:0:0:0::1']) {
    assert.equal(isPublicAddress(spelling), true, spelling);
  }
});
