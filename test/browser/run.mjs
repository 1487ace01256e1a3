// Plays the journeys as people would, with and without scripts, on a phone of
// 320 pixels and on a desktop, in both languages, and judges every page.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { openHouse } from './house.mjs'
import { Judge, Twin } from './judge.mjs'
import { officerPasskey } from './passkey.mjs'
import { birth, licence, loan, others, refused, reviewed } from './journeys.mjs'
import { Person } from './person.mjs'

const browserPath = process.env.CHROMIUM || '/usr/bin/chromium'
for (const [file, advice] of [['node_modules/playwright-core', 'run: make assets'], ['build/dinh', 'run: make build'], [browserPath, 'on Debian: apt-get install chromium (or set CHROMIUM to where it is)']]) {
  if (!existsSync(file)) { console.error(`${file} is missing; ${advice}`); process.exit(2) }
}
const { chromium } = await import('playwright-core')

rmSync('build/browser', { recursive: true, force: true })
mkdirSync('build/browser', { recursive: true })
mkdirSync('docs/screens', { recursive: true })
const started = Date.now()
const house = await openHouse()
const browser = await chromium.launch({ executablePath: browserPath, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
const judge = new Judge()
let passed = 0
let failed = 0 // scenes; faults of pages are the judge's

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

// Pages on which Tab must come to the main button, every stop being seen.
const walk = ['papers-preview', 'home', 'sign-in', 'birth-start', 'birth-child', 'birth-check', 'licence-photo', 'pay', 'card', 'do-return', 'verify', 'register']

// SCREENS=1 also renews the pictures of the README.
const screens = !!process.env.SCREENS
const kept = {
  'birth vi 320': { home: 'home-320.png', 'birth-child': 'form-320.png', documents: 'documents-320.png' },
  'birth vi 1280': { home: 'home-1280.png', 'birth-child': 'form-1280.png', 'birth-check': 'check-1280.png', 'birth-done': 'done-1280.png', application: 'application-1280.png', 'my-data': 'my-data-1280.png', receipt: 'receipt-1280.png' },
  'licence vi 320': { card: 'pay-320.png' },
  'licence vi 1280': { desk: 'desk-1280.png', case: 'case-1280.png' },
  'other pages vi': { 'sign-in': 'sign-in-1280.png' }
}

// node test/browser/run.mjs passkey   plays only what has the word in its name
const only = process.argv[2] || ''

async function play ({ label, lang, width, scripts, scene }) {
  const c = await context(lang, width, scripts)
  const second = scripts ? null : await context(lang, width, true)
  const page = await c.newPage()
  const errors = []
  // a page that answers 404 or 422 is no error of the page
  page.on('console', (m) => { if (m.type() === 'error' && !/Failed to load resource.*(4\d\d)/.test(m.text())) errors.push(m.text()) })
  page.on('pageerror', (e) => errors.push(String(e)))
  const began = Date.now()
  try {
    const twin = second && await Twin.of(second)
    const keep = screens && scripts && kept[label.replace(' scripts', '')]
    const person = new Person(page, judge, { base: house.base, label, lang, width, scripts, twin, keep, walk })
    await scene(person, { photo })
    for (const e of errors) judge.fault(label, 'console: ' + e)
    passed++
    console.log(`✓ ${label}: ${person.shots} pages (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  } catch (e) {
    failed++
    console.log(`✗ ${label}: ${e.message.split('\n')[0]} at ${page.url()}`)
    await page.screenshot({ path: `build/browser/failed-${label.replaceAll(' ', '-')}.png`, fullPage: true }).catch(() => {})
  } finally {
    await c.close()
    await second?.close()
  }
}

const scenes = []
let n = 0
for (const scripts of [true, false]) {
  for (const width of [320, 1280]) {
    for (const lang of ['vi', 'en']) {
      const how = `${lang} ${width} ${scripts ? 'scripts' : 'plain'}`
      const id = String(++n).padStart(4, '0')
      scenes.push({ label: `birth ${how}`, lang, width, scripts, scene: (p, x) => birth(p, `mother-${id}`, x) })
      scenes.push({ label: `licence ${how}`, lang, width, scripts, scene: (p, x) => licence(p, `driver-${id}`, x) })
    }
  }
}
scenes.push(
  { label: 'refusal vi 1280 scripts', lang: 'vi', width: 1280, scripts: true, scene: (p, x) => refused(p, 'tuan', x) },
  { label: 'refusal en 320 plain', lang: 'en', width: 320, scripts: false, scene: (p, x) => refused(p, 'driver-0010', x) },
  { label: 'birth before a registrar vi 320 scripts', lang: 'vi', width: 320, scripts: true, scene: (p, x) => reviewed(p, 'lan', x) },
  { label: 'birth before a registrar en 1280 plain', lang: 'en', width: 1280, scripts: false, scene: (p, x) => reviewed(p, 'hoa', x) },
  { label: 'loan vi 320 scripts', lang: 'vi', width: 320, scripts: true, scene: (p) => loan(p, 'minh') },
  { label: 'loan en 320 plain', lang: 'en', width: 320, scripts: false, scene: (p) => loan(p, 'quynh') },
  { label: 'loan vi 1280 plain', lang: 'vi', width: 1280, scripts: false, scene: (p) => loan(p, 'quynh') },
  { label: 'loan en 1280 scripts', lang: 'en', width: 1280, scripts: true, scene: (p) => loan(p, 'minh') },
  { label: 'officer passkey vi', lang: 'vi', width: 1280, scripts: true, scene: officerPasskey },
  { label: 'officer passkey en', lang: 'en', width: 320, scripts: true, scene: officerPasskey },
  { label: 'other pages vi', lang: 'vi', width: 1280, scripts: true, scene: others },
  { label: 'other pages en', lang: 'en', width: 320, scripts: true, scene: others })

try {
  const queue = scenes.filter((s) => s.label.includes(only))
  const worker = async () => { while (queue.length) await play(queue.shift()) }
  await Promise.all([worker(), worker()])
} finally {
  await browser.close()
  await house.end()
}
console.log(`\n${judge.pages} pages judged, axe ran ${judge.axe} times, Tab walked ${judge.keyboards} pages (${judge.stops} stops), ${((Date.now() - started) / 1000).toFixed(0)} s`)
console.log(`${passed} passed, ${failed + judge.faults.length} failed`)
process.exit(failed + judge.faults.length || !passed ? 1 : 0)
