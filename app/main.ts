import { runCommand } from './run-command.ts'

const asked = new AbortController()
// The first signal asks for a clean end; somebody who sends a second one means it.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const)
  process.on(signal, () => {
    if (asked.signal.aborted) process.exit(128 + number)
    asked.abort(signal)
  })

// A reader that stops reading (`| head`) ends the output, not the hub.
process.stdout.on('error', () => undefined)

process.exitCode = await runCommand({
  args: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  signal: asked.signal,
})
