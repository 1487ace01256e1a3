package exchange

import "testing"

func TestRequestHashVectors(t *testing.T) {
	t.Parallel()
	const requestID = "7f1c2d3e-0000-4000-8000-0123456789ab"
	tests := []struct {
		name string
		in   HashInput
		want string
	}{
		{"get", HashInput{
			Method: "GET", Target: "/r1/DEV/COM/1234/TestService/pets?limit=5", RequestID: requestID,
			Headers: []HeaderLine{{"Host", "ss"}, {"X-Road-Client", "DEV/COM/4321/TestClient"}, {"Accept", "application/json"}, {"User-Agent", "x"}, {"X-Road-Id", "DEV-1"}},
		}, "tW6QnB1Ln4TJKEAd3iGjr144ccYcL/K+YhX/MQRtMdtwTOgqhaazNhwwWy0HvWHUuD8he84Xv5SXvWc9wAZkLw=="},
		{"post", HashInput{
			Method: "POST", Target: "/r1/DEV/COM/1234/TestService/mock1", RequestID: requestID,
			Headers: []HeaderLine{{"Content-Type", "application/json"}, {"Content-Length", "13"}, {"X-Road-Client", "DEV/COM/4321/TestClient"}, {"X-Road-Id", "DEV-1"}},
			Body:    []byte(`{"data": 1.0}`),
		}, "Nx5qVarv8JG0UY7CCw2JACbE254Emx1iSuWj0arEqhKStl78D54m39N7VJWZ7raZVtTe0mzjRgdLSqzLPmgb5Q=="},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := RequestHash(tt.in); got != tt.want {
				t.Errorf("RequestHash = %s, want %s", got, tt.want)
			}
		})
	}
}

// A header smuggled as an end-of-hop header must not change the hash; any other must.
func FuzzRequestHash(f *testing.F) {
	f.Add("X-Road-Client", "a/b/c/d", "body")
	f.Add("connection", "close", "")
	f.Fuzz(func(t *testing.T, name, value, body string) {
		base := HashInput{Method: "GET", Target: "/r1/a", RequestID: "i", Body: []byte(body)}
		with := base
		with.Headers = []HeaderLine{{name, value}}
		if same := RequestHash(base) == RequestHash(with); same != unhashed(name) {
			t.Errorf("header %q: same hash %v, unhashed %v", name, same, unhashed(name))
		}
	})
}
