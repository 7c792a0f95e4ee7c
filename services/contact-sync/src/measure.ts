import { counter } from '@tributary/runtime'

const readings = counter({
  name: 'tributary_directory_readings_total',
  help: 'Readings of directories at WeCom: complete, incomplete, held back because too much would go, or failed.',
  labels: ['outcome'],
})

export const countReading = (outcome: 'complete' | 'incomplete' | 'held-back' | 'failed'): void => readings.add(1, { outcome })
