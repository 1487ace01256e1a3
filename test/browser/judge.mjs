// What is looked at on every page that is opened, whatever the journey.
import { readFileSync } from 'node:fs'

const axeSource = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export class Judge {
  constructor () { Object.assign(this, { pages: 0, axe: 0, keyboards: 0, stops: 0, faults: [] }) }

  fault (where, what) {
    this.faults.push(`${where}: ${what}`)
    console.log(`  ✗ ${where}: ${what}`)
  }

  // look judges the page as it stands. A page without scripts shows its markup
  // to axe in a second window (twin) that may run it.
  async look (page, name, { lang, width, twin }) {
    this.pages++
    const where = `${name} ${new URL(page.url()).pathname}`
    const facts = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      title: document.title,
      h1: document.querySelectorAll('h1').length,
      text: document.documentElement.outerHTML,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth
    }))
    if (facts.lang !== lang) this.fault(where, `html lang is ${facts.lang}, not ${lang}`)
    if (!facts.title.trim()) this.fault(where, 'the page has no title')
    if (facts.h1 !== 1) this.fault(where, `${facts.h1} h1 headings`)
    if (facts.text.includes('⟦')) this.fault(where, 'a message is missing: ' + facts.text.match(/⟦[^⟧]*/)[0])
    if (facts.wide > 0) this.fault(where, `${facts.wide} pixels too wide at ${width}`)
    const target = twin ? await twin.show(page) : page
    await target.evaluate(axeSource) // evaluated by the debugger, which no page's CSP binds
    const result = await target.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }), tags)
    this.axe++
    for (const v of result.violations) {
      for (const n of v.nodes.slice(0, 3)) this.fault(where, `axe ${v.id}: ${v.help} — ${n.html.slice(0, 160)}`)
    }
  }

  // keys walks from the top of a page to its main button with Tab alone. Every
  // stop must be seen to have the focus.
  async keys (page, name) {
    this.keyboards++
    const where = `${name} ${new URL(page.url()).pathname}`
    for (let i = 0; i < 150; i++) {
      await page.keyboard.press('Tab')
      const stop = await page.evaluate(() => {
        const e = document.activeElement
        if (!e || e === document.body) return null
        // a radio's or a box's own square is transparent: its drawn neighbour shows the focus
        const label = e.matches('input[type=radio], input[type=checkbox]') && e.nextElementSibling
        const shown = [e, e.parentElement].map((x) => getComputedStyle(x)).concat(label ? [getComputedStyle(label, '::before')] : [])
        const marked = shown.some((s) => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none')
        const r = e.getBoundingClientRect()
        return {
          marked, visible: r.width > 1 && r.height > 1, html: e.outerHTML.slice(0, 140),
          main: e.matches('main button:not(.govuk-button--secondary):not(.govuk-file-upload-button), main a.govuk-button')
        }
      })
      if (!stop) break
      this.stops++
      if (!stop.marked) this.fault(where, `the focus is not seen on ${stop.html}`)
      if (!stop.visible) this.fault(where, `the focus is on something invisible: ${stop.html}`)
      if (stop.main) return
    }
    this.fault(where, 'Tab never comes to the main button')
  }
}

// Twin is a window with scripts that shows what a window without them shows.
export class Twin {
  static async of (context) {
    const t = new Twin()
    t.page = await context.newPage()
    await t.page.route('**/*', (route) => route.request().isNavigationRequest()
      ? route.fulfill({ contentType: 'text/html; charset=utf-8', body: t.html })
      : route.continue())
    return t
  }

  async show (page) {
    // without its scripts, and with what it says to those who have none
    this.html = (await page.content()).replace(/<script\b[\s\S]*?<\/script>/g, '').replace(/<\/?noscript>/g, '')
    await this.page.goto(page.url(), { waitUntil: 'load' })
    return this.page
  }
}
