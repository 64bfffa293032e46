package rt

import "testing"

// A gate says both things at once, each for itself, also of a cell that is loaded while the flag is up.
func TestGate(t *testing.T) {
	var one, two uint32
	expect := func(when string, first, second uint32) {
		t.Helper()
		if one != first || two != second {
			t.Errorf("%s: %b and %b, want %b and %b", when, one, two, first, second)
		}
	}
	Register(&Cell{N: -1, Gate: &one})
	Register(&Cell{N: -2})
	SetStop(true)
	Register(&Cell{N: -3, Gate: &two})
	expect("stop", gateStop, gateStop)
	Replaced(-1)
	expect("replaced meanwhile", gateStop|gateReplaced, gateStop)
	SetStop(false)
	expect("go on", gateReplaced, 0)
	if Stop != 0 {
		t.Error("the stop flag is up")
	}
	Replaced(-3)
	SetStop(true)
	SetStop(true)
	SetStop(false)
	expect("again", gateReplaced, gateReplaced)
}
