import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../src/domain/secret.ts';

test('a secret is printed nowhere and told to who asks for it', () => {
  const secret = new Secret('s3cret');
  const printed = [
    `${secret}`,
    JSON.stringify({ secret }),
    inspect({ secret }, { depth: 9, showHidden: true }),
    String(secret),
  ];
  assert.ok(
    printed.every((text) => text.includes('***') && !text.includes('s3cret')),
    printed.join(),
  );
  assert.equal(secret.reveal(), 's3cret');
});
