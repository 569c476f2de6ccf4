package embedded

import (
	"bytes"
	"errors"
	"io"
	"strings"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// nativeRewriter rewrites Native blocks. The library writes them for revision 0 of the protocol, without what later
// revisions put around each block and column, and calls a DateTime of any time zone just DateTime. A client that names
// a revision expects blocks of that one.
type nativeRewriter struct {
	out      io.Writer
	revision uint64
	buffer   chproto.Buffer
	describe func() []string // the types of the columns, with their time zones
	types    []string
	asked    bool
}

func newNativeRewriter(out io.Writer, revision uint64, describe func() []string) *nativeRewriter {
	return &nativeRewriter{out: out, revision: revision, describe: describe}
}

// write takes whole blocks.
func (n *nativeRewriter) write(blocks []byte) error {
	reader := chproto.NewReader(bytes.NewReader(blocks))
	for {
		block := proto.NewBlock()
		err := block.Decode(reader, 0)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && len(block.Columns) == 0 {
			return nil
		}
		if err != nil {
			return cannotRewrite(err)
		}
		if err := n.send(block); err != nil {
			return err
		}
	}
}

func (n *nativeRewriter) send(block *proto.Block) error {
	if block.Rows() == 0 {
		return nil
	}
	n.buffer.Reset()
	if err := n.encode(block); err != nil {
		return cannotRewrite(err)
	}
	_, err := n.out.Write(n.buffer.Buf)
	return err
}

func (n *nativeRewriter) encode(block *proto.Block) error {
	if err := block.EncodeHeader(&n.buffer, n.revision); err != nil {
		return err
	}
	for i, name := range block.ColumnsNames() {
		if err := n.encodeColumn(i, name, block.Columns[i]); err != nil {
			return err
		}
	}
	return nil
}

// encodeColumn is what proto.Block does for a column, but for the name of the type.
func (n *nativeRewriter) encodeColumn(i int, name string, c column.Interface) error {
	n.buffer.PutString(name)
	n.buffer.PutString(n.typeOf(i, string(c.Type())))
	if n.revision >= proto.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION {
		n.buffer.PutBool(false)
	}
	if custom, ok := c.(column.CustomSerialization); ok {
		if err := custom.WriteStatePrefix(&n.buffer); err != nil {
			return err
		}
	}
	c.Encode(&n.buffer)
	return nil
}

// typeOf gives a DateTime back its time zone, for which it asks the engine once.
func (n *nativeRewriter) typeOf(i int, written string) string {
	if written != "DateTime" {
		return written
	}
	if !n.asked {
		n.types, n.asked = n.describe(), true
	}
	if i < len(n.types) && strings.HasPrefix(n.types[i], "DateTime(") {
		return n.types[i]
	}
	return written
}

func cannotRewrite(err error) error {
	return raise(codeNotImplemented, "NOT_IMPLEMENTED", "Cannot encode the result for the client's protocol version: %v", err)
}
