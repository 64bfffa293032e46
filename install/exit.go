package install

import "fmt"

// An ExitError ends the process with this status; what there was to say has been said.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
