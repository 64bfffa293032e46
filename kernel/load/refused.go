package load

import "fmt"

// A RefusedError reports a package of a module that changes what cannot be changed in a program that loads cells.
type RefusedError struct {
	Package, Symbol string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("package %s changes the list of modules in Go's runtime (%s), which holds the cells of this session: "+
		"it cannot be used in cells. Run it in a program of its own, with !go run", e.Package, e.Symbol)
}

// listOfModules are the names by which packages reach the list, in order to add code that they have made themselves.
var listOfModules = map[string]bool{"runtime.lastmoduledatap": true, "runtime.firstmoduledata": true, "runtime.moduledataverify1": true}
