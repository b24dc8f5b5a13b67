package http1

// idempotent are the methods of which repeating a request has the same effect
// as sending it once (RFC 9110 §9.2.2): those of the IANA HTTP Method Registry.
var idempotent = map[string]bool{
	"GET": true, "HEAD": true, "PUT": true, "DELETE": true, "OPTIONS": true, "TRACE": true,
	"ACL": true, "BASELINE-CONTROL": true, "BIND": true, "CHECKIN": true, "CHECKOUT": true,
	"COPY": true, "LABEL": true, "LINK": true, "MERGE": true, "MKACTIVITY": true,
	"MKCALENDAR": true, "MKCOL": true, "MKREDIRECTREF": true, "MKWORKSPACE": true,
	"MOVE": true, "ORDERPATCH": true, "PRI": true, "PROPFIND": true, "PROPPATCH": true,
	"QUERY": true, "REBIND": true, "REPORT": true, "SEARCH": true, "UNBIND": true,
	"UNCHECKOUT": true, "UNLINK": true, "UNLOCK": true, "UPDATE": true,
	"UPDATEREDIRECTREF": true, "VERSION-CONTROL": true,
}

// Idempotent reports whether the request may be repeated without another effect
// than being sent once (RFC 9110 §9.2.2).
func (m *Message) Idempotent() bool { return m.Method == "GET" || idempotent[m.Method] }
