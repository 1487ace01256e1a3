// Package web is the design system: the layout of every page, the components
// pages are made of, and the styles, scripts and fonts they need.
//
// A component is a typed struct with one template in components/. Pages build
// components in Go and print them with {{render .X}}; templates hold no logic
// beyond order and repetition. The components that come from govuk-frontend
// give the same HTML as that package's own fixtures (conformance_test.go).
//
// A block registers its page templates once with [Renderer.Add] and answers
// with [Renderer.Page]; the page is rendered to memory first, so a failing
// template never leaves half a page.
//
// Styles and scripts are built by `make assets` (npm ci && npm run build) into
// static/dist, which is not committed; [New] says so when they are missing.
// Every page works without JavaScript, at 320 pixels and by keyboard; the
// script only improves.
package web
