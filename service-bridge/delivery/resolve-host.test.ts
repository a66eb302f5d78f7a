import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { expect, onTestFinished, test } from 'vitest'
import { guardUrl } from './address-guard.ts'
import { createResolveHost } from './resolve-host.ts'

const TYPES: Readonly<Record<number, 'A' | 'AAAA'>> = { 1: 'A', 28: 'AAAA' }
const BYTES = {
  A: Buffer.from([93, 184, 215, 14]),
  AAAA: Buffer.from('2606280000000000000000000000000e', 'hex'),
}

/** A name server of one answer per type; of those not listed it says that there is none, or nothing at all. */
async function nameServer(known: readonly ('A' | 'AAAA')[], silent = false) {
  const socket = createSocket('udp4')
  let asked = 0
  socket.on('message', (question, { port, address }) => {
    asked++
    if (silent) return
    const type = TYPES[question.readUInt16BE(question.indexOf(0, 12) + 1)]!
    const end = question.indexOf(0, 12) + 5
    const header = Buffer.from(question.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(known.includes(type) ? 1 : 0, 6)
    header.fill(0, 8)
    const bytes = BYTES[type]
    const answer = Buffer.concat([
      Buffer.from([0xc0, 0x0c]),
      question.subarray(end - 4, end),
      Buffer.from([0, 0, 0, 60, 0, bytes.length]),
      bytes,
    ])
    socket.send(
      Buffer.concat([header, question.subarray(12, end), known.includes(type) ? answer : Buffer.alloc(0)]),
      port,
      address,
    )
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return { servers: [`127.0.0.1:${socket.address().port}`], asked: () => asked }
}

test('every address of a name is told, of both kinds', async () => {
  const both = createResolveHost(await nameServer(['A', 'AAAA']))
  expect(await both('partner.example')).toEqual(['93.184.215.14', '2606:2800::e'])
  const one = createResolveHost(await nameServer(['AAAA']))
  expect(await one('partner.example')).toEqual(['2606:2800::e'])
})

test('a name without an address is not called', async () => {
  const resolveHost = createResolveHost(await nameServer([]))
  await expect(guardUrl('https://partner.example/', { allowLoopback: false, resolveHost })).rejects.toMatchObject({
    code: 'ADDRESS_FORBIDDEN',
  })
})

test('names of this machine are the system’s to know', async () => {
  expect(await createResolveHost()('localhost')).toContain('127.0.0.1')
})

test('a name server that never answers is given up, and takes no thread that others need', async () => {
  const { servers, asked } = await nameServer([], true)
  const resolveHost = createResolveHost({ servers })
  const settled: string[] = []
  const slow = Array.from({ length: 8 }, (_, i) =>
    resolveHost(`slow-${i}.example`).catch(() => void settled.push('slow')),
  )
  await lookup('localhost').then(() => settled.push('system'))
  await Promise.all(slow)
  expect(settled).toEqual(['system', ...Array(8).fill('slow')])
  expect(asked()).toBeGreaterThanOrEqual(16)
}, 60_000)
