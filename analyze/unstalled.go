package analyze

import "wirelag/reassembly/capture"

// RequestThrough is when the whole request had got through to the server: when its last
// byte could be read in order, or the last copy that replaced a lost one was captured.
func (x *Exchange) RequestThrough() capture.Time {
	return x.Sending.arrived(x.Request.End.Readable, false)
}

// RequestHeadThrough is when the head of the request had got through to the server.
func (x *Exchange) RequestHeadThrough() capture.Time {
	through := x.Request.HeadEnd.Readable
	if x.Sending == nil {
		return through
	}
	end := x.RequestPlace.Start + x.Request.HeaderBytes
	for i := range x.Sending.Losses {
		if l := &x.Sending.Losses[i]; l.counts() && l.Offset < end {
			through = max(through, l.Repeat.Time)
		}
	}
	return through
}

// ResponseUnstalled is when the last of the response was captured, without the time
// for which the response had stood still for losses by then.
func (x *Exchange) ResponseUnstalled() capture.Time {
	end := x.Response.End.At.Time
	if x.Answering == nil {
		return end
	}
	return end.Add(-x.Answering.stalledUntil(end))
}
