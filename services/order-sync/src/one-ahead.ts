/**
 * The items of `source`, of which the next is made while one is worked on; what fails is thrown behind all that came before
 * it. Whoever stops half-way waits until nothing of `source` is under way.
 */
export async function* oneAhead<T>(source: AsyncGenerator<T, void, void>): AsyncGenerator<T, void, void> {
  let next = source.next()
  try {
    for (let item = await next; !item.done; item = await next) {
      next = source.next()
      // It is told when its turn comes.
      next.catch(() => {})
      yield item.value
    }
  } finally {
    // Behind the item that is being made.
    await source.return()
  }
}
