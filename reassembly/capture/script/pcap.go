package script

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"wirelag/reassembly/capture"
)

// WritePcap writes packets, all of one link type, as a pcap file with
// nanoseconds (draft-ietf-opsawg-pcap), to be opened in a packet analyser.
func WritePcap(w io.Writer, packets []capture.Packet) error {
	link, snaplen := capture.LinkTypeEthernet, uint32(1<<18)
	if len(packets) > 0 {
		link = packets[0].Interface.LinkType
		if s := packets[0].Interface.Snaplen; s > 0 {
			snaplen = s
		}
	}
	header := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	header = append(header, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	header = binary.LittleEndian.AppendUint32(header, snaplen)
	header = binary.LittleEndian.AppendUint32(header, uint32(link))
	if _, err := w.Write(header); err != nil {
		return fmt.Errorf("write pcap header: %w", err)
	}
	var record []byte
	for i := range packets {
		p := &packets[i]
		if p.Interface.LinkType != link {
			return fmt.Errorf("write pcap packet %d: link type %v in a file of %v", i+1, p.Interface.LinkType, link)
		}
		second, rest := p.Time/capture.Time(time.Second), p.Time%capture.Time(time.Second)
		if p.Time < 0 || second > 1<<32-1 {
			return fmt.Errorf("write pcap packet %d: the format has no time %v", i+1, p.Time.UTC())
		}
		record = binary.LittleEndian.AppendUint32(record[:0], uint32(second))
		record = binary.LittleEndian.AppendUint32(record, uint32(rest))
		record = binary.LittleEndian.AppendUint32(record, uint32(len(p.Data)))
		record = binary.LittleEndian.AppendUint32(record, p.Length)
		record = append(record, p.Data...)
		if _, err := w.Write(record); err != nil {
			return fmt.Errorf("write pcap packet %d: %w", i+1, err)
		}
	}
	return nil
}
