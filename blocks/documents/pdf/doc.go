// Package pdf prints and signs the papers of the documents block, and checks
// them.
//
// The promise: a paper is one PDF 1.7 file, complete in itself, that reads well
// to the eye and to a screen reader, and whose signature covers every byte.
//
//   - Fonts are embedded (Type0, Identity-H, TrueType outlines) with the letters
//     of Vietnamese and of the other Latin alphabets, and a map back to Unicode.
//   - The page is tagged: Document, H1, P, Table with row headers, Figure with
//     alternative text, Link and Form; the language is vi-VN, English words are
//     marked as English; everything drawn for looks alone is an artifact. Colours
//     have a profile. This is what PDF/UA-1 and PDF/A-2 ask for; the file does not
//     carry their labels, because no validator of theirs has judged it yet.
//   - The signature is PAdES B-B: detached CMS (ETSI.CAdES.detached) with the
//     signing certificate bound in, ECDSA P-256 over SHA-256, the signer's
//     certificate and its authority inside.
//
// Every file of one press begins with the same bytes: header, fonts, colour
// profile. They are compressed and hashed once for a process, so that a paper
// costs well below a millisecond, and whoever stores papers can store them once
// (see [Press.Base]).
//
// Verify reads only what this package writes. It is not a PDF parser: it checks
// that the file has exactly the shape that Print gives it, and believes nothing
// else.
package pdf
