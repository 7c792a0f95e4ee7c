/**
 * A room knows only the floors below it (docs/architecture.md). Each rule below is one sentence of that.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const outsideTests = '(\\.test\\.ts$|/testing/)'

/** Which packages a package may import; those not listed stand on no other. */
const floors = {
  events: [],
  database: ['runtime'],
  runtime: [],
  vault: ['database', 'runtime'],
  'event-log': ['database', 'events', 'runtime'],
  channels: ['events', 'runtime'],
  wecom: ['events', 'runtime'],
  consumer: ['database', 'events', 'runtime', 'event-log'],
  projection: ['database', 'events', 'runtime', 'event-log', 'consumer', 'vault'],
  delivery: ['database', 'events', 'runtime', 'event-log', 'consumer', 'vault'],
  shipping: ['database', 'events', 'event-log'],
  history: ['database', 'events', 'runtime', 'event-log', 'consumer', 'projection', 'vault'],
}

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'packages-know-no-services',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(services|projections)/' },
    },
    ...Object.entries(floors).map(([name, below]) => ({
      name: `floor-of-${name}`,
      comment: `packages/${name} may import only: ${below.join(', ') || 'nothing of ours'}`,
      severity: 'error',
      from: { path: `^packages/${name}/src`, pathNot: outsideTests },
      to: { path: '^packages/', pathNot: `^packages/(${[name, ...below].join('|')})/` },
    })),
    {
      name: 'folds-are-pure',
      comment: 'A projection is a pure fold: events and the projection contract, no I/O.',
      severity: 'error',
      from: { path: '^projections/', pathNot: outsideTests },
      to: { path: '^(packages/(?!events|projection)|services/|test/)' },
    },
    {
      name: 'folds-do-no-io',
      severity: 'error',
      from: { path: '^projections/', pathNot: outsideTests },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?assert' },
    },
    {
      name: 'services-do-not-know-each-other',
      comment: 'Only the command line puts services together.',
      severity: 'error',
      from: { path: '^services/(?!cli)([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'tests-stay-out-of-the-product',
      comment: 'Only tests and the sandbox, which plays the marketplaces, use test/.',
      severity: 'error',
      from: { path: '^(packages|projections|services)/', pathNot: `(${outsideTests}|^services/cli/src/sandbox)` },
      to: { path: '^test/' },
    },
    {
      name: 'kafkajs-only-in-its-driver',
      severity: 'error',
      from: { pathNot: '^packages/event-log/src/kafka' },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'aws-only-in-its-queue',
      comment: 'Everything else of Amazon is reached by HTTP requests of our own.',
      severity: 'error',
      from: { pathNot: '^packages/channels/src/amazon/queue' },
      to: { path: 'node_modules/@aws-sdk' },
    },
    {
      name: 'eventstore-only-in-its-driver',
      comment: 'And in the stand-in for its server, which speaks by the service definitions of the client package.',
      severity: 'error',
      from: { pathNot: '^(packages/event-log/src/eventstoredb|test/servers/eventstoredb)/' },
      to: { path: 'node_modules/@eventstore' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
