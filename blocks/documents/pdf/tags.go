package pdf

import (
	"fmt"
	"strings"
)

// node is an element of the page's structure: what a screen reader reads.
type node struct {
	tag   string
	attrs string // "/Alt …", "/Lang …", "/A …"
	kids  []kid
	num   int
}

// kid is a part of a node: another node, marked content of a page, or an
// annotation.
type kid struct {
	node *node
	page int
	mark int
	ref  int // object number of an annotation
}

func (n *node) add(tag, attrs string) *node {
	child := &node{tag: tag, attrs: attrs}
	n.kids = append(n.kids, kid{node: child})
	return child
}

// number gives every node its object.
func (n *node) number(f *file) {
	n.num = f.object()
	for _, k := range n.kids {
		if k.node != nil {
			k.node.number(f)
		}
	}
}

// write writes the nodes below parent.
func (n *node) write(f *file, parent int, pages []int) {
	var kids strings.Builder
	for _, k := range n.kids {
		switch {
		case k.node != nil:
			fmt.Fprintf(&kids, "%d 0 R ", k.node.num)
			k.node.write(f, n.num, pages)
		case k.ref != 0:
			fmt.Fprintf(&kids, "<</Type/OBJR/Obj %d 0 R/Pg %d 0 R>>", k.ref, pages[k.page])
		default:
			fmt.Fprintf(&kids, "<</Type/MCR/Pg %d 0 R/MCID %d>>", pages[k.page], k.mark)
		}
	}
	f.put(n.num, "<</Type/StructElem/S/%s/P %d 0 R/K[%s]%s>>", n.tag, parent, kids.String(), n.attrs)
}
