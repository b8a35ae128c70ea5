import { parseArgs } from './cli/args.ts';
import { checkConfig } from './cli/check-config.ts';
import { demo } from './cli/demo.ts';
import { serve } from './cli/serve.ts';
import { VERSION } from './cli/version.ts';

/** Exit codes: 0 stopped as asked, 1 failed, 2 wrong command line, 3 wrong configuration, 4 cannot listen. */
async function main(): Promise<void> {
  const command = parseArgs(process.argv.slice(2));
  switch (command.name) {
    case 'serve':
      await serve(command.overrides);
      break;
    case 'demo':
      await demo(command.overrides);
      break;
    case 'check-config': {
      const report = checkConfig({ overrides: command.overrides, env: process.env, cwd: process.cwd() });
      process.stdout.write(report.stdout);
      process.stderr.write(report.stderr);
      process.exitCode = report.exitCode;
      break;
    }
    case 'version':
      process.stdout.write(`nomyo-router ${VERSION}\n`);
      break;
    case 'help':
      process.stdout.write(command.text);
      break;
    case 'wrong':
      process.stderr.write(`${command.message}\n`);
      process.exitCode = command.exitCode;
      break;
  }
}

await main();
