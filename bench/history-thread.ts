import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { silentLogger } from '#platform'
import { openDuckHistory, serveHistory } from '#store'

/** The embedded history in a thread of its own, as the hub's recorder has it. Ends when it is told to. */
const { dir, port } = workerData as { dir: string; port: MessagePort }
const history = await openDuckHistory({ dir, logger: silentLogger })
serveHistory(port, history)
parentPort!.once('message', async () => {
  port.close()
  await history.close()
  parentPort!.close()
})
parentPort!.postMessage('ready')
