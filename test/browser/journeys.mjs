// What people come for.
import { addApp, addPasskey, byCode } from './passkey.mjs'

const given = 'Minh Châu'

async function familyName (p) {
  const name = await p.page.locator('.dinh-account__name').first().innerText()
  return name.split(' ')[0]
}

export async function birth (p, mother) {
  await p.open('/', 'home')
  await p.signInAs(mother)
  if (p.scripts) await addPasskey(p, '/', '/sign-in')
  await p.open('/', 'home-signed-in')
  await p.page.locator('main input[name=q]').first().fill(p.lang === 'vi' ? 'khai sinh' : 'birth')
  await p.press('/search', 'search')
  await p.open('/life-events/child', 'life-event')
  const id = await p.apply('birth', {
    'child.full_name': `${await familyName(p)} ${given}`, 'contact.email': 'me@vidu.example', 'contact.phone': '0900000123'
  }, {})
  await p.until(`/applications/${id}`, async (page) => await page.locator('a[href^="/my-documents/"]').count() >= 3, 'application')
  await p.open('/applications', 'applications')
  await p.open('/my-documents', 'documents')
  await p.page.locator('a[href^="/my-documents/"]').first().click()
  await p.page.waitForLoadState('load')
  await p.seen('document')
  await p.open('/my-data', 'my-data')
  const event = await p.page.locator('a[href^="/my-data/0"]').first().getAttribute('href')
  await p.until(event, async (page) => await page.locator(`a[href$="/receipt"]`).count() > 0, 'receipt')
  await p.open('/messages', 'messages')
  await p.page.locator('a[href^="/messages/"]').first().click()
  await p.page.waitForLoadState('load')
  await p.seen('message')
}

async function pay (p, id, card) {
  const way = `form[action^="/pay/"], a[href^="/pay/"]`
  await p.until(`/applications/${id}`, async (page) => await page.locator(way).count() > 0, 'application-to-pay')
  const link = p.page.locator('a[href^="/pay/"]').first()
  if (await link.count()) await link.click()
  else await p.page.locator('form[action^="/pay/"] button').first().click()
  await p.page.waitForLoadState('load')
  await p.seen('pay')
  await p.press('/pay/', 'card')
  for (const [name, value] of [['number', card], ['expiry', '12/99'], ['code', '123'], ['name', 'NGUYEN VAN A']]) await p.page.locator(`input[name=${name}]`).fill(value)
  await p.press('/sandbox-card/', 'pay-done')
}

async function decide (p, code, action, fill) {
  await p.until(`/desk/search?q=${encodeURIComponent(code)}`, async (page) => await page.locator('a[href^="/desk/cases/"]').count() > 0)
  const path = await p.page.locator('a[href^="/desk/cases/"]').first().getAttribute('href')
  await p.until(path, async (page) => await page.locator(`form[action$="/do/${action}"], a[href$="/do/${action}"], form[action$="/claim"]`).count() > 0, 'case')
  const claim = p.page.locator('form[action$="/claim"] button').first()
  if (await claim.count()) { await claim.click(); await p.page.waitForLoadState('load') }
  const link = p.page.locator(`a[href$="/do/${action}"]`).first()
  if (await link.count()) { await link.click(); await p.page.waitForLoadState('load') }
  await p.seen(`do-${action}`)
  const form = p.page.locator(`form[action$="/do/${action}"]`).first()
  const details = p.page.locator(`details:has(form[action$="/do/${action}"])`).first()
  if (await details.count() && !(await details.getAttribute('open') !== null)) await details.locator('summary').first().click()
  await fill(form)
  await form.locator('button:not([type=button])').last().click()
  await p.page.waitForLoadState('load')
  const errors = await p.page.locator('.govuk-error-summary__list li').allInnerTexts()
  if (errors.length) throw new Error(`${action}: ${errors.join('; ')}`)
  await p.seen(`after-${action}`)
}

