import { openStage } from './stage.ts';

/** Counts tokens without end, and prints after each request how many they are: for whoever wants to kill it. */
const stage = openStage(process.argv[2] ?? '');
await stage.statistics.ready;
const base = stage.ledger.totals()['http://a:1']?.['m'] ?? 0;
process.stdout.write(`base ${base}\n`);
let spent = base;
setInterval(() => {
  for (let i = 0; i < 10; i++) stage.spend('m', 90, 10);
  spent += 1_000;
  process.stdout.write(`${Date.now()} ${spent}\n`);
}, 5);
