import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import type { Command } from 'commander'
import { buildProgram } from './program.ts'

const ROOT = join(import.meta.dirname, '../../..')
const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith('.md'),
)
const textOf = (page: string) => readFileSync(join(ROOT, page), 'utf8')

/** What a heading is called in an address: as GitHub and its like make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')

const anchorsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))

/** Commands of ours in a page, each as its words: whole lines of blocks, and what stands between backticks. */
function commandsIn(text: string, names: readonly string[]): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '')
  const said = [...joined.matchAll(/(?:npm run tributary --|(?<![\w/-])tributary(?= [a-z])) ([^`\n]*)/g)].map(
    ([, words = '']) => words,
  )
  const inline = [...joined.matchAll(/`([a-z-]+ [^`\n]+)`/g)].map(([, words = '']) => words)
  return [...said, ...inline.filter((words) => names.includes(words.split(' ', 1)[0] ?? ''))]
}

/** What is wrong with a command line, where it is one: prose may say `tributary` and go on. */
function faultOf(line: string, program: Command): string | undefined {
  const words = line
    .replace(/ +#.*| \| .*| && .*|;.*$/, '')
    .replaceAll(/'[^']*'|"[^"]*"/g, 'text')
    .trim()
    .split(/ +/)
  let command = program
  for (const word of words) {
    const known: Command | undefined = command.commands.find((one) => one.name() === word)
    if (!known && command.commands.length > 0 && /^[a-z]/.test(word)) return `'${command.name()}' has no '${word}'`
    if (!known) break
    command = known
  }
  const options = [...command.options, ...program.options].map(({ long }) => long)
  const unknown = words.filter((word) => word.startsWith('--')).find((word) => !options.includes(word.replace(/[,.:)]+$/, '')))
  return unknown === undefined ? undefined : `'${command.name()}' has no option ${unknown}`
}

describe('the pages for people', () => {
  it('lead to pages, and to places in them, that are there', () => {
    const dead = PAGES.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([whole, path = '', anchor]) => {
        const target = path === '' ? page : join(dirname(page), path)
        if (!existsSync(join(ROOT, target))) return [`${page}: ${whole}`]
        return anchor === undefined || anchorsOf(target).includes(anchor) ? [] : [`${page}: ${whole}`]
      }),
    )
    expect(dead).to.deep.equal([])
  })

  it('name files and folders that are there', () => {
    const missing = PAGES.flatMap((page) =>
      [...textOf(page).matchAll(/`((?:docs|docker|test|packages|projections|services)\/[\w./-]+)`/g)]
        .filter(([, path = '']) => !existsSync(join(ROOT, path)))
        .map(([, path]) => `${page}: ${path}`),
    )
    expect(missing).to.deep.equal([])
  })

  it('call commands that there are, with options that they have', () => {
    const program = buildProgram()
    const names = program.commands.map((command) => command.name())
    const called = PAGES.flatMap((page) => commandsIn(textOf(page), names).map((line) => ({ page, line })))
    expect(called).to.have.length.above(100)
    const faults = called.flatMap(({ page, line }) => {
      const fault = faultOf(line, program)
      return fault === undefined ? [] : [`${page}: ${line}: ${fault}`]
    })
    expect(faults).to.deep.equal([])
  })
})
