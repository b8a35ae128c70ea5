import { hash } from './text.ts';

/** A made-up but stable probability of a token, with as many alternatives as asked for. */
export function tokenLogprob(token: string, alternatives: number): object {
  const top = Array.from({ length: alternatives }, (_, i) => entry(i === 0 ? token : `${token}${i}`, i));
  return { ...entry(token, 0), ...(alternatives > 0 ? { top_logprobs: top } : {}) };
}

function entry(token: string, rank: number): object {
  return { token, logprob: -((hash(token) % 997) + 1) / 1000 - rank, bytes: [...Buffer.from(token)] };
}
