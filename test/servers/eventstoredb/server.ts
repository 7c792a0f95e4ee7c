import { randomUUID } from 'node:crypto'
import gossipService from '@eventstore/db-client/generated/gossip_grpc_pb.js'
import gossip from '@eventstore/db-client/generated/gossip_pb.js'
import featuresService from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js'
import features from '@eventstore/db-client/generated/serverfeatures_pb.js'
import streamsService from '@eventstore/db-client/generated/streams_grpc_pb.js'
import type { sendUnaryData } from '@grpc/grpc-js'
import { Server, ServerCredentials, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import { handleAppend, handleBatchAppend } from './append.ts'
import { createFaults, type Faults } from './faults.ts'
import { uuid } from './messages.ts'
import { handleRead } from './read.ts'
import { createStore, type Stored } from './store.ts'

/** A server in this process that speaks the protocol of EventStoreDB, as far as a log needs it. */
export type StandIn = {
  /** `eventstoredb://127.0.0.1:port?tls=false`, without the option when it has a certificate. */
  url: string
  port: number
  faults: Faults
  /** What stands in a stream. */
  stream(name: string): readonly Stored[]
  /** Ends it; what it held is gone. */
  stop(): Promise<void>
}

/** A certificate and its key, PEM, and who may read and write. */
type Secure = { cert: string; key: string; user: string; password: string }

/** As a server that is set up for the log has it (docs/eventstoredb.md). */
const MAX_APPEND_SIZE = 16_000_000

/**
 * Starts the stand-in for EventStoreDB on loopback, empty. It uses the service definitions of the client package, keeps
 * everything in memory, and has no persistent subscriptions, no projections and no scavenging. Without `batchAppend` it is a
 * server from before that call, as version 20 is; with `secure` it speaks TLS and knows one user.
 */
export async function startEventStoreDb(
  options: { batchAppend?: boolean; maxAppendSize?: number; secure?: Secure } = {},
): Promise<StandIn> {
  const store = createStore()
  const faults = createFaults()
  const context = { store, faults, maxAppendSize: options.maxAppendSize ?? MAX_APPEND_SIZE, late: [] }
  const server = new Server({
    'grpc.max_receive_message_length': 17 * 1024 * 1024,
    interceptors: options.secure ? [asking(options.secure)] : [],
  })
  let port = 0
  server.addService(streamsService.StreamsService, {
    read: handleRead(context),
    append: handleAppend(context),
    batchAppend: handleBatchAppend(context),
  })
  server.addService(featuresService.ServerFeaturesService, {
    getSupportedMethods: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, featuresOf(options.batchAppend ?? true)),
  })
  server.addService(gossipService.GossipService, {
    read: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, membersOf(port)),
  })
  port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', credentialsOf(options.secure), (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return {
    url: `eventstoredb://127.0.0.1:${port}${options.secure ? '' : '?tls=false'}`,
    port,
    faults,
    stream: (name) => store.stream(name),
    stop: async () => server.forceShutdown(),
  }
}

function credentialsOf(secure: Secure | undefined): ServerCredentials {
  if (!secure) return ServerCredentials.createInsecure()
  return ServerCredentials.createSsl(null, [{ private_key: Buffer.from(secure.key), cert_chain: Buffer.from(secure.cert) }])
}

/** Lets only the user read and write; what the server can do anybody may ask. */
function asking({ user, password }: Secure): ServerInterceptor {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            if (!path.includes('Streams') || metadata.get('authorization')[0] === expected) return pass(metadata)
            call.sendStatus({ code: status.UNAUTHENTICATED, details: 'Unauthenticated' })
          },
        }),
    })
}

function featuresOf(batchAppend: boolean) {
  const names = ['read', 'append', ...(batchAppend ? ['batchappend'] : [])]
  const methods = names.map((name) =>
    new features.SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name),
  )
  return new features.SupportedMethods().setEventStoreServerVersion('23.10.1').setMethodsList(methods)
}

/** A cluster of one, which leads. */
function membersOf(port: number) {
  const member = new gossip.MemberInfo()
    .setInstanceId(uuid(randomUUID()))
    .setTimeStamp('0')
    .setState(gossip.MemberInfo.VNodeState.LEADER)
    .setIsAlive(true)
    .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port))
  return new gossip.ClusterInfo().setMembersList([member])
}
