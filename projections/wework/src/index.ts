export { type DirectoryOf, directory } from './directory.ts'
export { memberEvents } from './member-events.ts'
