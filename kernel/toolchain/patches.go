package toolchain

import "embed"

// Cells spell unexported names with a letter before them (see stdfiles/cellnames.go.txt). The standard
// library is patched to hide this: reflect treats such names as unexported and shows them as they were
// written, and so do fmt, encoding and text/template; the runtime prints them in the same way; syscall and os
// call a hook on the goroutine that writes to standard output or calls Exit; flag and net/http let a cell
// that runs again register again what an earlier run has registered; testing runs the tests of one cell after another.
// The runtime also prints the labels of
// goroutines with their stacks, which identify their cells. An operation that crosses the border of a
// synctest bubble is a panic of the cell instead of the end of the process. Requests of clients do not wait
// behind a cell's goroutines.
//
// Known to differ from plain Go: in the text of a type argument Go qualifies the fields of an anonymous struct,
// stack[struct { main.a int }], and cells do not.
//
// The runtime still compares the real names. So only displayed names are changed there, and reflect looks up
// real names among the linked types.
//
// The changes are made to the text of the Go installation at hand, not kept as files of one version: each has
// an anchor that must occur exactly n times.

//go:embed stdfiles/*.go.txt
var stdFiles embed.FS

// A stdFile is a file of the standard library, by its path below GOROOT/src, with what changes in it.
type stdFile struct {
	path   string
	added  string // the file is new, from stdfiles/
	edits  []edit
	memory bool // for a host that links cells into itself
}

// An edit replaces each of n occurrences of old (one, when n is 0).
type edit struct {
	old, new string
	n        int
	memory   bool // for a host that links cells into itself
}

// borrowed are files of Go's commands from which packages kernel/load/goobj, objabi and pkgbits are made: the
// readers of object files and of export data that fit the compiler at hand.
func borrowed() []stdFile {
	return []stdFile{
		{path: "cmd/internal/goobj/builtin.go", edits: []edit{
			{old: "import \"internal/buildcfg\"\n", new: ""},
			{old: "buildcfg.Experiment.RegabiWrappers && ", new: ""}, // for the writer alone
		}},
		{path: "cmd/internal/goobj/builtinlist.go"},
		{path: "cmd/internal/goobj/funcinfo.go", edits: []edit{
			{old: "\t\"internal/abi\"\n", new: ""},
			{old: "abi.FuncID", new: "uint8", n: 3},
			{old: "abi.FuncFlag", new: "uint8", n: 3},
		}},
		{path: "cmd/internal/goobj/objfile.go", edits: []edit{
			{old: "\t\"cmd/internal/bio\"\n", new: ""},
			{old: "*bio.Writer", new: "*bioWriter", n: 2},
		}},
		{path: "cmd/internal/objabi/reloctype.go"},
		{path: "cmd/internal/objabi/reloctype_string.go"},
		{path: "cmd/internal/objabi/symkind.go"},
		{path: "cmd/internal/objabi/symkind_string.go"},
		{path: "internal/pkgbits/codes.go"},
		{path: "internal/pkgbits/decoder.go"},
		{path: "internal/pkgbits/encoder.go"},
		{path: "internal/pkgbits/flags.go"},
		{path: "internal/pkgbits/reloc.go"},
		{path: "internal/pkgbits/support.go"},
		{path: "internal/pkgbits/sync.go"},
		{path: "internal/pkgbits/syncmarker_string.go"},
		{path: "internal/pkgbits/version.go"},
	}
}

