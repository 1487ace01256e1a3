package httpsig

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"

	"github.com/dinh-gov/dinh/kernel/errs"
)

// Many messages may share one Ed25519 signature: it is made over the root of an
// RFC 6962 tree whose leaves are the signature bases, and each message carries
// the root's signature with its own path to it:
//
//	signature (64) ‖ tree size (uint32) ‖ leaf index (uint32) ‖ path (k × 32, leaf first)
//
// What is signed begins with batchContext, which no RFC 9421 signature base does
// (those begin with a quote), so neither form can be passed off as the other.
const (
	batchContext = "dinh-batch-v1\n"
	batchHead    = ed25519.SignatureSize + 8
)

type treeHash = [sha256.Size]byte

// SignBatch signs every base with one call of sign, which makes a plain Ed25519
// signature of the text it is given. The i-th result belongs to the i-th base
// and stands alone: Verify needs no other. A single base gets a plain
// signature; no bases get none, and sign is not called. The error is sign's, or
// errs.Internal "exchange.cannot_sign" when its signature is not 64 bytes.
func SignBatch(bases [][]byte, sign func(message []byte) ([]byte, error)) ([][]byte, error) {
	n := len(bases)
	if n == 0 {
		return nil, nil
	}
	message := bases[0]
	var tree []treeHash
	if n > 1 {
		tree = batchTree(bases)
		message = appendBatchText(make([]byte, 0, 96), uint64(n), tree[len(tree)-1])
	}
	sig, err := sign(message)
	if err != nil {
		return nil, err
	}
	if len(sig) != ed25519.SignatureSize {
		return nil, errs.New(errs.Internal, "exchange.cannot_sign")
	}
	if n == 1 {
		return [][]byte{sig}, nil
	}
	out := make([][]byte, n)
	size := batchHead + bits.Len(uint(n-1))*sha256.Size // no path is longer
	slab := make([]byte, 0, n*size)
	for i := range out {
		start := len(slab)
		slab = append(slab, sig...)
		slab = binary.BigEndian.AppendUint32(slab, uint32(n))
		slab = binary.BigEndian.AppendUint32(slab, uint32(i))
		slab = appendBatchPath(slab, tree, n, i)
		out[i] = slab[start:len(slab):len(slab)]
	}
	return out, nil
}

// Verify says whether signature, plain or of a batch, is the key's over
// base. Exactly the bytes that SignBatch makes are accepted: nothing may follow
// the path, and the path has the length that size and index ask for.
func Verify(public ed25519.PublicKey, base, signature []byte) bool {
	if len(public) != ed25519.PublicKeySize {
		return false
	}
	if len(signature) == ed25519.SignatureSize {
		// A batch's text is never a message of its own.
		return !strings.HasPrefix(string(base[:min(len(base), len(batchContext))]), batchContext) &&
			ed25519.Verify(public, base, signature)
	}
	size, root, ok := batchRoot(base, signature)
	if !ok {
		return false
	}
	var text [96]byte
	return ed25519.Verify(public, appendBatchText(text[:0], size, root), signature[:ed25519.SignatureSize])
}

// Covered gives the text that the plain Ed25519 signature within signature must
// be over: base itself, or the text of the batch that base is proven to be in.
// The second lets a verifier check a batch once. false: it proves nothing.
func Covered(base, signature []byte) (text, plain []byte, ok bool) {
	if len(signature) <= batchHead {
		return base, signature, true
	}
	size, root, ok := batchRoot(base, signature)
	if !ok {
		return nil, nil, false
	}
	return appendBatchText(nil, size, root), signature[:ed25519.SignatureSize], true
}

// batchRoot climbs from base along the signature's path.
func batchRoot(base, signature []byte) (size uint64, root treeHash, ok bool) {
	if len(signature) < batchHead || (len(signature)-batchHead)%sha256.Size != 0 {
		return 0, root, false
	}
	size = uint64(binary.BigEndian.Uint32(signature[ed25519.SignatureSize:]))
	index := uint64(binary.BigEndian.Uint32(signature[ed25519.SignatureSize+4:]))
	if index >= size {
		return 0, root, false
	}
	root = leafHash(make([]byte, 0, 2048), base)
	path := signature[batchHead:]
	for last := size - 1; last > 0; index, last = index/2, last/2 {
		if index == last && index%2 == 0 {
			continue // without a sibling a node rises as it is
		}
		if len(path) == 0 {
			return 0, root, false
		}
		sibling := treeHash(path[:sha256.Size])
		path = path[sha256.Size:]
		if index%2 == 1 {
			root = nodeHash(sibling, root)
		} else {
			root = nodeHash(root, sibling)
		}
	}
	return size, root, len(path) == 0
}

// batchTree gives all levels of the tree, leaves first, root last. Pairing level
// by level and letting an odd last node rise makes the tree of RFC 6962 §2.1.
func batchTree(bases [][]byte) []treeHash {
	tree := make([]treeHash, 0, 2*len(bases)+bits.Len(uint(len(bases))))
	buf := make([]byte, 0, 2048)
	for _, b := range bases {
		tree = append(tree, leafHash(buf, b))
	}
	for start, width := 0, len(bases); width > 1; start, width = start+width, (width+1)/2 {
		for i := 0; i+1 < width; i += 2 {
			tree = append(tree, nodeHash(tree[start+i], tree[start+i+1]))
		}
		if width%2 == 1 {
			tree = append(tree, tree[start+width-1])
		}
	}
	return tree
}

func appendBatchPath(b []byte, tree []treeHash, width, index int) []byte {
	for start := 0; width > 1; start, width, index = start+width, (width+1)/2, index/2 {
		if sibling := index ^ 1; sibling < width {
			b = append(b, tree[start+sibling][:]...)
		}
	}
	return b
}

func appendBatchText(b []byte, size uint64, root treeHash) []byte {
	b = append(b, batchContext...)
	b = append(strconv.AppendUint(b, size, 10), '\n')
	return append(base64.StdEncoding.AppendEncode(b, root[:]), '\n')
}

func leafHash(buf, base []byte) treeHash {
	return sha256.Sum256(append(append(buf, 0), base...))
}

func nodeHash(left, right treeHash) treeHash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}
