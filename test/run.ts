import { globSync } from 'node:fs';
import { run } from 'node:test';
import { dot, spec } from 'node:test/reporters';

/**
 * Runs the tests of one suite: run.ts [SUITE] [FILE ...]. A suite that needs a program the machine lacks says so in one
 * line and is skipped; with CI=true that is a failure.
 */
const SUITES: Readonly<Record<string, string>> = {
  default: 'test/**/*.test.ts',
  clients: 'test/**/*.clients.ts',
  real: 'test/**/*.real.ts',
};
const LIMIT_MS = 120_000;
/** Files at once: many of them wait more than they work. */
const AT_ONCE = 4;

// Every file has a process of its own, and most load the whole router: a third of the time, were it compiled anew each time.
process.env['NODE_COMPILE_CACHE'] ??= 'node_modules/.cache/compiled';

const [suite = 'default', ...names] = process.argv.slice(2);
const pattern = SUITES[suite] ?? suite;
const files = names.length > 0 ? names : globSync(pattern).sort();
if (files.length === 0) {
  process.stderr.write(`no tests match ${pattern}; suites: ${Object.keys(SUITES).join(', ')}\n`);
  process.exit(2);
}

const events = run({ files, concurrency: suite === 'default' && AT_ONCE, timeout: LIMIT_MS });
events.on('test:fail', () => {
  process.exitCode = 1;
});
events.on('test:summary', ({ file, counts, success }) => {
  if (file !== undefined) return;
  const skipFails = process.env['CI'] === 'true' && counts.skipped > 0;
  if (!success || skipFails) process.exitCode = 1;
  const { passed, skipped, tests } = counts;
  process.once('exit', () => console.log(`\n${passed} passed, ${tests - passed - skipped} failed, ${skipped} skipped`));
});
const detailed = process.stdout.isTTY || process.env['TEST_REPORTER'] === 'spec';
events.compose(detailed ? spec : dot).pipe(process.stdout);