func patches(system string) []stdFile {
	files := []stdFile{
		{path: "internal/stringslite/cellnames.go", added: "cellnames.go.txt"},
		{path: "runtime/cellprint.go", added: "cellprint.go.txt"},
		{path: "runtime/cellrun.go", added: "cellrun.go.txt"},
		{path: "runtime/mgcpacer.go", edits: []edit{
			{old: "\tif gcPercentHeapGoal < c.heapMinimum {\n\t\tgcPercentHeapGoal = c.heapMinimum\n",
				new: "\tif least := cellHeapMinimum(c.heapMinimum); gcPercentHeapGoal < least {\n\t\tgcPercentHeapGoal = least\n"},
		}},
		{path: "flag/cellflag.go", added: "cellflag.go.txt"},
		{path: "flag/flag.go", edits: []edit{
			{old: "\tundef         map[string]string // flags", new: "\tcellRuns      map[string]uint64\n\tundef         map[string]string // flags"},
			{old: "\t_, alreadythere := f.formal[name]\n\tif alreadythere {\n", new: "\t_, alreadythere := f.formal[name]\n\tif alreadythere && !f.cellAgain(name) {\n"},
			{old: "\tf.formal[name] = flag\n}\n", new: "\tf.formal[name] = flag\n\tf.cellDefined(name)\n}\n"},
		}},
		{path: "testing/celltesting.go", added: "celltesting.go.txt"},
		{path: "testing/testing.go", edits: []edit{
			{old: "\tfile := frame.File\n", new: "\tfile := cellName(frame.File)\n"},
			{old: "\tdefer func() {\n\t\tt.checkRaces()\n\n\t\t// TODO(#61034)", new: "\tdefer func() {\n\t\tif t.cellDead(t.tstate) {\n\t\t\treturn\n\t\t}\n\t\tt.checkRaces()\n\n\t\t// TODO(#61034)"},
			{old: "\t\t\tif err != nil {\n\t\t\t\tpanic(err)\n\t\t\t}\n\t\t\trunning.Delete(t.name)\n", new: "\t\t\tif err != nil {\n\t\t\t\tt.cellDies(t.tstate)\n\t\t\t\tpanic(err)\n\t\t\t}\n\t\t\trunning.Delete(t.name)\n"},
			{old: "\t\t\tdidPanic = true\n\t\t\tpanic(err)\n", new: "\t\t\tdidPanic = true\n\t\t\tt.cellDies(t.tstate)\n\t\t\tpanic(err)\n"},
			{old: "\t\t\tfor _, sub := range t.sub {\n\t\t\t\t<-sub.signal\n\t\t\t}\n", new: "\t\t\tfor _, sub := range t.sub {\n\t\t\t\t<-sub.signal\n\t\t\t}\n\t\t\tif t.tstate.cellDying.Load() {\n\t\t\t\tsignal = false\n\t\t\t\treturn\n\t\t\t}\n"},
			{old: "\t\t\tselect {\n\t\t\tcase <-t.signal:\n\t\t\tdefault:\n\t\t\t\tpanic(\"internal error: tRunner", new: "\t\t\ttstate.cellLeave()\n\t\t\tselect {\n\t\t\tcase <-t.signal:\n\t\t\tdefault:\n\t\t\t\tpanic(\"internal error: tRunner"},
			{old: "\t<-t.parent.barrier // Wait for the parent test to complete.\n\tt.tstate.waitParallel()\n", new: "\t<-t.parent.barrier // Wait for the parent test to complete.\n\tt.tstate.cellLeave()\n\tt.tstate.waitParallel()\n\tt.tstate.cellLeave()\n"},
			{old: "type testState struct {\n", new: "type testState struct {\n\tcellDying atomic.Bool // a test has panicked or called Goexit\n\n"},
			{old: "func newTestState(", new: "func cellNewTestState("},
		}},
		{path: "testing/fuzz.go", edits: []edit{
			{old: "signal:    make(chan bool),", new: "signal:    make(chan bool, 1),", n: 3},
			{old: "\t\t<-t.signal\n\t\tif t.chatty", new: "\t\t<-t.signal\n\t\tf.tstate.cellLeave()\n\t\tif t.chatty"},
			{old: "\t\t\t\t<-f.signal\n", new: "\t\t\t\t<-f.signal\n\t\t\t\ttstate.cellLeave()\n"},
			{old: "\t\tf.checkRaces()\n\t\tif f.Failed() {\n", new: "\t\tif f.cellDead(f.tstate) {\n\t\t\treturn\n\t\t}\n\t\tf.checkRaces()\n\t\tif f.Failed() {\n"},
			{old: "\t\t\tdidPanic = true\n\t\t\tpanic(err)\n", new: "\t\t\tdidPanic = true\n\t\t\tf.cellDies(f.tstate)\n\t\t\tpanic(err)\n"},
			{old: "\t\t\tfor _, sub := range f.sub {\n\t\t\t\t<-sub.signal\n\t\t\t}\n", new: "\t\t\tfor _, sub := range f.sub {\n\t\t\t\t<-sub.signal\n\t\t\t}\n\t\t\tif f.tstate.cellDying.Load() {\n\t\t\t\treturn\n\t\t\t}\n"},
		}},
		{path: "testing/benchmark.go", edits: []edit{
			{old: "type B struct {\n", new: "type B struct {\n\tcellRan   bool // the function has returned\n\tcellLoops bool // see cellRounds\n"},
			{old: "func (b *B) loopSlowPath() bool {\n", new: "func (b *B) loopSlowPath() bool {\n\tif b.cellLoops {\n\t\tb.loop.done = true\n\t\treturn false\n\t}\n"},
			{old: "b.signal <- true\n", new: "b.cellEnds()\n\t\tb.signal <- true\n", n: 2},
			{old: "\t\tb.runN(1)\n\t}()\n\t<-b.signal\n", new: "\t\tb.runN(1)\n\t\tb.cellRan = true\n\t}()\n\t<-b.signal\n\tcellLeave()\n"},
			{old: "\tgo b.launch()\n\t<-b.signal\n", new: "\tgo b.launch()\n\t<-b.signal\n\tcellLeave()\n"},
			{old: "\tb.result = BenchmarkResult{", new: "\tb.cellRan = true\n\tb.result = BenchmarkResult{"},
		}},
		{path: "net/http/cellmux.go", added: "cellmux.go.txt"},
		{path: "net/http/server.go", edits: []edit{
			{old: "\tmux121 serveMux121 // used only", new: "\tcellPatterns []cellPattern\n\tmux121 serveMux121 // used only"},
			{old: "\t// Check for conflict.\n\tif err := mux.index", new: "\tmux.cellAgain(pat)\n\t// Check for conflict.\n\tif err := mux.index"},
			{old: "\tmux.index.addPattern(pat)\n\treturn nil\n", new: "\tmux.index.addPattern(pat)\n\tmux.cellRegistered(pat, handler)\n\treturn nil\n"},
		}},
		{path: "encoding/gob/cellregistry.go", added: "cellregistry.go.txt"},
		{path: "encoding/gob/type.go", edits: []edit{
			{old: "\tif t, dup := nameToConcreteType.LoadOrStore(name, reflect.TypeOf(value)); dup && t != ut.user {\n",
				new: "\tagain := cellAgain(name)\n\tif t, dup := nameToConcreteType.LoadOrStore(name, reflect.TypeOf(value)); dup && t != ut.user && again {\n\t\tnameToConcreteType.Store(name, reflect.TypeOf(value))\n\t} else if dup && t != ut.user {\n"},
			{old: "LoadOrStore(ut.base, name); dup && n != name {\n",
				new: "LoadOrStore(ut.base, name); dup && n != name && cellEarlier(n.(string)) {\n\t\tnameToConcreteType.Delete(n)\n\t\tconcreteTypeToName.Store(ut.base, name)\n\t} else if dup && n != name {\n"},
		}},
		{path: "expvar/cellregistry.go", added: "cellregistry.go.txt"},
		{path: "expvar/expvar.go", edits: []edit{
			{old: "\tif _, dup := vars.m.LoadOrStore(name, v); dup {\n", new: "\tagain := cellAgain(name)\n\tif _, dup := vars.m.LoadOrStore(name, v); dup && again {\n\t\tvars.m.Store(name, v)\n\t\treturn\n\t} else if dup {\n"},
		}},
		{path: "database/sql/cellregistry.go", added: "cellregistry.go.txt"},
		{path: "database/sql/sql.go", edits: []edit{
			{old: "\tif _, dup := drivers[name]; dup {\n", new: "\tagain := cellAgain(name)\n\tif _, dup := drivers[name]; dup && !again {\n"},
		}},
		{path: "runtime/pprof/cellregistry.go", added: "cellregistry.go.txt"},
		{path: "runtime/pprof/pprof.go", edits: []edit{
			{old: "\tif profiles.m[name] != nil {\n\t\tpanic(", new: "\tif again := cellAgain(name); profiles.m[name] != nil && !again {\n\t\tpanic("},
		}},
		{path: "runtime/cellitabs.go", added: "cellitabs.go.txt"},
		{path: "runtime/plugin.go", edits: []edit{
			{old: "\tlock(&itabLock)\n\tfor _, i := range md.itablinks {\n\t\titabAdd(i)\n\t}\n\tunlock(&itabLock)\n",
				new: "\tif errstr := cellItabs(md); errstr != \"\" {\n\t\tmd.bad = true\n\t\treturn \"\", nil, nil, errstr\n\t}\n"},
		}},
		{path: "runtime/cellload.go", added: "cellload.go.txt", memory: true},
		{path: "runtime/cellstop_linux_amd64.go", added: "cellstop.go.txt", memory: true},
		{path: "runtime/cellnostop.go", added: "cellnostop.go.txt", memory: true},
		{path: "runtime/signal_unix.go", memory: true, edits: stopped},
		{path: "runtime/iface.go", edits: []edit{
			// A table that is made at run time meets compiled type switches of later cells, which search by the hash.
			{old: "\tm.Hash = 0\n", new: "\tm.Hash = typ.Hash\n"},
			{old: "\tm = (*itab)(persistentalloc(unsafe.Sizeof(itab{})+uintptr(len(inter.Methods)-1)*goarch.PtrSize, 0, &memstats.other_sys))\n",
				memory: true,
				new:    "\tm = (*itab)(cellTableAlloc(unsafe.Sizeof(itab{}) + uintptr(len(inter.Methods)-1)*goarch.PtrSize))\n"},
		}},
		{path: "runtime/symtab.go", edits: []edit{
			// The names in profiles; Frames and Func.Name go through funcNameForPrint.
			{old: "\treturn sf.name()\n}\n\n// runtime_expandFinalInlineFrame", new: "\treturn stringslite.CellText(sf.name())\n}\n\n// runtime_expandFinalInlineFrame"},
			{old: "\t\"internal/runtime/sys\"\n", new: "\t\"internal/runtime/sys\"\n\t\"internal/stringslite\"\n"},
			// The compiler records no line for some jumps of loops, which results in a negative one in a file
			// with line directives. They get the line of the instruction before them, or the function's.
			{old: "\tline, _ = pcvalue(f, f.pcln, targetpc, strict)\n",
				new: "\tline, _ = pcvalue(f, f.pcln, targetpc, strict)\n\tfor at := targetpc; line <= 0 && fileno != -1 && at > f.entry(); {\n\t\tat--\n\t\tline, _ = pcvalue(f, f.pcln, at, strict)\n\t}\n" +
					"\tif line <= 0 && fileno != -1 {\n\t\tline = f.startLine\n\t}\n"},
			{memory: true, old: "func findmoduledatap(pc uintptr) *moduledata {\n", new: "func findmoduledatap(pc uintptr) *moduledata {\n\tif datap := cellModuleAt(pc); datap != nil && datap.minpc <= pc && pc < datap.maxpc {\n\t\treturn datap\n\t}\n"},
		}},
		{path: "runtime/type.go", memory: true, edits: []edit{
			{old: "\tbase := uintptr(ptrInModule)\n\tfor md := &firstmoduledata; md != nil; md = md.next {\n\t\tif base >= md.types && base < md.etypes {\n\t\t\tres := md.types + uintptr(off)\n\t\t\tif res > md.etypes {\n\t\t\t\tprintln(\"runtime: nameOff\"",
				new: "\tbase := uintptr(ptrInModule)\n\tif types, _ := cellTypesAt(base); types != 0 {\n\t\treturn name{Bytes: (*byte)(unsafe.Pointer(types + uintptr(off)))}\n\t}\n\tfor md := &firstmoduledata; md != nil; md = md.next {\n\t\tif base >= md.types && base < md.etypes {\n\t\t\tres := md.types + uintptr(off)\n\t\t\tif res > md.etypes {\n\t\t\t\tprintln(\"runtime: nameOff\""},
			{old: "\tbase := uintptr(ptrInModule)\n\tvar md *moduledata\n\tfor next := &firstmoduledata; next != nil; next = next.next {\n\t\tif base >= next.types && base < next.etypes {\n\t\t\tmd = next\n\t\t\tbreak\n\t\t}\n\t}\n\tif md == nil {\n\t\treflectOffsLock()\n\t\tres := reflectOffs.m[int32(off)]\n\t\treflectOffsUnlock()\n\t\tif res == nil {\n\t\t\tprintln(\"runtime: typeOff\"",
				new: "\tbase := uintptr(ptrInModule)\n\tif types, typemap := cellTypesAt(base); types != 0 {\n\t\tif t := typemap[off]; t != nil {\n\t\t\treturn t\n\t\t}\n\t\treturn (*_type)(unsafe.Pointer(types + uintptr(off)))\n\t}\n\tvar md *moduledata\n\tfor next := &firstmoduledata; next != nil; next = next.next {\n\t\tif base >= next.types && base < next.etypes {\n\t\t\tmd = next\n\t\t\tbreak\n\t\t}\n\t}\n\tif md == nil {\n\t\treflectOffsLock()\n\t\tres := reflectOffs.m[int32(off)]\n\t\treflectOffsUnlock()\n\t\tif res == nil {\n\t\t\tprintln(\"runtime: typeOff\""},
			{old: "\tvar md *moduledata\n\tfor next := &firstmoduledata; next != nil; next = next.next {\n\t\tif base >= next.types && base < next.etypes {\n\t\t\tmd = next\n\t\t\tbreak\n\t\t}\n\t}\n\tif md == nil {\n\t\treflectOffsLock()\n\t\tres := reflectOffs.m[int32(off)]\n\t\treflectOffsUnlock()\n\t\tif res == nil {\n\t\t\tprintln(\"runtime: textOff\"",
				new: "\tmd := cellModuleAt(base)\n\tfor next := &firstmoduledata; md == nil && next != nil; next = next.next {\n\t\tif base >= next.types && base < next.etypes {\n\t\t\tmd = next\n\t\t\tbreak\n\t\t}\n\t}\n\tif md == nil {\n\t\treflectOffsLock()\n\t\tres := reflectOffs.m[int32(off)]\n\t\treflectOffsUnlock()\n\t\tif res == nil {\n\t\t\tprintln(\"runtime: textOff\""},
		}},
		{path: "reflect/celltypes.go", added: "celltypes.go.txt", memory: true},
		{path: "runtime/cellbubble.go", added: "cellbubble.go.txt"},
		{path: "runtime/chan.go", edits: []edit{
			// These hold the channel's lock; cellOutsider was called before.
			{old: "\t\tunlockf()\n\t\tfatal(\"send on synctest channel from outside bubble\")\n", new: ""},
			{old: "\t\tunlockf()\n\t\tfatal(\"receive on synctest channel from outside bubble\")\n", new: ""},
			{old: `fatal("send on synctest channel from outside bubble")`, new: `cellOutsider("send on synctest channel from outside bubble")`},
			{old: `fatal("receive on synctest channel from outside bubble")`, new: `cellOutsider("receive on synctest channel from outside bubble")`},
			{memory: true, old: "\treleaseSudog(mysg)\n\tif closed {\n", new: "\treleaseSudog(mysg)\n\tcellWoken()\n\tif closed {\n"},
			{memory: true, old: "\treleaseSudog(mysg)\n\treturn true, success\n", new: "\treleaseSudog(mysg)\n\tcellWoken()\n\treturn true, success\n"},
			{old: `fatal("close of synctest channel from outside bubble")`, new: `cellOutsider("close of synctest channel from outside bubble")`},
		}},
		{path: "runtime/select.go", edits: []edit{
			{memory: true, old: "\tselunlock(scases, lockorder)\n\tgoto retc\n\nbufrecv:\n", new: "\tselunlock(scases, lockorder)\n\tcellWoken()\n\tgoto retc\n\nbufrecv:\n"},
			{old: `fatal("select on synctest channel from outside bubble")`, new: `cellOutsider("select on synctest channel from outside bubble")`},
		}},
		{path: "runtime/time.go", edits: []edit{
			{memory: true, old: "\t\tgopark(resetForSleep, nil, waitReasonSleep, traceBlockSleep, 1)\n\t}\n}\n", new: "\t\tgopark(resetForSleep, nil, waitReasonSleep, traceBlockSleep, 1)\n\t}\n\tcellWoken()\n}\n"},
			{old: `fatal("stop of synctest timer from outside bubble")`, new: `cellOutsider("stop of synctest timer from outside bubble")`},
			{old: `fatal("reset of synctest timer from outside bubble")`, new: `panic(plainError("reset of synctest timer from outside bubble"))`},
		}},
		{path: "runtime/sema.go", edits: []edit{
			{memory: true, old: "\tsemacquire1(addr, false, semaBlockProfile, 0, reason)\n}\n\n//go:linkname poll_runtime_Semrelease", new: "\tsemacquire1(addr, false, semaBlockProfile, 0, reason)\n\tcellWoken()\n}\n\n//go:linkname poll_runtime_Semrelease"},
			{old: "println(\"semaphore wake of synctest goroutine\", s.g.goid, \"from outside bubble\")\n", new: "", n: 2},
			{old: `fatal("semaphore wake of synctest goroutine from outside bubble")`, new: `cellOutsider("wake of a synctest goroutine from outside bubble")`, n: 2},
		}},
		{path: "sync/waitgroup.go", edits: []edit{
			{old: `fatal("sync: WaitGroup.Add called from multiple synctest bubbles")`, new: `panic("sync: WaitGroup.Add called from multiple synctest bubbles")`},
			{old: `fatal("sync: WaitGroup.Add called from inside and outside synctest bubble")`, new: `panic("sync: WaitGroup.Add called from inside and outside synctest bubble")`, n: 2},
		}},
		{path: "runtime/cellgoroutines.go", added: "cellgoroutines.go.txt"},
		{path: "runtime/cellgo.go", added: "cellgo.go.txt"},
		{path: "runtime/cellstack.go", added: "cellstack.go.txt"},
		{path: "runtime/cellpanics.go", added: "cellpanics.go.txt"},
		{path: "runtime/runtime2.go", edits: []edit{
			{old: "\tvalgrindStackID uintptr\n}\n", new: "\tvalgrindStackID uintptr\n\n\tcellTag      unsafe.Pointer // see cellgoroutines.go\n\tcellAt       uintptr        // see cellgo.go\n\tcellPanics   *[]cellPanic   // see cellpanics.go\n\tcellStackMax uint32         // KiB; see cellstack.go\n\tcellOver     bool           // the stack is beyond its limit, and the goroutine could not end yet\n\tcellKill     bool           // it is to end at a call\n\tcellKilled   int64          // when it was last made to, in nanoseconds\n\tcellReaped   bool           // it has ended, and is not in allgs any more\n\tcellTurns    uint8          // see cellgoroutines.go\n}\n"},
		}},
		{path: "runtime/proc.go", edits: []edit{
			{old: "\t\tusleep(delay)\n\n\t\t// sysmon should not enter deep", new: "\t\tif cellOvers.Load() != 0 {\n\t\t\tdelay = 30\n\t\t\tcellPoke()\n\t\t}\n\t\tusleep(delay)\n\n\t\t// sysmon should not enter deep"},
			{old: "\tif pp.schedtick%61 == 0 && !sched.runq.empty() {\n\t\tlock(&sched.lock)\n\t\tgp := globrunqget()\n",
				new: "\tif (pp.schedtick%61 == 0 || cellUrgent.Load()) && !sched.runq.empty() {\n\t\tlock(&sched.lock)\n\t\tgp := globrunqget()\n\t\tif gp == nil || gp.cellTag != nil {\n\t\t\tcellUrgent.Store(false)\n\t\t}\n"},
			{old: "\tpp := getg().m.p.ptr()\n\tif pp == nil {\n\t\tn := q.size\n", new: "\tpp := getg().m.p.ptr()\n\tsize := q.size\n\tcellOthersFirst(&q)\n\tif pp == nil {\n\t\tn := size\n"},
			{old: "\trunqput(mp.p.ptr(), gp, next)\n\twakep()\n", new: "\tif cellServes(gp) {\n\t\tcellReady(gp)\n\t} else {\n\t\trunqput(mp.p.ptr(), gp, next)\n\t}\n\twakep()\n"},
			{old: "\t\trunqput(pp, newg, true)\n\n\t\tif mainStarted {\n", new: "\t\tif cellServes(newg) {\n\t\t\tcellReady(newg)\n\t\t} else {\n\t\t\trunqput(pp, newg, true)\n\t\t}\n\n\t\tif mainStarted {\n"},
			{old: "\t\trunqput(pp, gp, true)\n\t} else {\n\t\tlock(&sched.lock)\n\t\tglobrunqput(gp)\n\t\tunlock(&sched.lock)\n", new: "\t\trunqput(pp, gp, true)\n\t} else {\n\t\tlock(&sched.lock)\n\t\tif !preempted || !cellPreempted(gp) {\n\t\t\tglobrunqput(gp)\n\t\t}\n\t\tunlock(&sched.lock)\n"},
			{old: "\tif pp == nil {\n\t\tglobrunqput(gp)\n\n", new: "\tif pp == nil {\n\t\tif !cellReturns(gp) {\n\t\t\tglobrunqput(gp)\n\t\t}\n\n"},
			{old: "\tdropg()\n\trunqput(pp, gp, false)\n\tschedule()\n", new: "\tdropg()\n\tif cellServes(gp) {\n\t\tcellReady(gp)\n\t} else {\n\t\trunqput(pp, gp, false)\n\t}\n\tschedule()\n"},
			{old: "\tgp.bubble = nil\n\tgp.fipsOnlyBypass = false\n", new: "\tgp.bubble = nil\n\tcellSetOver(gp, false)\n\tgp.cellTag, gp.cellAt, gp.cellPanics, gp.cellStackMax, gp.cellKill, gp.cellKilled, gp.cellTurns = nil, 0, nil, 0, false, 0, 0\n\tgp.fipsOnlyBypass = false\n"},
			{old: "\t\tnewg.bubble = callergp.bubble\n\t\tif mp.curg != nil {\n", new: "\t\tnewg.bubble = callergp.bubble\n\t\tif mp.curg != nil {\n\t\t\tif tag := mp.curg.cellTag; tag != nil {\n\t\t\t\tnewg.cellTag, newg.cellAt = tag, cellOrigin(callergp, callerpc)\n\t\t\t}\n"},
			{old: "\tpc := sys.GetCallerPC()\n\tsystemstack(func() {\n\t\tnewg := newproc1(fn, gp, pc, false, waitReasonZero)\n", new: "\tpc := sys.GetCallerPC()\n\tif gp.cellTag != nil {\n\t\tcellGo(fn, pc)\n\t}\n\tsystemstack(func() {\n\t\tnewg := newproc1(fn, gp, pc, false, waitReasonZero)\n"},
		}},
		{path: "runtime/stack.go", edits: runtimeStack},
		{path: "runtime/panic.go", edits: []edit{
			{old: "\tp.recovered = true\n\treturn p.arg\n}\n", new: "\tp.recovered = true\n\tif p.link != nil && gp.cellTag != nil {\n\t\tkeepCellPanics(gp)\n\t}\n\treturn p.arg\n}\n"},
			{old: "\t// If we're tracing, flush the current generation to make the trace more\n", new: "\tendCellPanic(gp)\n\n\t// If we're tracing, flush the current generation to make the trace more\n"},
		}},
		{path: "reflect/cellmethods.go", added: "cellmethods.go.txt"},
		{path: "reflect/type.go", edits: reflectType},
		{path: "reflect/value.go", edits: reflectValue},
		{path: "reflect/map.go", edits: []edit{
			{old: `invalid key type " + stringFor(ktyp)`, new: `invalid key type " + toRType(ktyp).String()`},
		}},
		{path: "internal/reflectlite/type.go", edits: reflectliteType},
		{path: "runtime/error.go", edits: runtimeError},
		{path: "runtime/alg.go", edits: []edit{
			{old: `unhashable type " + toRType(t).string()`, new: `unhashable type " + stringslite.CellText(toRType(t).string())`, n: 3},
			{old: `uncomparable type " + toRType(t).string()`, new: `uncomparable type " + stringslite.CellText(toRType(t).string())`, n: 2},
			{old: "\t\"internal/goarch\"\n", new: "\t\"internal/goarch\"\n\t\"internal/stringslite\"\n"},
		}},
		{path: "runtime/traceback.go", edits: []edit{
			{old: "if gp.labels != nil && debug.tracebacklabels.Load() == 1 {", new: "if gp.labels != nil {"},
			{old: "\ta, b, c := funcNamePiecesForPrint(name)\n\treturn a + b + c\n", new: "\ta, b, c := funcNamePiecesForPrint(name)\n\treturn stringslite.CellText(a + b + c)\n"},
			{old: "\ta, b, c := funcNamePiecesForPrint(name)\n\tprint(a, b, c)\n", new: "\ta, b, c := funcNamePiecesForPrint(name)\n\tprintCellText(a)\n\tprint(b)\n\tprintCellText(c)\n"},
		}},
	}
	files = append(files, stdFile{path: "os/cellexit.go", added: "osexit.go.txt"}, stdFile{path: "os/proc.go", edits: osProc})
	files = append(files, stdFile{path: "syscall/cellwrites.go", added: "syscallwrites.go.txt"},
		stdFile{path: "syscall/cellreads.go", added: "cellreads.go.txt"})
	if system == "windows" {
		files = append(files, stdFile{path: "syscall/syscall_windows.go", edits: syscallWindows},
			stdFile{path: "syscall/exec_windows.go", edits: syscallStart})
	} else {
		files = append(files, stdFile{path: "syscall/syscall_unix.go", edits: syscallWrite},
			stdFile{path: "syscall/exec_unix.go", edits: syscallFork}, stdFile{path: "os/file.go", edits: osFile})
	}
	switch system {
	case "linux":
		files = append(files, stdFile{path: "syscall/cellmoves.go", added: "syscallmoves_linux.go.txt"},
			stdFile{path: "syscall/syscall_linux.go", edits: []edit{
				{old: "\tr1, r2, errno = linux.Syscall6(trap, a1, a2, a3, a4, a5, a6)\n", new: "\tif errno, yes := refused(trap, a1, a2, a3); yes {\n\t\treturn ^uintptr(0), 0, Errno(errno)\n\t}\n\tr1, r2, errno = linux.Syscall6(trap, a1, a2, a3, a4, a5, a6)\n\tnoteMove(trap, a1, a2)\n"},
			}})
	default:
		files = append(files, stdFile{path: "syscall/cellmoves.go", added: "syscallmoves.go.txt"})
	}
	return files
}

