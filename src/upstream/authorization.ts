import type { Endpoint } from '../domain/endpoint.ts';

/** The endpoint's own key as the header it expects, name and value: the bytes of the key's UTF-8 text. */
export function authorization({ key }: Endpoint): string[] {
  return key === undefined ? [] : ['Authorization', `Bearer ${Buffer.from(key.reveal(), 'utf8').toString('latin1')}`];
}
