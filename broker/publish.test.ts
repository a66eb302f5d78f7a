import { expect, test } from 'vitest'
import { startBroker, tokenOf } from './testing/broker-fixture.ts'
import { connected, publishPacket } from './testing/raw-client.ts'

test('a telemetry publish reaches its receiver with the device behind the token, then PUBACK', async () => {
  const { port, telemetry } = await startBroker()
  const device = await connected(port, tokenOf('cred_a'), { clientId: 'purifier' })
  device.send(publishPacket({ messageId: 7 }))
  expect((await device.next('puback')).messageId).toBe(7)
  expect(telemetry.entries).toMatchObject([
    {
      brandId: 'brand_one',
      deviceId: 'dev_a',
      credentialId: 'cred_a',
      topic: 'v1/devices/me/telemetry',
      delivery: { packetId: 7, dup: false },
      will: false,
    },
  ])
  expect(telemetry.entries[0]!.payload.toString()).toBe('{"filter_dp_pa":131.2}')
})
