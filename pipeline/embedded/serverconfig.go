package embedded

import (
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strconv"
)

// serverConfig is the part of ClickHouse's config.xml that an embedded server needs.
type serverConfig struct {
	XMLName              xml.Name `xml:"clickhouse"`
	MaxServerMemoryUsage uint64   `xml:"max_server_memory_usage"`
	MarkCacheSize        uint64   `xml:"mark_cache_size"`
	IndexMarkCacheSize   uint64   `xml:"index_mark_cache_size"`
	PrimaryIndexCache    uint64   `xml:"primary_index_cache_size"`
	UncompressedCache    uint64   `xml:"uncompressed_cache_size"`
	IndexUncompressed    uint64   `xml:"index_uncompressed_cache_size"`
	QueryConditionCache  uint64   `xml:"query_condition_cache_size"`
	CompiledExpressions  uint64   `xml:"compiled_expression_cache_size"`
	LogLevel             string   `xml:"logger>level"`
	LogConsole           int      `xml:"logger>console"`
	Timezone             string   `xml:"timezone"`
	UsersFile            string   `xml:"user_directories>users_xml>path"`
}

// usersConfig is users.xml: one user, whose profile holds the settings every session starts with.
type usersConfig struct {
	XMLName  xml.Name        `xml:"clickhouse"`
	Settings profileSettings `xml:"profiles>default"`
	Password string          `xml:"users>default>password"`
	Network  string          `xml:"users>default>networks>ip"`
	Profile  string          `xml:"users>default>profile"`
	Quota    string          `xml:"users>default>quota"`
	Quotas   string          `xml:"quotas>default"`
}

// profileSettings are written as elements named after the setting.
type profileSettings [][2]string

// MarshalXML writes one element a setting.
func (p profileSettings) MarshalXML(encoder *xml.Encoder, start xml.StartElement) error {
	if err := encoder.EncodeToken(start); err != nil {
		return err
	}
	for _, setting := range p {
		if err := encoder.EncodeElement(setting[1], xml.StartElement{Name: xml.Name{Local: setting[0]}}); err != nil {
			return err
		}
	}
	return encoder.EncodeToken(start.End())
}

func defaultProfile(cfg ClickHouseConfig) profileSettings {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	return profileSettings{
		{"max_memory_usage", number(cfg.MaxQueryMemory)},
		// Keys and versions make a repeated insert harmless; tokens would swallow repairs, and an asynchronous insert
		// would be acknowledged together with strangers.
		{"async_insert", "0"},
		{"insert_deduplicate", "0"},
		// The library's defaults are those of clickhouse-local. A server does not take "nope" for "SELECT nope".
		{"implicit_select", "0"},
		{"allow_introspection_functions", "0"},
		// The profilers interrupt threads by signals, which belong to the Go runtime here.
		{"query_profiler_real_time_period_ns", "0"},
		{"query_profiler_cpu_time_period_ns", "0"},
	}
}

// writeServerConfig writes the configuration of ClickHouse beside its data and says where.
func writeServerConfig(cfg ClickHouseConfig) (string, error) {
	users := filepath.Join(cfg.Dir, "users.xml")
	path := filepath.Join(cfg.Dir, "config.xml")
	share := func(part uint64) uint64 { return cfg.MaxMemory / part }
	err := writeXML(users, usersConfig{
		Settings: defaultProfile(cfg), Network: "::/0", Profile: "default", Quota: "default",
	})
	if err != nil {
		return "", err
	}
	return path, writeXML(path, serverConfig{
		MaxServerMemoryUsage: cfg.MaxMemory, MarkCacheSize: share(16), IndexMarkCacheSize: share(64), PrimaryIndexCache: share(16),
		UncompressedCache: 0, IndexUncompressed: 0, QueryConditionCache: share(128), CompiledExpressions: share(64),
		LogLevel: "fatal", Timezone: "UTC", UsersFile: users,
	})
}

func writeXML(path string, v any) error {
	body, err := xml.MarshalIndent(v, "", "\t")
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	if err := replaceFile(path, append(body, '\n')); err != nil {
		return fmt.Errorf("write ClickHouse configuration: %w", err)
	}
	return nil
}
