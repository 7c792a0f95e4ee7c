/**
 * What `work` makes of the items of `source`, in their order. It is under way for so many of them at a time while one that is made
 * is used. What fails is thrown behind all that came before it. Whoever stops half-way waits until nothing is under way.
 */
export async function* workedAhead<S, T>(
  source: AsyncGenerator<S, void, void>,
  items: number,
  work: (item: S) => Promise<T>,
): AsyncGenerator<T, void, void> {
  const underWay: Promise<IteratorResult<T, void>>[] = []
  const begin = () => {
    const made = source
      .next()
      .then(async (item) => (item.done ? item : { done: false as const, value: await work(item.value) }))
    // It is told when its turn comes.
    made.catch(() => {})
    underWay.push(made)
  }
  for (let count = 0; count < items; count += 1) begin()
  try {
    for (let made = await underWay.shift(); made && !made.done; made = await underWay.shift()) {
      begin()
      yield made.value
    }
  } finally {
    // Behind the item that is being made.
    await source.return()
    await Promise.allSettled(underWay)
  }
}
