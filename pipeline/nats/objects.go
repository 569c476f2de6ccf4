package nats

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"parcours/pipeline"
)

const (
	partSize      = 128 << 10 // bytes of an object in one message
	partsUnderway = 16        // of one upload without an answer
)

// object is what CHECKPOINTS says of an object: a message on its own subject, behind the parts, which stand on the subject
// of their upload. It is the format of JetStream's object stores, so that their tools read it.
//
// The client's own Put and Get are not used: Put sends this message before the parts are acknowledged, so that after a
// failure an object can be read that lacks some, and sends a part again behind its successors; Get takes no longer than the
// client's default timeout in all, and waits for that long for parts that are gone.
type object struct {
	jetstream.ObjectInfo
	sequence uint64 // of the message
}

func (o *object) parts() string { return partsSubject(o.NUID) }

func partsSubject(upload string) string { return subjectParts + "." + upload }

func objectSubject(name string) string {
	return subjectObjects + "." + base64.URLEncoding.EncodeToString([]byte(name))
}

// Save stores an object under a name: its parts first, and when all are acknowledged, what makes them an object, on
// condition that the parts are still there. It holds one part at a time (128 KiB) and has at most 16 without an answer.
// After an error nothing can be read that could not be before; only when the very last answer is lost, and the server
// cannot be asked, may the object be there: whole. The parts of a Save that was killed wait for Sweep.
func (b *Bus) Save(ctx context.Context, name string, r io.Reader) error {
	stream, err := b.api.Stream(ctx, streamStates)
	if err != nil {
		return fmt.Errorf("save %q: %w", name, logError(err))
	}
	before, err := b.describe(ctx, objectSubject(name))
	if err != nil && !errors.Is(err, pipeline.ErrNoObject) {
		return fmt.Errorf("save %q: %w", name, err)
	}
	u := upload{bus: b, stream: stream, digest: sha256.New(), object: object{ObjectInfo: jetstream.ObjectInfo{
		ObjectMeta: jetstream.ObjectMeta{Name: name, Opts: &jetstream.ObjectMetaOptions{ChunkSize: partSize}},
		Bucket:     bucketStates, NUID: nuid.Next()}}}
	if err := u.save(ctx, r); err != nil {
		return fmt.Errorf("save %q: %w", name, err)
	}
	if before == nil {
		return nil
	}
	if err := purge(ctx, stream, before.parts()); err != nil { // the object is saved: they are for Sweep
		b.log.Warn().Err(err).Str("object", name).Msg("the parts of a replaced object are left")
	}
	return nil
}

// upload is one Save on its way.
type upload struct {
	bus    *Bus
	stream jetstream.Stream
	object object
	digest hash.Hash
	last   uint64 // sequence of the last part acknowledged
}

func (u *upload) save(ctx context.Context, r io.Reader) error {
	err := u.sendParts(ctx, r)
	if err == nil {
		err = u.commit(ctx)
	}
	if err != nil && !errors.Is(err, errUndecided) {
		u.abandon(ctx)
	}
	return err
}

// sendParts reads to the end and waits for every answer.
func (u *upload) sendParts(ctx context.Context, r io.Reader) error {
	var underway []jetstream.PubAckFuture
	err := u.eachPart(r, func(part []byte) error {
		f, err := u.sendPart(ctx, part)
		if err != nil {
			return err
		}
		if underway = append(underway, f); len(underway) < partsUnderway {
			return nil
		}
		f, underway = underway[0], underway[1:]
		return u.settle(ctx, f)
	})
	if err != nil { // no part may come in behind the purge of what was sent
		var cancel context.CancelFunc
		ctx, cancel = u.bus.briefly(ctx)
		defer cancel()
	}
	for _, f := range underway {
		if unsettled := u.settle(ctx, f); err == nil {
			err = unsettled
		}
	}
	return err
}

// eachPart cuts what is read; every part but the last is full. A part is good until the next one is asked for.
func (u *upload) eachPart(r io.Reader, send func(part []byte) error) error {
	for part, end := make([]byte, partSize), false; !end; {
		n, err := fill(r, part)
		if end = err == io.EOF; err != nil && !end { //nolint:errorlint // io.EOF itself, as io.Reader says
			return err
		}
		if n == 0 {
			continue
		}
		if err := send(part[:n]); err != nil {
			return err
		}
	}
	return nil
}

// fill is io.ReadFull that does not hide whether the end was one: a reader that broke off with io.ErrUnexpectedEOF is no
// whole object.
func fill(r io.Reader, part []byte) (n int, err error) {
	for n < len(part) && err == nil {
		var m int
		m, err = r.Read(part[n:])
		n += m
	}
	return n, err
}