var reflectType = []edit{
	// Text: String is what users see, rawString what the linker sorted types by.
	{old: "func (t *rtype) String() string {\n", new: "func (t *rtype) String() string { return stringslite.CellText(t.rawString()) }\n\nfunc (t *rtype) rawString() string {\n"},
	{old: "func stringFor(t *abi.Type) string {\n\treturn toRType(t).String()\n", new: "func stringFor(t *abi.Type) string {\n\treturn toRType(t).rawString()\n"},
	{old: "\ts := \"*\" + t.String()\n", new: "\ts := \"*\" + t.rawString()\n"},
	{old: "func (t *rtype) PkgPath() string {\n", new: "func (t *rtype) PkgPath() string { return stringslite.CellPkg(t.rawPkgPath()) }\n\nfunc (t *rtype) rawPkgPath() string {\n"},
	{old: "\treturn toRType(t).PkgPath()\n", new: "\treturn toRType(t).rawPkgPath()\n"},

	// Methods of types.
	{old: "\treturn ut.ExportedMethods()\n", new: "\treturn cellMethods(t, ut.ExportedMethods())\n"},
	{old: "\tmethods := ut.ExportedMethods()\n", new: "\tmethods := cellMethods(t, ut.ExportedMethods())\n"},

	// Methods of interfaces: all are listed, unexported ones with their package.
	{old: "\tm.Name = pname.Name()\n\tif !pname.IsExported() {\n", new: "\tm.Name = stringslite.CellIdent(pname.Name())\n\tif cellHidden(pname) {\n\t\tm.PkgPath = \"main\"\n\t} else if !pname.IsExported() {\n"},
	{old: "\t\tif t.nameOff(p.Name).Name() == name {\n", new: "\t\tif stringslite.CellIdent(t.nameOff(p.Name).Name()) == name {\n"},

	// Fields.
	{old: "\tf.Name = p.Name.Name()\n\tf.Anonymous = p.Embedded()\n\tif !p.Name.IsExported() {\n", new: "\tf.Name = stringslite.CellIdent(p.Name.Name())\n\tf.Anonymous = p.Embedded()\n\tif cellHidden(p.Name) {\n\t\tf.PkgPath = \"main\"\n\t} else if !p.Name.IsExported() {\n"},
	{old: "\t\t\t\tfname := f.Name.Name()\n\t\t\t\tvar ntyp", new: "\t\t\t\tfname := stringslite.CellIdent(f.Name.Name())\n\t\t\t\tvar ntyp"},
	{old: "\t\t\tif tf.Name.Name() == name {\n", new: "\t\t\tif stringslite.CellIdent(tf.Name.Name()) == name {\n"},

	// StructOf makes the type that a cell's struct{ x int } is.
	{old: "\tresolveReflectType(field.Type.common()) // install in runtime\n\tf := structField{\n", new: "\tif field.PkgPath == \"main\" && field.Name != \"_\" {\n\t\tfield.Name, field.PkgPath = stringslite.CellLetter+field.Name, \"\"\n\t}\n\tresolveReflectType(field.Type.common()) // install in runtime\n\tf := structField{\n"},

	// Panics that name types.
	{old: `Elem of invalid type " + stringFor(t)`, new: `Elem of invalid type " + toRType(t).String()`},
	{old: `illegal embedded field type " + stringFor(ft)`, new: `illegal embedded field type " + toRType(ft).String()`},

	// The keys of caches: the hash of a type that this package has made changes when code that has the type
	// is loaded.
	{old: "hash = fnv1(hash, byte(t.t.Hash>>24), byte(t.t.Hash>>16), byte(t.t.Hash>>8), byte(t.t.Hash))", new: "h := cellHash(&t.t)\n\t\thash = fnv1(hash, byte(h>>24), byte(h>>16), byte(h>>8), byte(h))", n: 2, memory: true},
	{old: "hash = fnv1(hash, byte(ft.Hash>>24), byte(ft.Hash>>16), byte(ft.Hash>>8), byte(ft.Hash))", new: "h := cellHash(ft)\n\t\thash = fnv1(hash, byte(h>>24), byte(h>>16), byte(h>>8), byte(h))", memory: true},

	{old: "import (\n", new: "import (\n\t\"internal/stringslite\"\n"},
}

