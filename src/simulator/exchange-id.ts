import type { Exchange } from './exchange.ts';
import { hash } from './text.ts';

/** Hexadecimal digits that name an exchange, the same whenever asked; `more` tells several ids of one exchange apart. */
export function exchangeId({ recording }: Exchange, digits: number, more = ''): string {
  const seed = `${recording.startedAt} ${recording.id} ${recording.connection} ${more}`;
  let id = '';
  for (let i = 0; id.length < digits; i++) id += hash(`${seed} ${i}`).toString(16).padStart(8, '0');
  return id.slice(0, digits);
}
