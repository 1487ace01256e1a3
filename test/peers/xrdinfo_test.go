package peers

import (
	"encoding/json"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// xrdinfo runs one of xrdinfo's scripts as it is and gives its lines in order.
func xrdinfo(t *testing.T, script string, args ...string) []string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(xrdinfoText(t, script, args...)), "\n")
	slices.Sort(lines)
	return lines
}

func xrdinfoText(t *testing.T, script string, args ...string) string {
	t.Helper()
	folder := filepath.Join(peer(t, "X-Road-scripts"), "xrdinfo-src")
	python := program(t, "python3", "xrdinfo is written in Python")
	if err := exec.CommandContext(t.Context(), python, "-c", "import requests, yaml").Run(); err != nil {
		t.Skip("xrdinfo needs the Python packages requests and yaml (Debian: python3-requests python3-yaml)")
	}
	cmd := exec.CommandContext(t.Context(), python, append([]string{"-B", script}, args...)...)
	cmd.Dir = folder
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil || said.Len() > 0 {
		t.Fatalf("%s %v: %v\n%s%s", script, args, err, out, said.String())
	}
	return string(out)
}

// TestXrdinfo compares what xrdinfo sees with what listClients and listMethods
// say.
func TestXrdinfo(t *testing.T) {
	h := dev(t, "")
	var clients clientList
	strictly(t, h.get(t, "/listClients", "", "Accept", "application/json").body, &clients)
	var members, subsystems, named, services, allowed []string
	for _, m := range clients.Member {
		id := strings.Join([]string{m.ID.Instance, m.ID.Class, m.ID.Member}, "/")
		if m.ID.ObjectType == "MEMBER" {
			members = append(members, id)
			continue
		}
		id += "/" + m.ID.Subsystem
		subsystems = append(subsystems, id)
		named = append(named, id+"/"+strings.ReplaceAll(url.QueryEscape(m.Name), "+", "%20"))
		for _, s := range h.methods(t, "/r1/"+id+"/listMethods").Service {
			services = append(services, id+"/"+s.ServiceCode)
		}
		for _, s := range h.methods(t, "/r1/"+id+"/allowedMethods").Service {
			allowed = append(allowed, id+"/"+s.ServiceCode)
		}
	}
	for _, list := range []*[]string{&members, &subsystems, &named, &services, &allowed} {
		slices.Sort(*list)
	}
	same := func(t *testing.T, got, want []string) {
		t.Helper()
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("xrdinfo sees %q, want %q", got, want)
		}
	}
	of := func(list []string, system string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, system+"/") })
	}
	t.Run("methods", func(t *testing.T) {
		same(t, xrdinfo(t, "xrd_methods.py", "--rest", h.xroad, testClient, "DEV/GOV/MOJ/civil-status"), of(services, "DEV/GOV/MOJ/civil-status"))
		same(t, xrdinfo(t, "xrd_methods.py", "--rest", "--allowed", h.xroad, testClient, "DEV/GOV/MPS/population"), of(allowed, "DEV/GOV/MPS/population"))
	})
	t.Run("openapi", func(t *testing.T) {
		var endpoints []struct{ Verb, Path, Summary string }
		text := xrdinfoText(t, "xrd_openapi.py", "--endpoints", h.xroad, testClient, population)
		if err := json.Unmarshal([]byte(text), &endpoints); err != nil || len(endpoints) != 4 || endpoints[0].Path == "" {
			t.Errorf("%v: %s", err, text)
		}
	})
	t.Run("configuration", func(t *testing.T) {
		for _, from := range []string{"-s", "-c"} {
			same(t, xrdinfo(t, "xrd_members.py", from, h.xroad), members)
			same(t, xrdinfo(t, "xrd_subsystems.py", from, h.xroad), subsystems)
			same(t, xrdinfo(t, "xrd_registered_subsystems.py", from, h.xroad), subsystems)
			same(t, xrdinfo(t, "xrd_subsystems_with_membername.py", from, h.xroad), named)
			if got := xrdinfo(t, "xrd_subsystems_with_server.py", from, h.xroad); len(got) != len(subsystems) || strings.Count(got[0], "/") < 7 {
				t.Errorf("with servers: %q", got)
			}
			for _, server := range xrdinfo(t, "xrd_servers.py", from, h.xroad) {
				if !strings.HasPrefix(server, "DEV/") {
					t.Errorf("servers: %q", server)
				}
			}
			if got := xrdinfo(t, "xrd_servers_ips.py", from, h.xroad); len(got) != 1 || got[0] == "" {
				t.Errorf("addresses: %q", got)
			}
		}
		same(t, xrdinfo(t, "xrd_all_methods.py", "--rest", h.xroad, testClient), services)
		same(t, xrdinfo(t, "xrd_all_methods.py", "--rest", "--allowed", h.xroad, testClient), allowed)
	})
}
