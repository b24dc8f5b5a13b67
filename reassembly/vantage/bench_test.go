package vantage

import (
	"testing"
	"time"
)

func BenchmarkSurvey(b *testing.B) {
	near := at(0, 0, 0)
	var traffic []sent
	for i := range uint16(100) {
		traffic = append(traffic, dialogue(40000+i, time.Hour, 30)...)
	}
	segments := len(traffic)
	v := newSurvey()
	for b.Loop() {
		for _, s := range traffic {
			n := near.sees(s)
			v.note(v.pointOf(0, n.Interface), &n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*segments), "ns/segment")
}

func BenchmarkTake(b *testing.B) {
	talk := dialogue(40000, time.Hour, 5)
	far := see(at(1, oneWay, 0), talk)
	p := surveyOf(see(at(0, 0, 0), talk), far).plan()
	n := far.sees(talk[5])
	for b.Loop() {
		p.Take(&n)
	}
}
