// Buttons that do nothing without scripts are hidden in the page and shown here.

export function printButtons (root) {
  for (const button of root.querySelectorAll('button[data-print]')) {
    button.hidden = false
    button.addEventListener('click', () => window.print())
  }
}

// Filters stand open; where they would push the list off a phone's screen they
// start closed.
export function narrowDetails (root) {
  if (!window.matchMedia('(max-width: 899px)').matches) return
  for (const details of root.querySelectorAll('details[data-narrow-closed]')) details.open = false
}

// <button hidden data-copy="#id" data-copied="Đã sao chép">: copies the text of
// an element and says so.
export function copyButtons (root) {
  for (const button of root.querySelectorAll('button[data-copy]')) {
    if (!navigator.clipboard) continue
    button.hidden = false
    button.addEventListener('click', async () => {
      const from = root.querySelector(button.dataset.copy)
      if (!from) return
      await navigator.clipboard.writeText(from.textContent.trim())
      const label = button.textContent
      button.textContent = button.dataset.copied || label
      button.setAttribute('aria-live', 'polite')
      setTimeout(() => { button.textContent = label }, 3000)
    })
  }
}
