package embedded

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// The front has no password, so whoever reaches it may do what it can do: it must not be a way out of the database, to
// the files of whoever runs it (the keys of the data directory among them) or to other machines, nor be reached by a web
// page through somebody's browser.

// outside are the table functions, table engines and functions that reach files, programs or other machines.
func outside() []string {
	return []string{
		"file", "filecluster", "filesystem", "url", "urlcluster", "s3", "s3cluster", "s3queue", "gcs", "oss", "cosn",
		"azureblobstorage", "azureblobstoragecluster", "azurequeue", "hdfs", "hdfscluster", "remote", "remotesecure", "cluster",
		"clusterallreplicas", "mysql", "postgresql", "materializedpostgresql", "mongodb", "redis", "sqlite", "odbc", "jdbc",
		"executable", "executablepool", "http", "disk", "kafka", "nats", "rabbitmq", "iceberg", "icebergs3", "icebergazure",
		"iceberglocal", "iceberghdfs", "icebergcluster", "icebergs3cluster", "deltalake", "deltalakes3", "deltalakelocal",
		"deltalakeazure", "deltalakecluster", "hudi", "hudicluster", "hive", "paimon", "paimons3", "paimonlocal", "ytsaurus",
		"arrowflight", "python", "filelog", "embeddedrocksdb", "catboostevaluate", "prometheusquery",
	}
}

// reachesOutside says whether a name, followed by a parenthesis, reaches out of the database.
func reachesOutside(name string) bool {
	return slices.Contains(outside(), strings.ToLower(strings.Trim(name, "`\"")))
}

// foreign says whether a request comes from a web page of another origin, or by a host name that somebody else's name
// server may have pointed here.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return true
		}
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local == nil || !loopback(local.String()) {
		return false // listening for others was asked for: names are theirs to choose
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err != nil && host != "" && host != "localhost"
}

func loopback(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}
