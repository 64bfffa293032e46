package remote

import (
	"errors"
	"hash/maphash"
	"os"
	"strings"
)

// A surroundings is what a process has of its user: the working directory and the environment. Functions of
// workers find those of the program at the time of the call.
type surroundings struct {
	dir  string // empty if it is not known
	env  []string
	hash uint64
}

var seed = maphash.MakeSeed()

// here returns the surroundings of this process.
func here() *surroundings {
	s := &surroundings{env: os.Environ()}
	s.dir, _ = os.Getwd() // one that was removed cannot be given to others
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(s.dir)
	for _, e := range s.env {
		h.WriteByte(0)
		h.WriteString(e)
	}
	s.hash = h.Sum64()
	return s
}

func (s *surroundings) pack() []byte {
	b := appendBytes(nil, []byte(s.dir))
	for _, e := range s.env {
		b = appendBytes(b, []byte(e))
	}
	return b
}

// settle makes packed surroundings those of this process.
func settle(b []byte) error {
	r := reader{b: b}
	if dir := string(r.bytes()); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	os.Clearenv()
	for len(r.b) > 0 && !r.bad {
		if name, value, ok := cutVariable(string(r.bytes())); ok {
			if err := os.Setenv(name, value); err != nil {
				return err
			}
		}
	}
	if r.bad {
		return errors.New("a malformed environment")
	}
	return nil
}

// cutVariable splits name=value. Names may begin with an equals sign on some systems.
func cutVariable(s string) (name, value string, ok bool) {
	if len(s) == 0 {
		return "", "", false
	}
	i := strings.IndexByte(s[1:], '=') + 1
	if i == 0 {
		return "", "", false
	}
	return s[:i], s[i+1:], true
}
