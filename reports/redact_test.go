package reports

import (
	"strings"
	"testing"
)

func TestURLsAreMasked(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"/", "/"},
		{"*", "*"},
		{"", ""},
		{"/a/b?x=1&y=2#z", "/a/b?x=1&y=2#z"},
		{"/?token=abc", "/?token=***"},
		{"/?a=1&access_token=abc&b=2", "/?a=1&access_token=***&b=2"},
		{"/?a=1;key=abc;b=2", "/?a=1;key=***;b=2"},
		{"/?TOKEN=abc&Api_Key=abc", "/?TOKEN=***&Api_Key=***"},
		{"/?%74oken=abc&%6Bey=abc", "/?%74oken=***&%6Bey=***"},
		{"/?tok%", "/?tok%"},
		{"/?token=a=b=c", "/?token=***"},
		{"/?token=", "/?token=***"},
		{"/?token", "/?token"},
		{"/?mytoken=abc&token_type=bearer", "/?mytoken=abc&token_type=bearer"},
		{"/?api_key=1&sig=2&signature=3&secret=4&password=5&code=6&session=7",
			"/?api_key=***&sig=***&signature=***&secret=***&password=***&code=***&session=***"},
		{"/?id_token=1&refresh_token=2&client_secret=3&user-password=4&apikey=5&api-key=6", "/?id_token=***&refresh_token=***&client_secret=***&user-password=***&apikey=***&api-key=***"},
		{"/?X-Amz-Credential=a&X-Amz-Security-Token=b&X-Amz-Signature=c", "/?X-Amz-Credential=a&X-Amz-Security-Token=***&X-Amz-Signature=***"},
		{"/?sort_key=a&zip-code=b&in_session=c&tokens=d&secret_=e", "/?sort_key=a&zip-code=b&in_session=c&tokens=d&secret_=e"},
		{"/cb#access_token=abc&state=1", "/cb#access_token=***&state=1"},
		{"/?token[]=a&user[password]=b&user%5Bapi_key%5D=c&token%5B%5D=d&a[b]=e&[=f&]=g", "/?token[]=***&user[password]=***&user%5Bapi_key%5D=***&token%5B%5D=***&a[b]=e&[=f&]=g"},
		{"/?next=http%3A%2F%2Fh%2F%3Ftoken%3Dabc&b=1", "/?next=***&b=1"},
		{"/?next=%2Fa%3Fb%3D1%26code%3Dabc", "/?next=***"},
		{"/?next=http%3A%2F%2Fuser%3Apw%40h%2F", "/?next=***"},
		{"/?next=%2Fa%3Fb%3D1&c=50%25&d=%zz", "/?next=%2Fa%3Fb%3D1&c=50%25&d=%zz"},
		{"/??token=abc", "/??token=***"},
		{"http://h/?code=abc", "http://h/?code=***"},
		{"http://user:pw@h/a", "http://***@h/a"},
		{"http://user@h", "http://***@h"},
		{"http://a@b:c@h/", "http://***@h/"},
		{"http://h/a@b", "http://h/a@b"},
		{"http://h?mail=a@b", "http://h?mail=a@b"},
		{"//user:pw@h/a", "//***@h/a"},
		{"user:pw@h:443", "***@h:443"},
		{"h:443", "h:443"},
		{"/users/a@b", "/users/a@b"},
		{"/proxy/http://user:pw@h/", "/proxy/http://***@h/"},
		{"/?next=https://user:pw@h/&x=1", "/?next=https://***@h/&x=1"},
	} {
		r := newRedactor(Options{})
		if got := string(r.url(c.in)); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		shown := newRedactor(Options{ShowSecrets: true})
		if got := string(shown.url(c.in)); got != c.in {
			t.Errorf("%q, not to be masked: got %q", c.in, got)
		}
	}
}

func TestFieldsAreMasked(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"Accept", "token=abc", "token=abc"},
		{"Authorization", "Bearer abc", "Bearer ***"},
		{"authorization", "Basic abc==", "Basic ***"},
		{"AUTHORIZATION", "AWS4-HMAC-SHA256 Credential=a, Signature=b", "AWS4-HMAC-SHA256 ***"},
		{"Authorization ", "Bearer abc", "Bearer ***"},
		{"Authorization", "abc", "***"},
		{"Authorization", "Bearer ", "***"},
		{"Authorization", "s3cret/with+odd= signs", "***"},
		{"Authorization", "", "***"},
		{"Proxy-Authorization", "Digest username=\"x\"", "Digest ***"},
		{"Cookie", "a=1; b=2", "a=***; b=***"},
		{"Cookie", "a=1;b=2=3;", "a=***;b=***;"},
		{"Cookie", "abc", "***"},
		{"Cookie", "a=; abc", "a=; ***"},
		{"Set-Cookie", "sid=abc; Path=/; HttpOnly; Max-Age=60", "sid=***; Path=/; HttpOnly; Max-Age=60"},
		{"Set-Cookie", "sid=abc; expires=Thu, 01 Jan 2026 00:00:00 GMT", "sid=***; expires=Thu, 01 Jan 2026 00:00:00 GMT"},
		{"Set-Cookie", "a=1; Path=/, b=2; x=3", "a=***; Path=***; x=***"},
		{"Location", "/cb?code=abc", "/cb?code=***"},
		{"Referer", "https://u:p@h/?token=abc", "https://***@h/?token=***"},
		{"Host", "u:p@h", "***@h"},
		{"X-Api-Key", "abc def", "***"},
		{"x-auth-token", "abc", "***"},
		{"X-AMZ-Security-Token", "", "***"},
		{"PRIVATE-TOKEN", "abc", "***"},
		{"X-Api-Keys", "abc", "abc"},
		{"X-Original-URL", "/a?x=1&token=abc", "/a?x=1&token=***"},
		{"Refresh", "0; url=/?key=abc", "0; url=/?key=***"},
	} {
		r := newRedactor(Options{})
		masked := r.value(c.name, c.in)
		if got := string(masked); got != c.want && (masked != nil || c.want != c.in) {
			t.Errorf("%s: %q: got %q, want %q", c.name, c.in, got, c.want)
		}
		shown := newRedactor(Options{ShowSecrets: true})
		if masked := shown.value(c.name, c.in); masked != nil {
			t.Errorf("%s: %q, not to be masked: got %q", c.name, c.in, masked)
		}
	}
}

// Whatever surrounds it, the value of a secret parameter goes; the rest stays.
func FuzzMaskedURL(f *testing.F) {
	f.Add("http://h/", "x=1")
	f.Add("/a?b=1", "c=2#d")
	f.Add("u:p@h//http://u@h", "@://a@b")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "Zq7-secret"
		if strings.Contains(before+after, secret) {
			return
		}
		r := newRedactor(Options{})
		got := string(r.url(before + "?token=" + secret + "&" + after))
		if strings.Contains(got, secret) || !strings.Contains(got, "?token="+mask+"&") {
			t.Errorf("between %q and %q: got %q", before, after, got)
		}
		once := strings.Clone(got)
		if again := string(r.url(once)); again != once {
			t.Errorf("%q masked again is %q", once, again)
		}
		if kept := len(once); !strings.ContainsAny(before+after, "@=") && kept != len(before)+len("?token="+mask+"&")+len(after) {
			t.Errorf("between %q and %q: something else changed: %q", before, after, once)
		}
	})
}
