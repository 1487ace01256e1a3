// Registers a passkey with a virtual authenticator after an e-mail code, signs
// out, and signs in with nothing but the passkey.
export async function passkey (p) {
  const cdp = await p.page.context().newCDPSession(p.page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } })
  const officer = p.lang === 'vi' ? 'registrar-1' : 'registrar-2'
  await p.open('/desk/sign-in', 'passkey-sign-in')
  await p.page.locator('input[name=officer]').fill(officer)
  await p.press('/desk/sign-in', 'code')
  const code = await mailedCode(p)
  await p.page.locator('input[name=code]').fill(code)
  await p.press('/sign-in/code', 'signed-in-by-code')
  await p.open('/sign-in/step-up?next=/account', 'step-up')
  const create = p.page.locator('[data-passkey=create] button')
  await create.waitFor({ state: 'visible' })
  await create.click()
  await p.page.waitForURL((u) => u.pathname === '/account')
  await p.seen('account-with-passkey')
  await p.press('/sign-out')
  await p.open('/desk/sign-in')
  const get = p.page.locator('[data-passkey=get] button')
  await get.waitFor({ state: 'visible' })
  await get.click()
  await p.page.waitForURL((u) => u.pathname === '/desk')
  await p.seen('signed-in-by-passkey')
}

// mailedCode reads the newest code from the development mailbox.
async function mailedCode (p) {
  for (let i = 0; i < 50; i++) {
    const text = await (await fetch(p.base + '/dev/mail')).text()
    const found = text.match(/(?:Mã xác nhận của bạn|Your code): (\d{6})/)
    if (found) return found[1]
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('no code arrived in the mailbox')
}