func (u *upload) settle(ctx context.Context, f jetstream.PubAckFuture) error {
	o := await(ctx, f)
	u.last = max(u.last, o.Position)
	return o.Err
}

func (u *upload) sendPart(ctx context.Context, part []byte) (jetstream.PubAckFuture, error) {
	u.digest.Write(part)
	u.object.Chunks++
	u.object.Size += uint64(len(part))
	return u.bus.sendOne(ctx, u.bus.states, &nats.Msg{Subject: u.object.parts(), Data: part}, u.bus.sendOptions())
}

// errUndecided: it is not known whether the parts have become an object.
var errUndecided = errors.New("no answer whether it is saved")

var errSwept = errors.New("parts were swept while it was under way")

// intact says whether all parts, which are acknowledged, are still there; from then on a sweep takes the last one too.
func (u *upload) intact(ctx context.Context) error {
	info, err := u.stream.Info(ctx, jetstream.WithSubjectFilter(u.object.parts()))
	if err != nil {
		return logError(err)
	}
	if info.State.Subjects[u.object.parts()] != uint64(u.object.Chunks) {
		return errSwept
	}
	return nil
}

// commit makes the parts an object. When the answer is lost, the server is asked.
func (u *upload) commit(ctx context.Context) error {
	if err := u.intact(ctx); err != nil {
		return err
	}
	u.object.Digest = jetstream.GetObjectDigestValue(u.digest)
	body, err := json.Marshal(u.object.ObjectInfo)
	if err != nil {
		return fmt.Errorf("describe it: %w", err)
	}
	subject := objectSubject(u.object.Name)
	m := &nats.Msg{Subject: subject, Data: body, Header: nats.Header{jetstream.MsgRollup: {jetstream.MsgRollupSubject}}}
	_, err = u.bus.api.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0),
		jetstream.WithExpectLastSequenceForSubject(u.last, u.object.parts()))
	if wrongLastSequence(err) {
		return fmt.Errorf("%w: %w", errSwept, err)
	}
	if err = logError(err); !errors.Is(err, pipeline.ErrLogAway) {
		return err
	}
	ctx, cancel := u.bus.briefly(ctx)
	defer cancel()
	if there, missing := u.bus.describe(ctx, subject); missing == nil && there.NUID == u.object.NUID {
		return nil
	}
	return fmt.Errorf("%w: %w", errUndecided, err)
}

// abandon removes the parts, also when ctx has ended; what it cannot remove waits for Sweep.
func (u *upload) abandon(ctx context.Context) {
	ctx, cancel := u.bus.briefly(ctx)
	defer cancel()
	if err := purge(ctx, u.stream, u.object.parts()); err != nil {
		u.bus.log.Warn().Err(err).Str("object", u.object.Name).Msg("the parts of a failed upload are left")
	}
}

// briefly is for what must be done even when ctx has ended.
func (b *Bus) briefly(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), b.cfg.AckTimeout)
}

func purge(ctx context.Context, stream jetstream.Stream, subject string, opts ...jetstream.StreamPurgeOpt) error {
	return logError(stream.Purge(ctx, append(opts, jetstream.WithPurgeSubject(subject))...))
}

// describe reads what the object on a subject is; ErrNoObject where there is none, or only a mark that one was deleted.
func (b *Bus) describe(ctx context.Context, subject string) (*object, error) {
	o, err := b.lastObject(ctx, subject)
	if err == nil && o.Deleted {
		return nil, pipeline.ErrNoObject
	}
	return o, err
}

func (b *Bus) lastObject(ctx context.Context, subject string) (*object, error) {
	m, err := b.askLeader(ctx, messageGet{LastFor: subject})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, pipeline.ErrNoObject
	}
	if err != nil {
		return nil, logError(err)
	}
	o := &object{sequence: m.Sequence}
	if err := json.Unmarshal(m.Data, &o.ObjectInfo); err != nil {
		return nil, fmt.Errorf("sequence %d of %s describes no object: %w", m.Sequence, streamStates, err)
	}
	o.ModTime = m.Time
	return o, nil
}

// messageGet asks for one message of a stream: the last one on a subject, or the next one from a sequence on.
type messageGet struct {
	LastFor  string `json:"last_by_subj,omitempty"`
	NextFor  string `json:"next_by_subj,omitempty"`
	Sequence uint64 `json:"seq,omitempty"`
}

type messageGot struct {
	Error   *jetstream.APIError `json:"error"`
	Message struct {
		Sequence uint64    `json:"seq"`
		Time     time.Time `json:"time"`
		Data     []byte    `json:"data"`
	} `json:"message"`
}

