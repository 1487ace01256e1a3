// Plays both journeys as people would, with and without scripts, on a phone of
// 320 pixels and on a desktop, in both languages, and judges every page.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { openHouse } from './house.mjs'
import { Judge } from './judge.mjs'
import { passkey } from './passkey.mjs'
import { birth, licence, others } from './journeys.mjs'
import { Person } from './person.mjs'

const browserPath = process.env.CHROMIUM || '/usr/bin/chromium'
for (const [file, advice] of [['node_modules/playwright-core', 'run: make assets'], ['build/dinh', 'run: make build'], [browserPath, 'Debian: apt-get install chromium']]) {
  if (!existsSync(file)) { console.error(`${file} is missing; ${advice}`); process.exit(2) }
}
const { chromium } = await import('playwright-core')

mkdirSync('build/browser', { recursive: true })
mkdirSync('docs/screens', { recursive: true })
const started = Date.now()
const house = await openHouse()
const browser = await chromium.launch({ executablePath: browserPath, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const judge = new Judge()
let passed = 0
let failed = 0

// a photo that a phone might have taken, drawn by the browser itself
const artist = await (await browser.newContext({ viewport: { width: 600, height: 800 } })).newPage()
await artist.setContent('<body style="margin:0;background:#cedee8"><div style="width:260px;height:340px;border-radius:50%;background:#e0b496;margin:140px auto 0"></div><div style="width:500px;height:300px;border-radius:50% 50% 0 0;background:#283c5c;margin:-20px auto 0"></div>')
const photo = { name: 'chan-dung.jpg', mimeType: 'image/jpeg', buffer: await artist.screenshot({ type: 'jpeg', quality: 80 }) }
writeFileSync('build/browser/photo.jpg', photo.buffer)

async function context (lang, width, scripts) {
  const c = await browser.newContext({ locale: lang === 'vi' ? 'vi-VN' : 'en-GB', viewport: { width, height: width < 600 ? 700 : 900 }, javaScriptEnabled: scripts })
  await c.addCookies([{ name: 'dinh_lang', value: lang, url: house.base }])
  return c
}

// node test/browser/run.mjs passkey   plays only what has the word in its name
const only = process.argv[2] || ''

async function play (label, { lang, width, scripts, keep }, scene) {
  if (!label.includes(only)) return
  const c = await context(lang, width, scripts)
  const page = await c.newPage()
  const errors = []
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource.*(4\d\d)/.test(m.text())) errors.push(m.text()) })
  page.on('pageerror', (e) => errors.push(String(e)))
  const began = Date.now()
  try {
    // a page without scripts cannot run axe; its twin shows the same page to axe
    let twin
    if (!scripts) {
      const t = await context(lang, width, true)
      twin = await t.newPage()
      const share = async () => { await t.clearCookies(); await t.addCookies(await c.cookies()) }
      const go = twin.goto.bind(twin)
      twin.goto = async (...args) => { await share(); return go(...args) }
    }
    const person = new Person(page, judge, { base: house.base, label, lang, width, twin, keep })
    await scene(person, { photo, context: () => context(lang, width, true), browser, house, judge })
    for (const e of errors) judge.fault(label, 'console: ' + e)
    passed++
    console.log(`✓ ${label} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  } catch (e) {
    failed++
    console.log(`✗ ${label}: ${e.message.split('\n')[0]} at ${page.url()}`)
    await page.screenshot({ path: `build/browser/failed-${label.replaceAll(' ', '-')}.png`, fullPage: true }).catch(() => {})
  } finally {
    await c.close()
  }
}

try {
  let n = 1
  for (const scripts of [true, false]) {
    for (const width of [320, 1280]) {
      for (const lang of ['vi', 'en']) {
        const how = `${lang} ${width} ${scripts ? 'scripts' : 'plain'}`
        const keep = scripts && lang === 'vi'
        const id = String(n++).padStart(4, '0')
        await play(`birth ${how}`, { lang, width, scripts, keep: keep && { home: `home-${width}.png`, 'birth-child': `form-${width}.png`, 'birth-check': `check-${width}.png`, application: `application-${width}.png`, 'my-data': `my-data-${width}.png`, documents: `documents-${width}.png` } }, (p, x) => birth(p, `mother-${id}`, x))
        await play(`licence ${how}`, { lang, width, scripts, keep: keep && { pay: `pay-${width}.png`, desk: `desk-${width}.png`, case: `case-${width}.png` } }, (p, x) => licence(p, `driver-${id}`, x))
      }
    }
  }
  await play('passkey', { lang: 'vi', width: 1280, scripts: true }, passkey)
  await play('passkey en', { lang: 'en', width: 320, scripts: true }, passkey)
  await play('other pages vi', { lang: 'vi', width: 1280, scripts: true, keep: { 'sign-in': 'sign-in-1280.png' } }, others)
  await play('other pages en', { lang: 'en', width: 320, scripts: true }, others)
} finally {
  await browser.close()
  house.end()
}
console.log(`\n${judge.pages} pages judged, axe ran ${judge.axe} times, ${judge.faults.length} faults, ${((Date.now() - started) / 1000).toFixed(0)} s`)
console.log(`${passed} passed, ${failed + judge.faults.length} failed`)
process.exit(failed + judge.faults.length ? 1 : 0)
