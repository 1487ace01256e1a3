// Starts the house as a person would, on a free port and in a folder of its own.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const freePort = () => new Promise((resolve, reject) => {
  const s = createServer()
  s.on('error', reject)
  s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)) })
})

export async function openHouse () {
  const data = mkdtempSync(join(tmpdir(), 'dinh-browser-'))
  const port = await freePort()
  const base = `http://localhost:${port}`
  const child = spawn('build/dinh', ['serve', '--demo', '--data', data, '--people', '600', '--cast', '24', '--origin', base, '--listen', `127.0.0.1:${port}`],
    { stdio: ['ignore', 'ignore', 'inherit'] })
  const gone = new Promise((resolve) => child.once('exit', resolve))
  const end = async () => { child.kill('SIGTERM'); await gone; rmSync(data, { recursive: true, force: true }) }
  for (let i = 0; i < 600 && child.exitCode === null; i++) {
    try {
      if ((await fetch(base + '/healthz')).ok) return { base, end }
    } catch { /* not yet */ }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await end()
  throw new Error('the house did not start within 30 seconds')
}
