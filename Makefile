# What CI runs, by the piece. Tools that Go fetches are pinned here.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOCYCLO = github.com/fzipp/gocyclo/cmd/gocyclo@v0.6.0
FUZZTIME ?= 20s

SHELL = /bin/bash
.SHELLFLAGS = -eo pipefail -c

.PHONY: test short triples gotests gotests-yaegi stress-yaegi plugins arm64 windows wine nogcc loaderstress stops redefinitions kills gated pybehaviours crowds fuzz lint house generate bench jupyter browser

test: ## all tests; the first run builds the host, which takes a minute
	go test ./...

short: ## what needs no host, in seconds
	go test -short ./...

triples: ## 2 000 random interfaces, types and orders of events, each against plain Go
	go test -count=1 -v -timeout 2h -run TestInterfaceTables ./kernel/engine/corpustest -triples 2000

gotests: ## all 1 007 run tests of the Go distribution as cells, whole and called, with the table
	go test -count=1 -v -timeout 3h -run TestGoDistribution ./kernel/engine/corpustest/gotests -args -dirs ".,fixedbugs,chan,ken,interface,typeparam,abi" | grep -v '^ *\(===\|--- PASS\)'

gotests-yaegi: ## all run tests of the Go distribution as cells of the interpreter: the class of each, and why programs are refused, most frequent first
	go test -count=1 -v -timeout 3h -run TestGoDistributionInterpreted ./kernel/engine/corpustest/gotests -args -yaegi.dirs "chan,ken,interface,typeparam,fixedbugs,." | grep -v '^ *\(===\|--- PASS\)'

stress-yaegi: ## programs that make many goroutines share closures, channels and locks, 100 times each in the interpreter, on two processors; before, with the race detector
	go test -count=1 -timeout 1h -run TestStressPrograms ./kernel/engine/corpustest/gotests -args -programs.race
	GOMAXPROCS=2 go test -count=1 -v -timeout 6h -run TestStressPrograms ./kernel/engine/corpustest/gotests -args -programs.rounds $(or $(ROUNDS),100) -programs.engines yaegi

plugins: ## tests of cells where cells are plugins, which must be built with a C compiler
	INTERLEAVE_LINK=plugin go test -timeout 2h ./kernel/engine/... ./kernel/unbroken ./install/...

arm64: ## types made at run time, and the corpus in a host, for arm64, which qemu-aarch64-static (Debian's qemu-user-static) runs
	GOARCH=arm64 go test -count=1 -exec qemu-aarch64-static ./kernel/engine/interpreted/dyntype
	INTERLEAVE_EMULATOR="arm64 qemu-aarch64-static" go test -count=1 -timeout 2h ./kernel/load ./kernel/engine/corpustest -run 'TestRefused|TestTogether|TestCorpus'

BUNDLE = dist/interleave-windows-amd64

windows: ## a folder that runs interpreted cells on Windows, where nothing else need be installed
	go run . bundle -os windows -arch amd64 -o $(BUNDLE)
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build -trimpath -ldflags=-w -o $(BUNDLE)/interleave.exe .

wine: windows ## that folder in Debian's Wine: sessions, the interpreted half of the corpus, a notebook
	.ci/wine $(BUNDLE)

nogcc: ## the README's commands in a Debian root that has Go alone; needs root
	.ci/nogcc

loaderstress: ## CELLS random cells of the corpus and the Go distribution in one session, with the garbage collector always at work
	go test -count=1 -v -timeout 12h -run TestOneSession ./kernel/engine/corpustest/gotests -args -stress $(or $(CELLS),10000) -stress.seed $(or $(SEED),1)

pybehaviours: ## lab against behaviours from CPython's own tests, on one and two cores, 20 times, with the race detector
	go test -race -cpu 1,2 -count 20 -run '^TestCPython$$' ./runtime/lab

kills: ## 300 busy worker processes are killed
	go test -count=1 -v -run '^TestKills$$' ./runtime/lab -kills 300

gated: ## tests of cells where their code has gates and looks
	INTERLEAVE_CODE=gated go test -timeout 2h ./kernel/engine/... ./kernel/unbroken

redefinitions: ## 3 000 definitions of functions and methods that goroutines call, with the garbage collector always at work
	go test -count=1 -v -timeout 6h -run TestRedefinitions ./kernel/unbroken -redefine.rounds $(or $(ROUNDS),3000) -redefine.seed $(or $(SEED),1)

stops: ## 30 000 interrupts of loops at random moments, with the garbage collector always at work, on one and two processors
	for procs in 1 2; do \
		GOMAXPROCS=$$procs go test -count=1 -v -timeout 6h -run TestStops ./kernel/unbroken -stops.rounds 442 -stops.seed $$procs; \
	done

crowds: ## interrupts of 100 000 goroutines of each kind, 20 times, beside two busy loops
	go test -count=1 -v -timeout 3h -run TestCrowds ./kernel/unbroken -crowd.size 100000 -crowd.rounds 20 -crowd.busy 2

fuzz: ## every fuzz test for FUZZTIME
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
		for f in $$(grep -h '^func Fuzz' $$dir/*_test.go | sed 's/func \(Fuzz[A-Za-z0-9_]*\).*/\1/'); do \
			echo "== $$dir $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt would change these"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(STATICCHECK) -tests=false -tags interleave_host ./...

house: ## sizes, complexity, widths of lines, plain English, names in lab, staticcheck: each beside its aim
	go run ./kernel/kerneltest/house -gocyclo $(GOCYCLO) -staticcheck $(STATICCHECK)

generate:
	go generate ./...

bench: ## Go benchmarks, then the kernel beside ipykernel and lab beside Python, as Markdown tables
	go test -run '^$$' -bench . -benchmem ./kernel/... ./runtime/... ./plots/...
	@{ printf '# Benchmarks\n\nMade by `make bench`: compare within a table, not with another machine.\n\n## The kernel beside ipykernel\n\n'; \
	  go run ./kernel/bench; \
	  printf '\n## Cells in memory beside plugins\n\n'; \
	  go run ./kernel/bench -links; \
	  printf '\n## Cells beside go test -bench: plain code, then gated\n\n'; \
	  go run ./kernel/bench -code; echo; INTERLEAVE_CODE=gated go run ./kernel/bench -code; \
	  printf '\n## Starts of processes from cells\n\n'; \
	  go run ./kernel/bench -processes; \
	  printf '\n## Completion and inspection\n\n'; \
	  go run ./kernel/bench -questions; \
	  printf '\n## The interpreter beside yaegi alone and the compiler\n\n'; \
	  go run ./kernel/bench -yaegi; \
	  printf '\n## lab beside plain Go and Python\n\n'; \
	  go run ./runtime/lab/benchtable; } | tee BENCH.md

browser: ## notebooks in a real JupyterLab and a real browser, which it installs first where they are missing; Chromium needs root or sudo
	kernel/kerneltest/browser/jupyterlab/setup
	go -C kernel/kerneltest/browser test -count=1 .

jupyter: ## the installed kernel under jupyter_kernel_test
	/usr/bin/python3 -m unittest discover -v -s kernel/kerneltest/jupyter -p 'test_*.py'
