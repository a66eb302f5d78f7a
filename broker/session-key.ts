/**
 * The name of a session inside the hub: two devices may use one client id and never meet.
 * Brand and device ids hold no slash, so the parts cannot run into each other.
 */
export function sessionKey({ brandId, deviceId }: { brandId: string; deviceId: string }, clientId: string): string {
  return `${brandId}/${deviceId}/${clientId}`
}

/** The device a session belongs to. */
export function deviceOfSession(key: string): string {
  const first = key.indexOf('/')
  return key.slice(first + 1, key.indexOf('/', first + 1))
}
