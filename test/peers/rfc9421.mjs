// Checks the two signatures in an unpacked container with a library that knows
// nothing of us: the messages are put together again as HTTP, and the library
// makes its own signature base of them.
//
//	node rfc9421.mjs DIR     prints what held; exit code 1 when something does not
import { createHash, createPublicKey, verify } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import httpbis from 'http-message-signatures/lib/httpbis/index.js'

const dir = process.argv[2]
const read = (name) => readFileSync(join(dir, name), 'utf8')
const evidence = JSON.parse(read('evidence.json'))

// message turns the lines of a signed text into what was on the wire.
function message(base, signature) {
  const out = { headers: {} }
  const at = {}
  for (const line of base.split('\n')) {
    const [, name, rest, value] = /^"([^"]+)"([^:]*): (.*)$/s.exec(line)
    if (name === '@signature-params') out.headers['Signature-Input'] = 'dinh=' + value
    else if (name.startsWith('@')) at[name] = value
    else if (rest === '') out.headers[name] = value
  }
  out.headers.Signature = `dinh=:${signature}:`
  if (at['@status']) out.status = Number(at['@status'])
  else Object.assign(out, { method: at['@method'], url: 'https://dinh.test' + at['@path'] + (at['@query'] === '?' ? '' : at['@query']) })
  return out
}

// batch checks an Ed25519 signature over the root of an RFC 6962 tree.
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest()
function batch(key, data, signature) {
  let [size, index, at] = [signature.readUInt32BE(64), signature.readUInt32BE(68), 72]
  const text = (hash) => Buffer.from(`dinh-batch-v1\n${size}\n${hash.toString('base64')}\n`)
  let hash = sha256(Buffer.of(0), data)
  for (let last = size - 1; last > 0; index >>= 1, last >>= 1) {
    if (index === last && index % 2 === 0) continue
    const sibling = signature.subarray(at, (at += 32))
    hash = index % 2 ? sha256(Buffer.of(1), sibling, hash) : sha256(Buffer.of(1), hash, sibling)
  }
  return at === signature.length && verify(null, text(hash), key, signature.subarray(0, 64))
}

async function check(name, signed, request) {
  const key = createPublicKey({ key: signed.key, format: 'jwk' })
  const m = message(read(signed.file), signed.signature)
  let form
  const held = await httpbis.verifyMessage({
    tolerance: 300,
    requiredParams: ['created', 'keyid'],
    keyLookup: async ({ keyid }) => keyid === signed.key.kid && {
      id: keyid,
      algs: ['ed25519'],
      verify: async (data, signature) => {
        form = signature.length === 64 ? 'plain' : 'batch'
        return form === 'plain' ? verify(null, data, key, signature) : batch(key, data, signature)
      },
    },
  }, m, request)
  console.log(`${name} ${form} ${held === true}`)
  if (held !== true) process.exitCode = 1
  return m
}

const request = await check('request', evidence.request)
if (existsSync(join(dir, 'answer.txt'))) await check('answer', evidence.answer, request)