var reflectValue = []edit{
	{old: `" as type " + stringFor(targ)`, new: `" as type " + toRType(targ).String()`},
	{old: "\t\tif !tt.nameOff(m.Name).IsExported() {\n", new: "\t\tif n := tt.nameOff(m.Name); !n.IsExported() || cellHidden(n) {\n"},
	{old: "\t\tms := v.typ().ExportedMethods()\n", new: "\t\tms := cellMethods(toRType(v.typ()), v.typ().ExportedMethods())\n"},
	{old: "\tms := typ.ExportedMethods()\n", new: "\tms := cellMethods(toRType(typ), typ.ExportedMethods())\n"},
	{old: "\tif !field.Name.IsExported() {\n\t\tif field.Embedded() {\n", new: "\tif !field.Name.IsExported() || cellHidden(field.Name) {\n\t\tif field.Embedded() {\n"},
	{old: `": value of type " + stringFor(v.typ()) + " is not assignable to type " + stringFor(dst)`, new: `": value of type " + toRType(v.typ()).String() + " is not assignable to type " + toRType(dst).String()`},
	{old: `value of type " + stringFor(v.typ()) + " cannot be converted`, new: `value of type " + toRType(v.typ()).String() + " cannot be converted`},
}

// Package context names its implementations with this smaller reflect, and sort and errors panic with it.
var reflectliteType = []edit{
	{old: "func (t rtype) String() string {\n\ts := t.nameOff(t.Str).Name()\n\tif t.TFlag&abi.TFlagExtraStar != 0 {\n\t\treturn s[1:]\n\t}\n\treturn s\n}\n",
		new: "func (t rtype) String() string {\n\ts := t.nameOff(t.Str).Name()\n\tif t.TFlag&abi.TFlagExtraStar != 0 {\n\t\ts = s[1:]\n\t}\n\treturn stringslite.CellText(s)\n}\n"},
	{old: "\treturn t.nameOff(ut.PkgPath).Name()\n", new: "\treturn stringslite.CellPkg(t.nameOff(ut.PkgPath).Name())\n"},
	{old: "import (\n", new: "import (\n\t\"internal/stringslite\"\n"},
}

