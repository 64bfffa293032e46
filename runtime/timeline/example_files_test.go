package timeline_test

import (
	"fmt"
	"strings"

	"interleave/runtime/host"
	"interleave/runtime/timeline"
)

func ExampleSelf_files() {
	names := map[string]string{"example_files_test.go": "lesson.go"}
	defer host.Set(host.Host{Files: func() map[string]string { return names }})()
	started := make(chan string)
	go func() {
		_, from := timeline.Self()
		started <- from
	}()
	file, _, _ := strings.Cut(<-started, ":")
	fmt.Println(file)
	// Output: lesson.go
}
