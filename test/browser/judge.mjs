// What is looked at on every page that is opened, whatever the journey.
import { readFileSync } from 'node:fs'

const axeSource = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

export class Judge {
  constructor () { this.pages = 0; this.axe = 0; this.faults = [] }

  fault (where, what) {
    this.faults.push(`${where}: ${what}`)
    console.log(`  ✗ ${where}: ${what}`)
  }

  // look judges the page as it stands. A page without scripts is judged on its
  // own markup in a second window (twin) that may run axe.
  async look (page, name, { lang, width, twin }) {
    this.pages++
    const where = `${name} ${new URL(page.url()).pathname}`
    const facts = await page.evaluate(() => ({
      lang: document.documentElement.lang,
      title: document.title,
      h1: document.querySelectorAll('h1').length,
      text: document.body.innerText,
      wide: document.documentElement.scrollWidth - document.documentElement.clientWidth
    }))
    if (facts.lang !== lang) this.fault(where, `html lang is ${facts.lang}, not ${lang}`)
    if (!facts.title.trim()) this.fault(where, 'the page has no title')
    if (facts.h1 !== 1) this.fault(where, `${facts.h1} h1 headings`)
    if (facts.text.includes('⟦')) this.fault(where, 'a message is missing: ' + facts.text.match(/⟦[^⟧]*/)[0])
    if (facts.wide > 0) this.fault(where, `${facts.wide} pixels too wide at ${width}`)
    const target = twin || page
    if (twin) {
      await twin.goto(page.url(), { waitUntil: 'load' }).catch(() => {})
    }
    await target.evaluate(axeSource) // evaluated by the debugger, which no page's CSP binds
    const result = await target.evaluate((tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }), tags)
    this.axe++
    for (const v of result.violations) {
      this.fault(where, `axe ${v.id}: ${v.help} — ${v.nodes[0].html.slice(0, 160)}`)
    }
  }
}
