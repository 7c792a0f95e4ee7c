/** One of several places that take the same requests; `weight` says how large its share is, and is more than 0. */
export type Instance = { url: string; weight: number }

/** One of the instances by chance, each as often as its weight says. `random` from 0 to below 1. Throws when there is none. */
export function chosenInstance(instances: readonly Instance[], random: () => number = Math.random): Instance {
  const total = instances.reduce((sum, { weight }) => sum + weight, 0)
  let left = random() * total
  for (const instance of instances) {
    left -= instance.weight
    if (left < 0) return instance
  }
  const last = instances.at(-1)
  if (!last) throw new RangeError('There is no instance to choose from.')
  return last
}
