package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"wirelag/analyze"
	"wirelag/reassembly"
	"wirelag/reassembly/capture/live"
	"wirelag/rules"
)

const (
	// maxServers is how many servers have a label of their own; the others share one.
	maxServers  = 100
	otherServer = "other"
	noStatus    = "none" // the class of an exchange without response
)

// durationBuckets are the bounds of histograms, in seconds.
var durationBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// metrics are the numbers of an analysis under way, for Prometheus. Their labels
// are servers, rules, severities and status classes, all of them bounded.
type metrics struct {
	registry *prometheus.Registry
	gauges   reassembly.Gauges

	connections  *prometheus.CounterVec
	exchanges    *prometheus.CounterVec
	duration     *prometheus.HistogramVec
	firstByte    *prometheus.HistogramVec
	findings     *prometheus.CounterVec
	findingsCost *prometheus.CounterVec

	servers map[netip.AddrPort]*serverMetrics
	others  *serverMetrics // of the servers beyond maxServers; nil without any
}

// serverMetrics are those of one server.
type serverMetrics struct {
	connections         prometheus.Counter
	byClass             map[string]prometheus.Counter
	duration, firstByte prometheus.Observer
}

// newMetrics returns the metrics of a capture that counts itself.
func newMetrics(captured func() live.Counters) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), servers: map[netip.AddrPort]*serverMetrics{}}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: durationBuckets}, []string{"server"})
		m.registry.MustRegister(v)
		return v
	}
	m.connections = counter("wirelag_connections_total", "TCP connections that are over.", "server")
	m.exchanges = counter("wirelag_exchanges_total", "HTTP exchanges that are over, by class of status; none: without a response.", "server", "status")
	m.duration = histogram("wirelag_exchange_duration_seconds", "Time of a complete HTTP exchange as the client saw it, with the connection's setup if it waited for that.")
	m.firstByte = histogram("wirelag_exchange_first_byte_seconds", "Time from the first byte of a request to the first byte of its response, as the client saw it.")
	m.findings = counter("wirelag_findings_total", "Findings that were told.", "rule", "severity")
	m.findingsCost = counter("wirelag_findings_cost_seconds_total", "Time that clients lost, of the findings that were told.", "rule", "severity")
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		counterOf("wirelag_packets_total", "Packets captured.", func() uint64 { return captured().Packets }),
		counterOf("wirelag_captured_bytes_total", "Bytes of the packets captured, as long as they were on the wire.", func() uint64 { return captured().Bytes }),
		counterOf("wirelag_dropped_packets_total", "Packets that the capturing system dropped.", func() uint64 { return captured().Dropped }),
		counterOf("wirelag_retransmissions_total", "TCP segments with payload that were sent again.", m.gauges.Retransmissions.Load),
		gaugeOf("wirelag_open_connections", "TCP connections that are followed.", m.gauges.Open.Load),
		gaugeOf("wirelag_pending_bytes", "Memory for segments that wait for a hole in their stream to be filled.", m.gauges.PendingBytes.Load),
	)
	return m
}

// counterOf returns a counter whose value is counted elsewhere.
func counterOf[T int64 | uint64](name, help string, value func() T) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
}

func gaugeOf(name, help string, value func() int64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(value()) })
}

// listener counts what an analysis tells.
func (m *metrics) listener() analyze.Listener {
	return analyze.Listener{
		Exchange: m.exchange,
		Closed:   func(c *analyze.Connection) { m.server(c.Server()).connections.Inc() },
	}
}

func (m *metrics) exchange(x *analyze.Exchange) {
	s := m.server(x.Connection.Server())
	s.byClass[classOf(x)].Inc()
	if x.Request == nil || x.Response == nil || !x.Request.Complete || !x.Response.Complete {
		return
	}
	s.duration.Observe(x.Timing.Total().Seconds())
	if t := x.Timing; t.Wait >= 0 {
		s.firstByte.Observe((max(t.Send, 0) + max(t.Blocked, 0) + t.Wait).Seconds())
	}
}

// classes are what classOf returns.
var classes = []string{"1xx", "2xx", "3xx", "4xx", "5xx", noStatus}

// classOf is the class of an exchange's status. HTTP/0.9 has none, nor has what is
// no status.
func classOf(x *analyze.Exchange) string {
	if x.Response == nil || x.Response.Status < 100 || x.Response.Status > 599 {
		return noStatus
	}
	return strconv.Itoa(x.Response.Status/100) + "xx"
}

func (m *metrics) finding(f *rules.Finding) {
	severity := f.Severity.String()
	m.findings.WithLabelValues(f.Rule.ID, severity).Inc()
	m.findingsCost.WithLabelValues(f.Rule.ID, severity).Add(f.Cost.Seconds())
}

// server returns the metrics of a server, or those that the rest share.
func (m *metrics) server(address netip.AddrPort) *serverMetrics {
	if s := m.servers[address]; s != nil {
		return s
	}
	if len(m.servers) == maxServers {
		if m.others == nil {
			m.others = m.newServer(otherServer)
		}
		return m.others
	}
	s := m.newServer(address.String())
	m.servers[address] = s
	return s
}

func (m *metrics) newServer(label string) *serverMetrics {
	s := &serverMetrics{
		connections: m.connections.WithLabelValues(label), byClass: map[string]prometheus.Counter{},
		duration: m.duration.WithLabelValues(label), firstByte: m.firstByte.WithLabelValues(label),
	}
	for _, class := range classes {
		s.byClass[class] = m.exchanges.WithLabelValues(label, class)
	}
	return s
}

// checkMetricsAddress finds what is wrong with the address to serve metrics at.
func checkMetricsAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil:
		return fmt.Errorf("--metrics: %q is not an address to listen at, as 127.0.0.1:9464 is", address)
	case host == "":
		return fmt.Errorf("--metrics: say which address to listen at, as in 127.0.0.1%s (0.0.0.0%[1]s for all)", address)
	}
	return nil
}

// metricsServer serves metrics over HTTP.
type metricsServer struct {
	listener net.Listener
	server   http.Server
	done     chan struct{} // closed when it serves no more
}

// serve serves m at an address, and nowhere else, until the server is closed.
func (m *metrics) serve(address string) (*metricsServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("--metrics: cannot listen at %s: %w", address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	s := &metricsServer{listener: listener, done: make(chan struct{})}
	s.server = http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: 16 << 10}
	go func() {
		defer close(s.done)
		s.server.Serve(listener)
	}()
	return s, nil
}

// close ends the server: at once, because a scrape that goes on is of no use
// any more.
func (s *metricsServer) close() {
	s.server.Close()
	<-s.done
}
