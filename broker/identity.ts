/** How a client proves who it is; secrets themselves are neither kept nor handed on. */
export type CredentialKey =
  /** `tokenHash` of the user name. */
  | { tokenHash: string }
  /** SHA-256 of the client certificate, lower-case hex without colons. */
  | { fingerprint: string }

/** What a token or certificate stands for. */
export interface Credential {
  credentialId: string
  brandId: string
  deviceId: string
  /** A gateway is a device that may also speak for those registered under it. */
  kind: 'device' | 'gateway'
}

/** A client that has no credential yet and may do nothing but ask for one. */
export interface Provisioning {
  kind: 'provision'
}

export type Identity = Credential | Provisioning
export type IdentityKind = Identity['kind']

/** The user name that asks for provisioning. */
export const PROVISION_USER = 'provision'
