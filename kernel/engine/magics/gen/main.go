// Command gen writes the table of the magics into the README. It is run by go generate in package magics.
package main

import (
	"log"
	"os"

	"interleave/kernel/engine/magics"
)

func main() {
	log.SetFlags(0)
	const name = "../../../README.md"
	b, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	text, err := magics.Into(string(b))
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		log.Fatal(err)
	}
}
