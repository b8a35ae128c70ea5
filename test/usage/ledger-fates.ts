import type { Dice } from './ledger-dice.ts';
import type { Question } from './ledger-questions.ts';
import type { Fate } from './ledger-trial.ts';

const FINISHES: Fate = { name: 'finishes' };

/**
 * What may become of a request that one endpoint has. `pieces`: how many its answer surely has; `plain`: the client sees
 * every token as it comes.
 */
export function fateOf(dice: Dice, { streams }: Question, pieces: number, plain: boolean): Fate {
  if (dice.chance(0.4)) return FINISHES;
  const count = 1 + dice.below(pieces);
  const by = dice.pick(['client', 'cancel'] as const);
  const isSeen = streams && plain;
  const stalls = { fault: { stallAfterTokens: count }, until: isSeen ? { pieces: count } : { tokens: count } } as const;
  const broken = { errorAfterTokens: { count: dice.below(pieces + 1), message: 'boom' } };
  const anything: readonly Fate[] = [
    { name: `stalls, ${by} ends it`, ...stalls, by },
    { name: 'reports an error', fault: broken },
    { name: 'is cut', fault: { cutAtByte: dice.pick(['head', 1 + dice.below(1_500)]) } },
    { name: 'comes in pieces', fault: { splitAt: Array.from({ length: 12 }, () => dice.below(1_500)) } },
    ...unanswered(dice),
  ];
  const ofStreams: readonly Fate[] = [
    { name: 'ends in silence', fault: { silentEndAfterTokens: dice.below(pieces + 1) } },
    { name: 'is left', until: isSeen ? { pieces: count } : 'asked', by: 'client' },
    { name: 'is left at the end', until: isSeen ? { pieces } : 'asked', by: 'client' },
  ];
  return dice.pick(streams ? [...anything, ...ofStreams] : anything);
}

/** What may become of a question that has no words for an answer. */
export function stillFate(dice: Dice): Fate {
  return dice.chance(0.6)
    ? FINISHES
    : dice.pick([...unanswered(dice), { name: 'is cut', fault: { cutAtByte: 1 + dice.below(40) } }]);
}

/** Makes another endpoint answer. */
export function failingFate(dice: Dice): Fate {
  const fault = dice.pick([
    { cutAtByte: 'head' },
    { cutAtByte: 1 + dice.below(9) },
    { status: 503, body: { error: 'busy' } },
    { status: 429, body: { error: 'slow down' } },
  ] as const);
  return { name: 'is answered elsewhere', fault };
}

function unanswered(dice: Dice): readonly Fate[] {
  const by = dice.pick(['client', 'cancel'] as const);
  const status = dice.pick([400, 500, 503]);
  return [
    { name: 'is refused', fault: { status, body: { error: 'no' } } },
    { name: `is never answered, ${by} ends it`, fault: { hang: true }, until: 'asked', by },
  ];
}
