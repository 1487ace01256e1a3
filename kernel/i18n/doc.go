// Package i18n gives every text in Vietnamese and in English.
//
// Words of the program stand in a Catalog, read once at start from the
// messages/vi.json and messages/en.json of every package that speaks; words of
// data (a service's name, a reason) are a Text. A Catalog is only made when
// every key exists in every language with the same {placeholders}, so that no
// reader ever meets a half-translated page.
//
// The reader's language travels in the context; without one it is Vietnamese.
package i18n
