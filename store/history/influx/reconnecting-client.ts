import { connectInflux, type InfluxClient, type InfluxOptions } from './influx-client.ts'

export interface ReconnectingClient extends InfluxClient {
  /** Resolves once the server was reached and set up; throws what stands in the way, as each call does. */
  connected(): Promise<void>
}

/**
 * A client whose server may be away when the hub starts: every call tries to reach it first until
 * one has. `onConnected` runs once, before any call goes through.
 */
export function reconnectingInflux(
  options: InfluxOptions,
  onConnected: (client: InfluxClient) => Promise<void>,
): ReconnectingClient {
  let client: InfluxClient | null = null
  let connecting: Promise<InfluxClient> | null = null

  async function connect(): Promise<InfluxClient> {
    const reached = await connectInflux(options)
    await onConnected(reached)
    client = reached
    return reached
  }

  /** Callers that come meanwhile share the one attempt. */
  function reach(): Promise<InfluxClient> {
    if (client) return Promise.resolve(client)
    connecting ??= connect().finally(() => {
      connecting = null
    })
    return connecting
  }

  return {
    async connected() {
      await reach()
    },
    write: async (lines) => (await reach()).write(lines),
    rejectedLines: () => client?.rejectedLines() ?? 0,
    query: async (statement) => (await reach()).query(statement),
    async *stream(statement) {
      yield* (await reach()).stream(statement)
    },
    remove: async (what) => (await reach()).remove(what),
  }
}
