// Signing in: with a passkey that a virtual authenticator holds, with a code
// that the development mailbox shows, and with an authenticator app.

import { Secret, TOTP } from 'otpauth'

// addPasskey registers a passkey at the step-up page, after a code where one is
// needed, signs out, and signs in with nothing but the passkey.
export async function addPasskey (p, home, signIn) {
  const cdp = await p.page.context().newCDPSession(p.page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
  await p.open('/sign-in/step-up?next=/account', 'step-up')
  if (await p.page.locator('form[action="/sign-in/step-up"]').count()) {
    await byCode(p, '/sign-in/step-up', 'step-up-trusted')
  }
  await pressPasskey(p, 'create', '/account')
  await p.seen('account-with-passkey')
  await p.press('/sign-out')
  await p.open(signIn)
  await pressPasskey(p, 'get', home)
  await p.seen('signed-in-by-passkey')
}

async function pressPasskey (p, kind, to) {
  const button = p.page.locator(`[data-passkey=${kind}] button`)
  await button.waitFor({ state: 'visible' })
  await Promise.all([p.page.waitForURL((u) => u.pathname === to, { waitUntil: 'load' }), button.click()])
}

// addApp sets up an authenticator app without any script, as somebody signed in
// by a code who wants to hand something in, and uses it once more after signing
// in again: with the next code, for each counts once.
export async function addApp (p, next, again) {
  await p.open(next, 'step-up')
  await p.press('/sign-in/app', 'app')
  const key = (await p.page.locator('code.dinh-app-key').innerText()).replaceAll(' ', '')
  const app = new TOTP({ secret: Secret.fromBase32(key) })
  const first = Date.now()
  await p.page.locator('input[name=code]').fill('000000')
  await p.press('/sign-in/app/confirm', 'app-wrong')
  await p.page.locator('input[name=code]').fill(app.generate({ timestamp: first }))
  await p.press('/sign-in/app/confirm')
  if (new URL(p.page.url()).pathname !== next) throw new Error(`the app led to ${p.page.url()}`)
  await p.open('/account', 'account-with-app')
  await p.press('/sign-out')
  await again()
  await p.open(next, 'step-up-by-app')
  await p.page.locator('input[name=code]').fill(app.generate({ timestamp: first + 30_000 }))
  await p.press('/sign-in/step-up/app')
  if (new URL(p.page.url()).pathname !== next) throw new Error(`the app led to ${p.page.url()}`)
}

// byCode has a code sent, reads it in the mailbox and types it. One person at a
// time: only then is the new code in the mailbox theirs.
let turn = Promise.resolve()
export async function byCode (p, action, name) {
  const mine = turn.then(async () => {
    const before = await codes(p)
    await p.press(action, 'code')
    for (let i = 0; i < 300; i++) {
      const fresh = (await codes(p)).filter((c) => !before.includes(c))
      if (fresh.length) return fresh[0].slice(0, 6)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    throw new Error('no code arrived in the mailbox')
  })
  turn = mine.catch(() => {})
  await p.page.locator('input[name=code]').fill(await mine)
  await p.press('/sign-in/code', name)
}

// codes lists the codes in the mailbox with what follows them (recipient, time).
async function codes (p) {
  const text = await (await fetch(p.base + '/dev/mail')).text()
  return [...text.matchAll(/(?:Mã xác nhận của bạn|Your code): (\d{6}[^<]*)/g)].map((m) => m[1])
}

// officerPasskey is an officer's first day.
export async function officerPasskey (p) {
  await p.open('/desk/sign-in', 'officer-sign-in')
  await p.page.locator('input[name=officer]').fill(p.lang === 'vi' ? 'registrar-1' : 'registrar-2')
  await byCode(p, '/desk/sign-in', 'signed-in-by-code')
  await addPasskey(p, '/desk', '/desk/sign-in')
}
