import { BadQuestion } from './faults.ts';

const HOUR = 3_600;
/** Buckets that are chosen where none is asked for, in seconds. */
const CHOICES = [1, 60, 300, HOUR, 86_400];
const COARSEST = 86_400;
/** What is enough for a chart, per endpoint. */
const CHOSEN_POINTS = 1_500;
/** Points that an answer may have. */
const MAX_POINTS = 20_000;

/** A time in Unix seconds, `to` included, and on how many endpoints there is something in it. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly endpoints: number;
}

/** How many seconds make a point of this span. Throws `BadQuestion` where those that are asked for make too many points. */
export function bucketFor(span: Span, asked: number | undefined): number {
  if (asked === undefined) return chosen(span);
  if (asked > HOUR && asked % HOUR !== 0) throw new BadQuestion(`a bucket of more than an hour must be of whole hours`);
  const smallest = smallestFor(span);
  if (asked < smallest) {
    throw new BadQuestion(`a bucket of ${asked} s makes too many points of this time; the smallest is ${smallest} s`);
  }
  return asked;
}

/** The start of the bucket that a second is in. */
export function bucketStart(second: number, bucket: number): number {
  return second - (second % bucket);
}

function chosen(span: Span): number {
  const most = Math.min(CHOSEN_POINTS, Math.floor(MAX_POINTS / span.endpoints));
  return CHOICES.find((bucket) => lengthOf(span) / bucket <= most) ?? COARSEST;
}

/** A day is always fine enough: what is chosen must be allowed when it is asked for. */
function smallestFor(span: Span): number {
  const seconds = Math.max(1, Math.ceil((lengthOf(span) * span.endpoints) / MAX_POINTS));
  return Math.min(COARSEST, seconds > HOUR ? Math.ceil(seconds / HOUR) * HOUR : seconds);
}

function lengthOf({ from, to }: Span): number {
  return to - from + 1;
}