export async function licence (p, driver, { photo }) {
  await p.signInAs(driver)
  if (p.scripts) await addPasskey(p, '/', '/sign-in')
  const answers = { 'licence.correct': 'yes', 'contact.email': 'lai@vidu.example', 'contact.phone': '0900000124' }
  const id = await p.apply('licence', answers, { any: photo })
  const code = (await p.page.locator('main').innerText()).match(/[A-Z]\d{2}(\.\d{2})+-\d{6}-\d{4,}/)[0]
  await pay(p, id, '4000 0000 0000 0002')
  await pay(p, id, '4444 3333 2222 1111')
  await p.signInAs('licence-1')
  await p.open('/desk', 'desk')
  await decide(p, code, 'return', async (form) => {
    await form.locator('textarea[name=_message]').fill(p.lang === 'vi' ? 'Ảnh bị tối, xin gửi ảnh khác.' : 'The photo is too dark, please send another.')
    await form.locator('input[name=_fields][value="photo.portrait"]').check()
  })
  if (p.scripts) await p.signInAs(driver)
  else { // without scripts: a code by e-mail to look, an authenticator app to hand in
    const number = (await p.page.locator('main').innerText()).match(/\b\d{12}\b/)[0]
    const signIn = async () => {
      await p.open('/sign-in', 'sign-in')
      await p.page.locator('input[name=number]').fill(number)
      await byCode(p, '/sign-in', 'signed-in-by-code')
    }
    await p.press('/sign-out')
    await signIn()
    await p.open('/applications', 'applications')
    await addApp(p, `/apply/${id}`, signIn)
  }
  await p.until(`/applications/${id}`, async (page) => await page.locator(`form[action^="/apply/${id}"], a[href^="/apply/${id}"]`).count() > 0, 'application-to-correct')
  await p.open(`/apply/${id}`, 'correct')
  for (let i = 0; i < 6; i++) {
    const resubmit = p.page.locator(`form[action$="/resubmit"]`)
    if (await resubmit.count()) {
      for (const box of await p.page.locator('main form input[type=checkbox]').all()) await box.check()
      await p.press(`/apply/${id}/resubmit`, 'resubmitted')
      break
    }
    if (await p.page.locator(`form[action^="/apply/${id}/p/"]`).count()) {
      await p.fill(answers, { any: photo })
      await p.press(`/apply/${id}/p/`, 'corrected')
      continue
    }
    await p.page.locator(`a[href^="/apply/${id}/p/"], a[href^="/apply/${id}/check"]`).first().click()
    await p.page.waitForLoadState('load')
  }
  await p.signInAs('licence-1')
  await decide(p, code, 'approve', async () => {})
  await p.signInAs(driver)
  await p.until(`/applications/${id}`, async (page) => await page.locator('a[href^="/my-documents/"]').count() > 0, 'licence-result')
}

// reviewed is a birth that the table does not decide alone: a registrar does.
export async function reviewed (p, mother) {
  await p.signInAs(mother)
  const id = await p.apply('birth', {
    'child.full_name': `${await familyName(p)} ${given}`, 'contact.email': 'me@vidu.example', 'contact.phone': '0900000125',
    'father.acknowledges': 'yes', 'father.full_name': 'Trần Quốc Bảo', 'father.birth_date': '1993-08-02', 'father.number': '001093100201'
  }, {})
  const code = (await p.page.locator('main').innerText()).match(/[A-Z]\d{2}(\.\d{2})+-\d{6}-\d{4,}/)[0]
  await p.open(`/applications/${id}`, 'application-in-review')
  await p.signInAs('registrar-1')
  await decide(p, code, 'approve', async (form) => {
    const confirmed = form.locator('input[type=radio][value=yes]')
    if (await confirmed.count()) await confirmed.first().check()
  })
  await p.signInAs(mother)
  await p.until(`/applications/${id}`, async (page) => await page.locator('a[href^="/my-documents/"]').count() >= 3, 'application-approved')
}

// refused hands in a certificate on paper where the register has none, and is
// refused with the fee paid back.
export async function refused (p, driver, { photo }) {
  await p.signInAs(driver)
  const examined = new Date(Date.now() - 20 * 864e5).toISOString().slice(0, 10)
  const id = await p.apply('licence', { 'licence.correct': 'yes', 'contact.email': 'lai@vidu.example', 'contact.phone': '0900000124', 'fitness.examined_on': examined }, { any: photo })
  const code = (await p.page.locator('main').innerText()).match(/[A-Z]\d{2}(\.\d{2})+-\d{6}-\d{4,}/)[0]
  await pay(p, id, '4444 3333 2222 1111')
  await p.signInAs('licence-1')
  await decide(p, code, 'refuse', async (form) => {
    await form.locator('textarea[name=_message]').fill(p.lang === 'vi' ? 'Giấy khám không do cơ sở đủ điều kiện cấp.' : 'The certificate is not from a clinic that may issue it.')
    for (const select of await form.locator('select').all()) if (!(await select.inputValue())) await select.selectOption({ index: 1 })
    const reasons = form.locator('input[type=radio]')
    if (await reasons.count() && !(await reasons.evaluateAll((all) => all.some((x) => x.checked)))) await reasons.first().check()
  })
  await p.signInAs(driver)
  await p.until(`/applications/${id}`, async (page) => await page.locator('.dinh-timeline, .moj-timeline').count() > 0 && !(await page.locator('form[action^="/pay/"]').count()), 'refused')
}