var runtimeError = []edit{
	{old: "inter = toRType(e._interface).string()", new: "inter = stringslite.CellText(toRType(e._interface).string())"},
	{old: "as := toRType(e.asserted).string()", new: "as := stringslite.CellText(toRType(e.asserted).string())"},
	{old: "cs := toRType(e.concrete).string()", new: "cs := stringslite.CellText(toRType(e.concrete).string())"},
	// Two types with one name in one notebook: the type was redefined, or it is local to two functions.
	{old: "\t\t\t\tmsg += \" (types from different packages)\"\n", new: "\t\t\t\tif stringslite.CellPkg(toRType(e.concrete).pkgpath()) == \"main\" && stringslite.CellPkg(toRType(e.asserted).pkgpath()) == \"main\" {\n\t\t\t\t\tmsg += \" (types from different cells)\"\n\t\t\t\t} else {\n\t\t\t\t\tmsg += \" (types from different packages)\"\n\t\t\t\t}\n"},
	{old: "\": missing method \" + e.missingMethod\n", new: "\": missing method \" + stringslite.CellIdent(e.missingMethod)\n"},
	// A panic value of a defined type. Nothing may be allocated here.
	{old: "\ttypestring := toRType(eface._type).string()\n", new: "\ttypestring := toRType(eface._type).string()\n\tif k := eface._type.Kind(); k == abi.String || abi.Bool <= k && k <= abi.Complex128 {\n\t\tprintCellText(typestring)\n\t\ttypestring = \"\"\n\t}\n"},
	{old: "\t\tprint(\"(\", typestring, \") \", eface.data)\n", new: "\t\tprint(\"(\")\n\t\tprintCellText(typestring)\n\t\tprint(\") \", eface.data)\n"},
	{old: "\t\"internal/bytealg\"\n", new: "\t\"internal/bytealg\"\n\t\"internal/stringslite\"\n"},
}

