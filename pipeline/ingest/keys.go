package ingest

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
)

// keyring knows who may come in. It holds hashes only.
type keyring []keyHolder

type keyHolder struct {
	origin Origin
	sum    [sha256.Size]byte
}

func newKeyring(keys []APIKey) keyring {
	var ring keyring
	for _, k := range keys {
		h := keyHolder{origin: Origin{Name: k.Name, Operator: k.Operator}, sum: sha256.Sum256([]byte(k.Key))}
		if k.SHA256 != "" {
			_, _ = hex.Decode(h.sum[:], []byte(k.SHA256)) // Validate has seen that it can
		}
		ring = append(ring, h)
	}
	return ring
}

// admit finds whose key a request carries. Without any key configured, everybody may come in and nobody is an operator.
// It takes the same time whichever key is right, and if none is.
func (ring keyring) admit(r *http.Request) (Origin, bool) {
	if len(ring) == 0 {
		return Origin{}, true
	}
	sum := sha256.Sum256([]byte(presented(r)))
	var who Origin
	found := 0
	for _, h := range ring {
		if subtle.ConstantTimeCompare(sum[:], h.sum[:]) == 1 {
			who, found = h.origin, 1
		}
	}
	return who, found == 1
}

// presented is the key of a request: `Authorization: Bearer KEY`, or else `X-API-Key: KEY`.
func presented(r *http.Request) string {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && key != "" {
		return strings.TrimSpace(key)
	}
	return r.Header.Get("X-Api-Key")
}
