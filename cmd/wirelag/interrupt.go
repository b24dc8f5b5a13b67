package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// onInterrupt calls the first of acts at the first SIGINT (Ctrl-C) or SIGTERM, the
// second at the second, and so on, until release is called. What came before that has
// been acted on when release returns.
func onInterrupt(acts ...func()) (release func()) {
	signals := make(chan os.Signal, len(acts))
	done, ended := make(chan struct{}), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer close(ended)
		for _, act := range acts {
			select {
			case <-signals:
			case <-done:
				if len(signals) == 0 {
					return
				}
				<-signals
			}
			act()
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

// interruptible returns a reader of r that ends when ctx is done, though a Read
// of r may wait for a writer that has nothing to say. What that Read returns
// later is lost. Regular files never wait: they are returned as they are.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err != nil || info.Mode().IsRegular() {
			return r
		}
	}
	return &interruptibleReader{ctx: ctx, r: r}
}

type interruptibleReader struct {
	ctx    context.Context
	r      io.Reader
	chunks chan chunk // nil until the first Read
	rest   chunk
}

// chunk is what one Read returned.
type chunk struct {
	data []byte
	err  error
}

// chunkBytes is as much as a pipe of Linux holds.
const chunkBytes = 64 << 10

func (i *interruptibleReader) Read(b []byte) (int, error) {
	if i.chunks == nil {
		i.chunks = make(chan chunk)
		go i.pump()
	}
	if len(i.rest.data) == 0 && i.rest.err == nil {
		select {
		case i.rest = <-i.chunks:
		case <-i.ctx.Done():
			i.rest.err = io.EOF
		}
	}
	n := copy(b, i.rest.data)
	i.rest.data = i.rest.data[n:]
	if len(i.rest.data) > 0 {
		return n, nil
	}
	return n, i.rest.err
}

// pump reads ahead by one chunk, in two buffers: while the reader works in one,
// the other is filled.
func (i *interruptibleReader) pump() {
	var buffers [2][chunkBytes]byte
	for turn := 0; ; turn++ {
		buffer := &buffers[turn%len(buffers)]
		n, err := i.r.Read(buffer[:])
		select {
		case i.chunks <- chunk{buffer[:n], err}:
		case <-i.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