// See stdfiles/cellstop.go.txt.
var stopped = []edit{
	{old: "\tif sig == _SIGTRAP && testSigtrap != nil ", new: "\tif sig == _SIGTRAP && cellTrap(c, gp, mp) {\n\t\treturn\n\t}\n\n\tif sig == _SIGTRAP && testSigtrap != nil "},
	{old: "\t\tpanicfloat()\n\t}\n\n\tif gp.sig >= uint32(len(sigtable)) {\n", new: "\t\tpanicfloat()\n\tcase _SIGTRAP:\n\t\tcellLeave()\n\t}\n\n\tif gp.sig >= uint32(len(sigtable)) {\n"},
}

// See stdfiles/cellstack.go.txt.
var runtimeStack = []edit{
	{old: "\tvar mod *moduledata\n\tfor datap := &firstmoduledata; datap != nil; datap = datap.next {\n\t\t// The normal case", memory: true,
		new: "\tmod := cellModuleAt(ptr)\n\tfor datap := &firstmoduledata; mod == nil && datap != nil; datap = datap.next {\n\t\t// The normal case"},
	{old: "\tif newsize > maxstacksize || newsize > maxstackceiling {\n", new: "\tover := cellStackOver(gp, newsize)\n\tif over && cellMayEnd(gp) && cellCut(gp) {\n\t\tcellEnd(gp)\n\t\tgogo(&gp.sched) // never return\n\t}\n\tif !over && (newsize > maxstacksize || newsize > maxstackceiling) {\n"},
	{old: "\t\tprint(\"stack grow done\\n\")\n\t}\n\tcasgstatus(gp, _Gcopystack, _Grunning)\n", new: "\t\tprint(\"stack grow done\\n\")\n\t}\n\tcasgstatus(gp, _Gcopystack, _Grunning)\n\tif over {\n\t\tif cellSetOver(gp, true); cellMayEnd(gp) {\n\t\t\tcellEnd(gp)\n\t\t}\n\t}\n"},
	{old: "\t\tif gp.preemptStop {\n\t\t\tpreemptPark(gp) // never returns\n\t\t}\n\n\t\t// Act like goroutine called runtime.Gosched.\n", new: "\t\tif gp.preemptStop {\n\t\t\tpreemptPark(gp) // never returns\n\t\t}\n\n\t\tcellLook(gp)\n\n\t\t// Act like goroutine called runtime.Gosched.\n"},
}