// askLeader gets a message of CHECKPOINTS from the stream's leader, which has all that was acknowledged. The client asks
// any replica of a stream that allows it, also one that lags and knows nothing yet of an object just saved; that is seven
// times faster, and good for parts.
func (b *Bus) askLeader(ctx context.Context, get messageGet) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.AckTimeout)
	defer cancel()
	request, err := json.Marshal(get)
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	answer, err := b.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+streamStates, request)
	if err != nil {
		return nil, err
	}
	var got messageGot
	if err := json.Unmarshal(answer.Data, &got); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	if got.Error != nil && got.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound {
		return nil, jetstream.ErrMsgNotFound
	}
	if got.Error != nil {
		return nil, got.Error
	}
	return &jetstream.RawStreamMsg{Sequence: got.Message.Sequence, Time: got.Message.Time, Data: got.Message.Data}, nil
}

// Load opens an object. Reading asks the server for one part at a time, under the same ctx, and gives io.EOF only when size
// and digest are right; what is missing or broken is an error of its own, and a server that cannot be reached is
// pipeline.ErrLogAway: then load again. An object that is replaced or deleted meanwhile breaks off with an error.
func (b *Bus) Load(ctx context.Context, name string) (io.ReadCloser, error) {
	stream, err := b.api.Stream(ctx, streamStates)
	if err != nil {
		return nil, fmt.Errorf("load %q: %w", name, logError(err))
	}
	o, err := b.describe(ctx, objectSubject(name))
	if err != nil {
		return nil, fmt.Errorf("load %q: %w", name, err)
	}
	return &download{ctx: ctx, bus: b, stream: stream, object: o, digest: sha256.New()}, nil
}

// download reads one object. It needs no closing.
type download struct {
	ctx    context.Context
	bus    *Bus
	stream jetstream.Stream
	object *object
	digest hash.Hash

	next uint64 // sequence to look for the next part from
	read uint32 // parts
	size uint64 // bytes
	part []byte // what is left of the last one
	err  error
}

// Read gives the next bytes.
func (d *download) Read(p []byte) (int, error) {
	for len(d.part) == 0 && d.err == nil {
		if d.err = d.advance(); d.err != nil && d.err != io.EOF { //nolint:errorlint // our own, never wrapped
			d.err = fmt.Errorf("load %q: %w", d.object.Name, d.err)
		}
	}
	if len(d.part) == 0 {
		return 0, d.err
	}
	n := copy(p, d.part)
	d.part = d.part[n:]
	return n, nil
}

// Close ends the reading.
func (d *download) Close() error {
	d.part, d.err = nil, io.ErrClosedPipe
	return nil
}

// advance gets the next part; io.EOF behind the last one of a sound object.
func (d *download) advance() error {
	if d.read == d.object.Chunks {
		return d.check()
	}
	m, err := d.stream.GetMsg(d.ctx, d.next, jetstream.WithGetMsgSubject(d.object.parts()))
	if errors.Is(err, jetstream.ErrMsgNotFound) { // a replica that lags, or it is gone
		m, err = d.bus.askLeader(d.ctx, messageGet{NextFor: d.object.parts(), Sequence: d.next})
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("part %d of %d is missing", d.read+1, d.object.Chunks)
	}
	if err != nil {
		return logError(err)
	}
	d.digest.Write(m.Data)
	d.next, d.part = m.Sequence+1, m.Data
	d.read++
	d.size += uint64(len(m.Data))
	return nil
}

func (d *download) check() error {
	if got := jetstream.GetObjectDigestValue(d.digest); d.size != d.object.Size || got != d.object.Digest {
		return fmt.Errorf("it is broken: %d bytes with digest %s, expected %d with %s", d.size, got, d.object.Size, d.object.Digest)
	}
	return io.EOF
}

// Delete removes an object: first what makes its parts one.
func (b *Bus) Delete(ctx context.Context, name string) error {
	stream, err := b.api.Stream(ctx, streamStates)
	if err != nil {
		return fmt.Errorf("delete %q: %w", name, logError(err))
	}
	o, err := b.lastObject(ctx, objectSubject(name))
	if errors.Is(err, pipeline.ErrNoObject) {
		return nil
	}
	if err == nil {
		err = remove(ctx, stream, o)
	}
	if err != nil {
		return fmt.Errorf("delete %q: %w", name, err)
	}
	return nil
}

// remove leaves no mark behind, as the client's own Delete does: there would be one for every name ever used. An object
// saved under the same name in the meantime stays.
func remove(ctx context.Context, stream jetstream.Stream, o *object) error {
	if err := purge(ctx, stream, objectSubject(o.Name), jetstream.WithPurgeSequence(o.sequence+1)); err != nil {
		return err
	}
	return purge(ctx, stream, o.parts())
}
