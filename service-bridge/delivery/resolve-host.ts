import { lookup, Resolver } from 'node:dns/promises'

/** One question, and the one that follows when it got lost: an attempt has fifteen seconds for everything. */
const QUESTION_MS = 2_000
const QUESTIONS_MAX = 2

export type ResolveHost = (host: string) => Promise<readonly string[]>

/**
 * Every address of a name. Asked of the name servers directly and not of the system, whose
 * answer takes one of two threads of the whole process until it comes: a receiver whose name
 * server is silent would keep all others from being called. Only names of this network, which
 * have no dot, are the system's to know. Rejects when there is no address.
 */
export function createResolveHost(options: { servers?: readonly string[] } = {}): ResolveHost {
  const resolver = new Resolver({ timeout: QUESTION_MS, tries: QUESTIONS_MAX })
  if (options.servers) resolver.setServers(options.servers)
  return async (host) => {
    if (!host.includes('.')) return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
    const [first] = answers
    if (addresses.length === 0 && first.status === 'rejected') throw first.reason
    return addresses
  }
}