var osProc = []edit{
	{old: "func Exit(code int) {\n", new: "func Exit(code int) {\n\tif hook := exitHook.Load(); hook != nil {\n\t\t(*hook)(code)\n\t}\n"},
}

var syscallWrite = []edit{
	{old: "func Read(fd int, p []byte) (n int, err error) {\n", new: "func Read(fd int, p []byte) (n int, err error) {\n\tif fd == 0 {\n\t\tif hook := readHook.Load(); hook != nil {\n\t\t\treturn (*hook)(p)\n\t\t}\n\t}\n"},
	{old: "func Write(fd int, p []byte) (n int, err error) {\n", new: "func Write(fd int, p []byte) (n int, err error) {\n\tif fd == 1 || fd == 2 {\n\t\tif hook := writeHook.Load(); hook != nil {\n\t\t\tif n, err, handled := (*hook)(fd, p); handled {\n\t\t\t\treturn n, err\n\t\t\t}\n\t\t}\n\t}\n"},
}

var syscallFork = []edit{
	{old: "func forkExec(argv0 string, argv []string, attr *ProcAttr) (pid int, err error) {\n", new: "func forkExec(argv0 string, argv []string, attr *ProcAttr) (pid int, err error) {\n\tif hook := forkHook.Load(); hook != nil {\n\t\t(*hook)()\n\t}\n"},
}

