// Scripts only improve pages that already work without them.
import { Radios, createAll, initAll } from 'govuk-frontend'
import { Alert, SortableTable } from '@ministryofjustice/frontend'
import { passkeys } from './passkeys.js'
import { copyButtons, narrowDetails, printButtons } from './small.js'

// ARIA gives the radio role no aria-expanded; the revealed question follows its
// radio in the page, where everybody meets it.
const reveal = Radios.prototype.syncConditionalRevealWithInputState
Radios.prototype.syncConditionalRevealWithInputState = function (input) {
  reveal.call(this, input)
  input.removeAttribute('aria-expanded')
}

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()
createAll(Alert)
createAll(SortableTable)

// People who speak to their computer say what they see: the button's name is its
// label and then its visible words, without the hidden comma between.
for (const button of document.querySelectorAll('.govuk-file-upload-button')) {
  const comma = document.getElementById(`${button.id}-comma`)
  if (!comma) continue
  button.setAttribute('aria-labelledby', button.getAttribute('aria-labelledby').replace(comma.id, '').trim())
  comma.replaceWith(' ')
}

passkeys(document)
narrowDetails(document)
printButtons(document)
copyButtons(document)
