// A person at a browser: opens, reads, types, presses.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { shrink } from './png.mjs'

export class Person {
  constructor (page, judge, opts) { Object.assign(this, { page, judge, ...opts, shots: 0, walked: new Set() }) }

  async seen (name) {
    await this.judge.look(this.page, `${this.label} ${name}`, this)
    const file = `${this.label}-${String(++this.shots).padStart(2, '0')}-${name}.png`.replaceAll(' ', '-')
    const picture = await this.picture()
    writeFileSync(join('build/browser', file), picture)
    if (this.keep?.[name]) writeFileSync(join('docs/screens', this.keep[name]), shrink(picture))
    if (this.walk?.includes(name) && !this.walked.has(name)) {
      this.walked.add(name)
      await this.judge.keys(this.page, `${this.label} ${name}`)
    }
  }

  // picture takes the whole page; a quick picture will do but for those we keep.
  async picture () {
    this.cdp ||= await this.page.context().newCDPSession(this.page)
    const { cssContentSize: size } = await this.cdp.send('Page.getLayoutMetrics')
    const { data } = await this.cdp.send('Page.captureScreenshot', {
      format: 'png', captureBeyondViewport: true, optimizeForSpeed: true,
      clip: { x: 0, y: 0, width: this.width, height: Math.ceil(size.height), scale: 1 }
    })
    return Buffer.from(data, 'base64')
  }

  async open (path, name) {
    await this.page.goto(this.base + path, { waitUntil: 'load' })
    if (name) await this.seen(name)
  }

  // press presses the main button of the form that leads to an action.
  async press (action, name) {
    const exact = this.page.locator(`form[action="${action}"] button:not([type=button])`).first()
    const button = await exact.count() ? exact : this.page.locator(`form[action^="${action}"] button:not([type=button])`).first()
    await Promise.all([this.page.waitForURL((u) => true, { waitUntil: 'load' }), button.click()])
    await this.page.waitForLoadState('load')
    if (name) await this.seen(name)
  }

  async signInAs (sample) {
    await this.open('/demo')
    const form = this.page.locator(`form:has(input[name=sample][value="${sample}"])`).first()
    if (await form.count()) {
      await form.locator('button').click()
    } else { // cast people are many and not listed; their form is the same
      await this.page.evaluate((sample) => {
        const f = document.createElement('form')
        f.method = 'post'; f.action = '/sign-in/demo'
        for (const [n, v] of [['sample', sample], ['next', '/']]) {
          const i = document.createElement('input'); i.name = n; i.value = v; f.append(i)
        }
        document.body.append(f); f.submit()
      }, sample)
      await this.page.waitForURL((u) => u.pathname === '/' || u.pathname.startsWith('/desk'))
    }
    await this.page.waitForLoadState('load')
  }

  // fill types what the page asks: answers by field id, the first choice elsewhere.
  async fill (answers, files) {
    const page = this.page
    for (const input of await page.locator('main form input:not([type=hidden]), main form textarea, main form select').all()) {
      const name = await input.getAttribute('name')
      const type = await input.getAttribute('type')
      if (!name) continue
      if (type === 'file') { // hidden behind a drop zone where scripts run
        await input.setInputFiles(files[name] || files.any)
        continue
      }
      if (!(await input.isVisible())) continue
      if (type === 'radio') {
        const group = page.locator(`input[type=radio][name="${name}"]`)
        const want = answers[name]
        if (want !== undefined) await page.locator(`input[type=radio][name="${name}"][value="${want}"]`).check()
        else if (!(await group.evaluateAll((all) => all.some((x) => x.checked)))) await group.first().check()
      } else if (type === 'checkbox') {
        await input.check()
      } else if ((await input.evaluate((e) => e.tagName)) === 'SELECT') {
        if (!(await input.inputValue())) await input.selectOption({ index: 1 })
      } else {
        const date = name.match(/^(.*)-(day|month|year)$/)
        if (date && answers[date[1]]) {
          await input.fill(String(Number(answers[date[1]].split('-')[{ year: 0, month: 1, day: 2 }[date[2]]])))
        } else if (answers[name] !== undefined && !(await input.inputValue())) {
          await input.fill(answers[name])
        }
      }
    }
  }

  // apply goes from the start page to the confirmation and returns the
  // application's id.
  async apply (service, answers, files) {
    await this.open(`/services/${service}`, `${service}-start`)
    await this.press(`/services/${service}/start`)
    for (let i = 0; i < 25; i++) {
      const path = new URL(this.page.url()).pathname
      const id = path.split('/')[2]
      const root = `/apply/${id}`
      if (path.endsWith('/done')) {
        await this.seen(`${service}-done`)
        return id
      }
      if (await this.page.locator(`form[action^="${root}/submit"], form[action^="${root}/resubmit"]`).count()) {
        await this.seen(`${service}-check`)
        for (const box of await this.page.locator('main form input[type=checkbox]').all()) await box.check()
        await this.press(await this.page.locator(`form[action^="${root}/submit"]`).count() ? `${root}/submit` : `${root}/resubmit`)
        if (!(await this.page.url().includes('/done'))) return id
        continue
      }
      if (await this.page.locator(`form[action^="${root}/p/"]`).count()) {
        await this.seen(`${service}-${path.split('/').pop()}`)
        await this.fill(answers, files)
        await this.press(`${root}/p/`)
        const errors = await this.page.locator('.govuk-error-summary__list li').allInnerTexts()
        if (errors.length) throw new Error(`${path}: ${errors.join('; ')}`)
        continue
      }
      const next = this.page.locator(`a[href^="${root}/p/"], a[href^="${root}/check"]`).first()
      await this.seen(`${service}-tasks`)
      await next.click()
      await this.page.waitForLoadState('load')
    }
    throw new Error(`${service}: going in circles at ${this.page.url()}`)
  }

  // until looks at a page again and again, as people do.
  async until (path, ready, name) {
    for (const end = Date.now() + 60_000; Date.now() < end;) {
      await this.open(path)
      if (await ready(this.page)) {
        if (name) await this.seen(name)
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    throw new Error(`${path} did not become ready`)
  }
}