// On Windows package os reads and writes with handles, which pass through these two. Text for a console does not,
// but the host has pipes.
var syscallWindows = []edit{
	{
		old: "func ReadFile(fd Handle, p []byte, done *uint32, overlapped *Overlapped) error {\n",
		new: `func ReadFile(fd Handle, p []byte, done *uint32, overlapped *Overlapped) error {
	if hook := readHook.Load(); hook != nil && fd == Stdin {
		n, err := (*hook)(p)
		*done = uint32(n)
		return err
	}
`},
	{
		old: "func WriteFile(fd Handle, p []byte, done *uint32, overlapped *Overlapped) error {\n",
		new: `func WriteFile(fd Handle, p []byte, done *uint32, overlapped *Overlapped) error {
	if hook := writeHook.Load(); hook != nil && (fd == Stdout || fd == Stderr) {
		stream := 1
		if fd == Stderr {
			stream = 2
		}
		if n, err, handled := (*hook)(stream, p); handled {
			*done = uint32(n)
			return err
		}
	}
`},
}

const startProcess = "func StartProcess(argv0 string, argv []string, attr *ProcAttr) (pid int, handle uintptr, err error) {\n"

var syscallStart = []edit{
	{old: startProcess, new: startProcess + `	if hook := forkHook.Load(); hook != nil {
		(*hook)()
	}
`},
}

// No copy to standard output goes by the hook.
var osFile = []edit{
	{old: "\tn, handled, e := f.readFrom(r)\n", new: "\tif f.stdoutOrErr {\n\t\treturn genericReadFrom(f, r)\n\t}\n\tn, handled, e := f.readFrom(r)\n"},
}
