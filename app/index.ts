export { type HubConfig, readConfig } from './config.ts'
export { type Hub, type HubAddresses, startHub } from './hub.ts'
