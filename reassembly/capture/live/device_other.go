//go:build !linux && !(windows && (amd64 || 386)) && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package live

import (
	"errors"

	"wirelag/reassembly/capture"
)

// device does not exist on this system.
type device struct{}

func openDevice(Interface, *Options, *capture.File) (*device, error) {
	return nil, errors.ErrUnsupported
}

func (*device) read(*capture.Batch, func() capture.Time) (uint64, error) {
	return 0, errors.ErrUnsupported
}

func (*device) wake() {}

func (*device) close() error { return nil }

func systemInterfaces() ([]Interface, error) { return nil, errors.ErrUnsupported }

func permitted() error { return errors.ErrUnsupported }

// Kinds is for Linux.
func Kinds() []Hardware { return nil }
