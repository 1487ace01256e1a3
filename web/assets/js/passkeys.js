// Passkeys (WebAuthn) for sign-in and registration.
//
// A page offers a hidden block:
//
//   <div hidden data-passkey="get"            "get" signs in, "create" registers
//        data-options="{…}"                   what the server sent (WebAuthn JSON),
//        data-options-url="/…"                or where to POST for it
//        data-url="/…"                        where the answer goes, as JSON
//        data-next="/"                        where to go then; the answer's "next" wins
//        data-error="…" data-cancelled="…">   what to say when it fails
//     <button type="button">…</button>
//     <p role="status"></p>
//   </div>
//
// It is shown only where the browser knows passkeys; other ways to sign in stay
// on the page for everybody else.

const toBytes = (text) => {
  const s = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(s, (c) => c.charCodeAt(0))
}

const toText = (buffer) => {
  let s = ''
  for (const b of new Uint8Array(buffer)) s += String.fromCharCode(b)
  return btoa(s).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

const withId = (c) => ({ ...c, id: toBytes(c.id) })

function decode (json) {
  const o = { ...(json.publicKey || json) }
  o.challenge = toBytes(o.challenge)
  if (o.user) o.user = withId(o.user)
  if (o.excludeCredentials) o.excludeCredentials = o.excludeCredentials.map(withId)
  if (o.allowCredentials) o.allowCredentials = o.allowCredentials.map(withId)
  return o
}

function encode (credential) {
  const r = credential.response
  const response = { clientDataJSON: toText(r.clientDataJSON) }
  if (r.attestationObject) {
    response.attestationObject = toText(r.attestationObject)
    response.transports = r.getTransports ? r.getTransports() : []
  } else {
    response.authenticatorData = toText(r.authenticatorData)
    response.signature = toText(r.signature)
    if (r.userHandle) response.userHandle = toText(r.userHandle)
  }
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment || undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response
  }
}

async function post (url, body) {
  const answer = await fetch(url, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
    body: JSON.stringify(body)
  })
  const json = answer.status === 204 ? {} : await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(json.detail || json.title || String(answer.status))
  return json
}

async function run (block) {
  const { passkey, options, optionsUrl, url, next } = block.dataset
  const publicKey = decode(options ? JSON.parse(options) : await post(optionsUrl, {}))
  const credential = passkey === 'create'
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey })
  const answer = await post(url, encode(credential))
  window.location.assign(answer.next || next || '/')
}

export function passkeys (root) {
  if (!window.PublicKeyCredential || !navigator.credentials) return
  for (const block of root.querySelectorAll('[data-passkey]')) {
    const button = block.querySelector('button')
    const status = block.querySelector('[role="status"]')
    if (!button) continue
    block.hidden = false
    button.addEventListener('click', async () => {
      button.disabled = true
      if (status) status.textContent = ''
      try {
        await run(block)
      } catch (error) {
        button.disabled = false
        // The browser tells "cancelled" and "timed out" apart from nothing else.
        const cancelled = error.name === 'NotAllowedError' || error.name === 'AbortError'
        if (status) {
          status.textContent = cancelled
            ? block.dataset.cancelled || ''
            : [block.dataset.error, error.message].filter(Boolean).join(' ')
        }
      }
    })
  }
}
