import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseCount, parseList } from '../arguments.ts'
import type { MarketplaceName } from '../sandbox/marketplaces.ts'

const MARKETPLACES: readonly MarketplaceName[] = ['ebay', 'tiktok', 'amazon', 'lazada']

/** `ebay,tiktok` to the names of simulated marketplaces. */
function parseMarketplaces(text: string): MarketplaceName[] {
  const names = parseList(text)
  const known = names.filter((name): name is MarketplaceName => MARKETPLACES.some((one) => one === name))
  if (names.length > 0 && known.length === names.length) return [...new Set(known)]
  throw new InvalidArgumentError(`Give one or more of: ${MARKETPLACES.join(', ')}, separated by commas.`)
}

/** `npm start`: everything on this machine, with simulated marketplaces, WeCom and receivers. */
export function addSandboxCommand(program: Command): void {
  program
    .command('sandbox', { hidden: true })
    .description('run everything on this machine with a simulated marketplace and receivers')
    .option('--orders <count>', 'end the flow of orders after this many', parseCount)
    .option(
      '--contacts <count>',
      'let a simulated corp of WeCom take on so many members; without --orders or --channels nothing else flows',
      parseCount,
    )
    .option('--channels <names>', 'which marketplaces are simulated, separated by commas (ebay)', parseMarketplaces)
    .option('--rate <count>', 'orders or contacts a second', parseCount, 1)
    .addOption(new Option('--log <log>', 'where the log is').choices(['mysql', 'kafka', 'eventstoredb']).default('mysql'))
    .option('--exit', 'stop when every order went all the way; exit code 0 only if nothing is missing')
    .option('--json', 'with --exit: the last line is one JSON object')
    .option('--keep', 'leave MariaDB running at the end and tell how to connect')
    .option('--seed <number>', 'makes the same orders again', parseCount, 20261123)
    .option('--folder <folder>', 'where the sandbox keeps its data', '.local/sandbox')
    .action(async (options) => {
      // Loaded only here: the sandbox brings simulators that an installed service has no use for.
      const { isEndless, runSandbox } = await import('../sandbox/sandbox.ts')
      if (options.exit && isEndless(options))
        program.error('--exit waits for the last order: say how many with --orders (or give --contacts alone).')
      process.exitCode = await runSandbox(options)
    })
}
