import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pair {
  cert: Buffer
  key: Buffer
}

export interface TestAuthority extends Pair {
  /** A certificate signed by this authority. */
  issue(commonName: string): Pair
}

/** An authority of a test's own, made by openssl and gone with its folder. */
export function testAuthority(name: string): TestAuthority {
  const own = inFolder((folder) => {
    openssl(folder, 'req', '-x509', ...NEW_KEY, '-days', '2', '-subj', `/CN=${name}`, '-out', 'cert.pem')
    return readPair(folder)
  })
  return {
    ...own,
    issue: (commonName) =>
      inFolder((folder) => {
        writeFileSync(join(folder, 'ca.pem'), own.cert)
        writeFileSync(join(folder, 'ca-key.pem'), own.key)
        writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
        openssl(folder, 'req', ...NEW_KEY, '-subj', `/CN=${commonName}`, '-out', 'request.pem')
        const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', 'names', '-days', '2']
        openssl(folder, 'x509', '-req', '-in', 'request.pem', ...signed, '-out', 'cert.pem')
        return readPair(folder)
      }),
  }
}

/** As `CredentialKey` writes it. */
export function fingerprintOf(cert: Buffer): string {
  return new X509Certificate(cert).fingerprint256.replaceAll(':', '').toLowerCase()
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem']

function openssl(folder: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
}

function readPair(folder: string): Pair {
  return { cert: readFileSync(join(folder, 'cert.pem')), key: readFileSync(join(folder, 'key.pem')) }
}

function inFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'broker-certificates-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
