// Scripts only improve pages that already work without them.
import { createAll, initAll } from 'govuk-frontend'
import { Alert, SortableTable } from '@ministryofjustice/frontend'
import { passkeys } from './passkeys.js'
import { printButtons, copyButtons } from './small.js'

document.body.classList.add('js-enabled', 'govuk-frontend-supported')
initAll()
createAll(Alert)
createAll(SortableTable)
passkeys(document)
printButtons(document)
copyButtons(document)
