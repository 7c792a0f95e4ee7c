import type { EventData } from '@tributary/events'
import { expect } from 'chai'
import { memberDifference } from './comparison.ts'
import { changesOf, type EntryChange, foldEntry } from './directory-fold.ts'
import type { Entry } from './directory-rows.ts'

const dataOf = (changeType: EventData<'ContactChanged'>['changeType'], timestamp: number) =>
  ({ changeType, timestamp }) as EventData<'ContactChanged'>
const told = (changeType: EventData<'ContactChanged'>['changeType'], timestamp: number, fields: Record<string, string>) =>
  changesOf(dataOf(changeType, timestamp), { receiveId: 'ww1', fields })
const fold = (changes: readonly EntryChange[]): Entry | undefined =>
  changes.reduce<Entry | undefined>((entry, change) => foldEntry(entry, change), undefined)

function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length === 0) yield []
  for (const [index, item] of items.entries()) for (const rest of permutations(items.toSpliced(index, 1))) yield [item, ...rest]
}

describe('what the log says of an entry', () => {
  it('is the same in whatever order its changes come', () => {
    const changes = [
      ...told('create_user', 10, { UserID: 'u', Name: 'first', Department: '3,1' }),
      ...told('update_user', 20, { UserID: 'u', Name: 'second' }),
      ...told('update_user', 21, { UserID: 'u', Department: '5,2,5' }),
      ...told('delete_user', 30, { UserID: 'u' }),
    ]
    const results = new Set([...permutations(changes)].map((some) => JSON.stringify(fold(some))))
    expect([...results].map((text) => JSON.parse(text))).to.deep.equal([
      { kind: 'm', id: 'u', alive: false, aliveTime: 30, name: 'second', nameTime: 20, place: '2,5', placeTime: 21 },
    ])
  })

  it('lets a newer change bring back what was deleted, and what comes later win within one second', () => {
    const deleted = told('delete_party', 30, { Id: '5' })
    expect(fold([...deleted, ...told('update_party', 29, { Id: '5', ParentId: '1' })])?.alive).to.equal(false)
    expect(fold([...deleted, ...told('update_party', 30, { Id: '5', ParentId: '1' })])).to.include({ alive: true, place: '1' })
  })

  it('ends the old id of a member that gets a new one', () => {
    expect(told('update_user', 22, { UserID: 'old', NewUserID: 'new', Name: 'n' })).to.deep.equal([
      { kind: 'm', id: 'old', time: 22, alive: false },
      { kind: 'm', id: 'new', time: 22, alive: true, name: 'n', place: undefined },
    ])
  })

  it('holds as much of a name as its column, and differs from none that is listed again', () => {
    const names = ['😀'.repeat(1_025), `${'字'.repeat(1_023)}😀`, 'half \ud83d', 'plain']
    for (const name of names) {
      const entry = fold(told('create_user', 10, { UserID: 'u', Name: name, Department: '1' }))
      expect(entry?.name?.isWellFormed()).to.equal(true)
      expect([...(entry?.name ?? '')].length).to.be.at.most(1_024)
      expect(memberDifference(entry, { userId: 'u', departments: ['1'], name })).to.equal(undefined)
    }
  })

  it('is nothing where nobody is named', () => {
    expect(told('create_user', 1, {})).to.deep.equal([])
    expect(told('create_party', 1, { Id: '1'.repeat(65) })).to.deep.equal([])
    expect(told('update_tag', 1, { TagId: '1' })).to.deep.equal([])
  })
})
