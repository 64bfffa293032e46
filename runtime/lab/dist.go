package lab

import (
	"math"
	"math/rand/v2"
	"time"

	"interleave/runtime/quantity"
)

// A Dist draws durations: how long a service takes to answer. It is given the source of chance, so that a
// seed repeats it.
type Dist func(r *rand.Rand) time.Duration

// Constant is always d.
func Constant(d time.Duration) Dist {
	must(checkDuration("lab.Constant", "duration", d))
	return func(*rand.Rand) time.Duration { return d }
}

// Uniform is anything between two durations, one as likely as the other.
func Uniform(least, most time.Duration) Dist {
	must(checkDuration("lab.Uniform", "least", least))
	if most < least {
		panic(misuse("lab.Uniform", "most %s is less than least %s", quantity.Duration(most), quantity.Duration(least)))
	}
	return func(r *rand.Rand) time.Duration { return least + time.Duration(r.Int64N(int64(most-least)+1)) }
}

// Exponential has a mean and no memory: many short ones, few long ones. It is the time between arrivals that
// know nothing of each other.
func Exponential(mean time.Duration) Dist {
	must(checkDuration("lab.Exponential", "mean", mean))
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// LogNormal has a median and a long tail: about one in six is longer than the median by the factor e^sigma.
// Real services look like this; a sigma of 0.5 is tame, 1 is wild.
func LogNormal(median time.Duration, sigma float64) Dist {
	must(checkDuration("lab.LogNormal", "median", median))
	if !(sigma >= 0) {
		panic(misuse("lab.LogNormal", "sigma %v: need zero or more", sigma))
	}
	return func(r *rand.Rand) time.Duration {
		return time.Duration(min(float64(median)*math.Exp(sigma*r.NormFloat64()), float64(time.Hour)))
	}
}

// Sometimes draws from rare in the given part of all cases, and from usual in the others: the one request in
// a hundred that takes a second.
func Sometimes(part float64, rare, usual Dist) Dist {
	if !(part >= 0 && part <= 1) {
		panic(misuse("lab.Sometimes", "part %v: need a value between 0 and 1", part))
	}
	if rare == nil || usual == nil {
		panic(misuse("lab.Sometimes", "nil distribution"))
	}
	return func(r *rand.Rand) time.Duration {
		if r.Float64() < part {
			return rare(r)
		}
		return usual(r)
	}
}
