package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interrupts act on SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal is gone). One
// handler is in force for a whole command: a signal that came between two would end the
// program by default a little later, when there may be a part of a report.
type interrupts struct {
	signals     chan os.Signal
	done, ended chan struct{}

	mu   sync.Mutex
	acts []func() // of the signals to come; the ones after them do nothing
}

// onInterrupt calls the first of acts at the first signal, the second at the second,
// and so on, until other acts are given or release is called.
func onInterrupt(acts ...func()) *interrupts {
	i := &interrupts{
		signals: make(chan os.Signal, 2), // a wish to end, and one to quit
		done:    make(chan struct{}), ended: make(chan struct{}),
		acts: acts,
	}
	signal.Notify(i.signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(i.signals, syscall.SIGHUP)
	}
	go i.handle()
	return i
}

func (i *interrupts) handle() {
	defer close(i.ended)
	for {
		select {
		case <-i.signals:
		case <-i.done:
			if len(i.signals) == 0 {
				return
			}
			<-i.signals
		}
		i.act()
	}
}

func (i *interrupts) act() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.acts) > 0 {
		next := i.acts[0]
		i.acts = i.acts[1:]
		next()
	}
}

// then puts acts in the place of the ones that were not called. No act is under way
// when it returns.
func (i *interrupts) then(acts ...func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.acts = acts
}

// release leaves the signals to the system again. What came before it has been acted on
// when it returns.
func (i *interrupts) release() {
	signal.Stop(i.signals)
	close(i.done)
	<-i.ended
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
