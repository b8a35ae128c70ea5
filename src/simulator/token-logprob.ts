import { hash } from './text.ts';

/** A made-up but stable probability of a token, with as many alternatives as asked for; `withId`: with the tokens' numbers. */
export function tokenLogprob(token: string, alternatives: number, withId = false): object {
  const top = Array.from({ length: alternatives }, (_, i) => entry(i === 0 ? token : `${token}${i}`, i, withId));
  return { ...entry(token, 0, withId), ...(alternatives > 0 ? { top_logprobs: top } : {}) };
}

function entry(token: string, rank: number, withId: boolean): object {
  const id = withId ? { id: hash(token) % 32_000 } : {};
  return { ...id, token, logprob: -((hash(token) % 997) + 1) / 1000 - rank, bytes: [...Buffer.from(token)] };
}
