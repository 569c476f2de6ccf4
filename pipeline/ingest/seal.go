package ingest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/curve25519"
	"golang.org/x/crypto/nacl/box"
)

// sealedMost is how much of a body is kept, in bytes, before sealing.
const sealedMost = 64 << 10

// Sealer closes what was refused, so that only the operator can read it: it may hold raw identifiers. The door has the
// public key and cannot open what it sealed.
type Sealer struct{ public [32]byte }

// Opener is the operator's side.
type Opener struct{ public, private [32]byte }

// LoadOrCreateOperatorKey reads the operator's private key (64 hexadecimal digits) from a file, or makes one, readable by
// its owner only. In production make it elsewhere and give the door PublicKey's answer.
func LoadOrCreateOperatorKey(path string) (*Opener, error) {
	private, err := loadOrCreate(path, func() ([]byte, error) {
		_, private, err := box.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return private[:], nil
	})
	if err != nil {
		return nil, fmt.Errorf("operator key: %w", err)
	}
	public, err := curve25519.X25519(private, curve25519.Basepoint)
	if err != nil {
		return nil, fmt.Errorf("operator key: %w", err)
	}
	return &Opener{public: [32]byte(public), private: [32]byte(private)}, nil
}

// PublicKey is what the door needs, in hexadecimal.
func (o *Opener) PublicKey() string { return hex.EncodeToString(o.public[:]) }

// Sealer seals for this operator.
func (o *Opener) Sealer() *Sealer { return &Sealer{public: o.public} }

// NewSealer seals for an operator of whom only the public key (64 hexadecimal digits) is here.
func NewSealer(publicKey string) (*Sealer, error) {
	raw, err := hex.DecodeString(publicKey)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("operator public key: expected 64 hexadecimal digits")
	}
	return &Sealer{public: [32]byte(raw)}, nil
}

// Seal closes at most the first 64 KiB of a body (NaCl sealed box: an ephemeral X25519 key, XSalsa20-Poly1305).
func (s *Sealer) Seal(body []byte) ([]byte, error) {
	sealed, err := box.SealAnonymous(nil, body[:min(len(body), sealedMost)], &s.public, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("seal what was refused: %w", err)
	}
	return sealed, nil
}

// Open reads what Seal closed.
func (o *Opener) Open(sealed []byte) ([]byte, error) {
	body, ok := box.OpenAnonymous(nil, sealed, &o.public, &o.private)
	if !ok {
		return nil, errors.New("open what was sealed: not for this operator key, or damaged")
	}
	return body, nil
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
