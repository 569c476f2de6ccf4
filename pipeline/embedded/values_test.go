package embedded

import (
	"net"

	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/shopspring/decimal"
)

func ip4(i int) net.IP { return net.IPv4(10, 0, byte(i>>8), byte(i)).To4() }

func ip6(i int) net.IP {
	ip := net.ParseIP("2001:db8::1")
	ip[14], ip[15] = byte(i>>8), byte(i)
	return ip
}

func decimalOf(i int) decimal.Decimal { return decimal.New(int64(i)*12345+1, -4) }

func clickhouseTable() (*ext.Table, error) {
	table, err := ext.NewTable("wanted", ext.Column("a", "UInt64"), ext.Column("s", "String"))
	if err != nil {
		return nil, err
	}
	for i := range 100 {
		if err := table.Append(uint64(i), "x"); err != nil {
			return nil, err
		}
	}
	return table, nil
}