export async function others (p) {
  for (const [path, name] of [['/services', 'services'], ['/search?q=khai+sinh', 'search'], ['/search?q=xyzzy', 'search-nothing'], ['/sign-in', 'sign-in'], ['/desk/sign-in', 'officer-sign-in'], ['/register', 'register'],
    ['/verify', 'verify'], ['/verify/receipt', 'verify-receipt'], ['/help', 'help'], ['/about', 'about'], ['/exchange', 'exchange'], ['/directory/join', 'directory-join'], ['/exchange/services/VN/GOV/MPS/population/population', 'exchange-service'], ['/exchange?q=xyzzy', 'exchange-nothing'],
    ['/exchange/document/VN/GOV/MPS/population/population', 'exchange-document'], ['/exchange/try/VN/GOV/MPS/population/population', 'exchange-try'], ['/exchange/use/VN/GOV/MPS/population/population', 'exchange-use'], ['/accessibility', 'accessibility'], ['/demo', 'demo'], ['/dev/mail', 'mailbox'], ['/nothing-here', 'not-found']]) await p.open(path, name)
  await p.open('/sign-in')
  await p.page.locator('input[name=number]').fill('12')
  await p.press('/sign-in', 'sign-in-error')
  await p.signInAs('registrar-1')
  for (const [path, name] of [['/desk', 'desk-registrar'], ['/desk/figures', 'figures'], ['/account', 'officer-account']]) await p.open(path, name)
  await p.open('/desk/search')
  await p.page.locator('input[name=q]').fill('an')
  await p.press('/desk/search', 'desk-search')
  await p.signInAs('register-mps')
  for (const [path, name] of [['/desk/registers', 'registers'], ['/desk/registers/population', 'register'], ['/desk/registers/population/import', 'import']]) await p.open(path, name)
  await p.page.locator('main').first().waitFor()
  await p.open('/desk/registers/population')
  await p.press('/desk/registers/population', 'register-nothing-typed')
  await p.page.locator('input[name=q]').fill('nguyen')
  await p.press('/desk/registers/population', 'register-found')
  await p.page.locator('a[href*="/records/"]').first().click()
  await p.page.waitForLoadState('load')
  await p.seen('record')
  await asks(p)
  await p.signInAs('mai')
  for (const [path, name] of [['/account', 'account'], ['/my-data/children', 'children'], ['/my-data/consents', 'consents'], ['/my-documents', 'no-documents'], ['/messages', 'no-messages']]) await p.open(path, name)
}

// asks asks for a grant, gets less, and loses it again.
async function asks (p) {
  const form = '/desk/exchange/ask/VN/GOV/MPS/residence/residence'
  await p.signInAs('grants-moj')
  await p.open(form, 'grant-ask')
  await p.press(form, 'grant-ask-wrong')
  await p.page.locator('input[name=operations][value=search]').check()
  await p.page.locator('input[name=fields]').first().check()
  await p.page.locator('select[name=purpose]').selectOption({ index: 1 + (p.lang === 'en') })
  await p.page.locator('input[name=legal_basis]').fill('Luật Cư trú 2020')
  await p.page.locator('textarea[name=reason]').fill('Đối chiếu nơi cư trú khi đăng ký khai sinh')
  for (const [part, value] of [['day', '31'], ['month', '12'], ['year', String(new Date().getFullYear() + 1)]]) await p.page.locator(`input[name=until-${part}]`).fill(value)
  await p.press(form, 'grant-asked')
  const request = new URL(p.page.url()).pathname
  await p.signInAs('grants-mps')
  await p.open('/desk/exchange', 'grants')
  await p.open(request, 'grant-decide')
  await p.page.locator('input[name=outcome][value=refused]').check()
  await p.press(request + '/decide', 'grant-decide-wrong')
  await p.page.locator('input[name=outcome][value=granted]').check()
  await p.press(request + '/decide', 'grant-granted')
  await p.page.locator('input[name=reason]').fill('Việc đã xong')
  await p.press(request + '/revoke', 'grant-revoked')
}

// loan hands five papers to a bank, refusing one, and takes them back.
export async function loan (p, borrower) {
  await p.open('/exchange/requirements', 'requirements')
  await p.signInAs('loans-1')
  await p.open('/desk/papers', 'bank-desk')
  await p.page.locator('input[name=reference]').fill('HV-' + borrower)
  await p.press('/desk/papers', 'bank-waiting')
  const code = p.page.url().split('/').pop()
  await p.signInAs(borrower)
  await p.open('/services/loan', 'loan-start')
  await p.open('/papers/' + code, 'papers-asked')
  await p.page.locator('a[href$="/preview"]').click()
  await p.page.waitForLoadState('load')
  await p.seen('papers-preview')
  await p.press(`/papers/${code}/preview`, 'papers-unanswered')
  for (const radio of await p.page.locator('input[type=radio][value=yes]').all()) await radio.check()
  await p.page.locator('input[type=radio][value=no]').last().check()
  await p.press(`/papers/${code}/preview`, 'papers-decided')
  await p.open('/papers', 'papers-mine')
  await p.signInAs('loans-1')
  await p.open('/desk/papers/' + code, 'bank-ready')
  await p.press('/desk/papers/' + code, 'bank-extracts')
  await p.signInAs(borrower)
  await p.open('/papers/' + code)
  await p.press(`/papers/${code}/withdraw`, 'papers-withdrawn')
  await p.open('/my-data/consents', 'consents')
  await p.signInAs('loans-1')
  await p.open('/desk/papers/' + code)
  await p.press('/desk/papers/' + code, 'bank-closed')
}
