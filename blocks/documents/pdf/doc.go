// Package pdf writes small official papers as tagged, signed PDF 1.7.
//
// Its promise: what it writes can be read aloud (structure tags, language,
// text that copies out as it was put in), holds only the glyphs it uses, and is
// signed to PAdES B-B (ETSI EN 319 142-1): CMS with signing-certificate-v2 over
// the whole file. It costs about a millisecond.
//
// It knows nothing of registers or services; blocks/documents lays papers out.
package pdf
