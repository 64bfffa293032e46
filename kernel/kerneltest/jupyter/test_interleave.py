"""The installed kernel under Jupyter's own client: its conformance suite, and what a notebook's user relies on beyond it.

Run with Debian's python3 after `go run . install`:
    /usr/bin/python3 -m unittest discover -v -s kernel/kerneltest/jupyter
"""

import os
import queue
import re
import tempfile
import time
import unittest

import jupyter_kernel_test
from jupyter_client import BlockingKernelClient
import nbformat
from jupyter_client.manager import KernelManager, start_new_kernel
from nbclient import NotebookClient
from nbconvert import LatexExporter
from traitlets.config import Config


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = "interleave"
    language_name = "go"
    file_extension = ".go"

    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "to standard error")'
    code_generate_error = "undefinedName + 1"
    code_clear_output = 'fmt.Println("gone"); display.Clear(false)'

    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": 'strings.ToUpper("abc")', "result": "ABC"},
        {"code": "[]int{1, 2}", "result": "[1 2]"},
        {"code": "func dbl(n int) int { return 2 * n }\ndbl(21)", "result": "42"},
    ]
    code_display_data = [
        {"code": 'display.HTML("<b>bold</b>")', "mime": "text/html"},
        {"code": 'display.Markdown("*text*")', "mime": "text/markdown"},
        {"code": 'display.LaTeX("$x^2$")', "mime": "text/latex"},
        {"code": "display.SVG(`<svg xmlns=\"http://www.w3.org/2000/svg\"/>`)", "mime": "image/svg+xml"},
        {"code": 'display.JSON(map[string]int{"a": 1})', "mime": "application/json"},
        {"code": "display.Image(image.NewRGBA(image.Rect(0, 0, 2, 2)))", "mime": "image/png"},
    ]

    complete_code_samples = [
        "x := 1",
        'fmt.Println("a")',
        "func f() int {\n\treturn 1\n}",
        "for i := range 3 {\n\tfmt.Println(i)\n}",
        "// a comment",
        "s := `raw\nstring`",
        "type T struct{ a int }",
    ]
    incomplete_code_samples = [
        "func f() {",
        "for i := range 3 {",
        "fmt.Println(",
        "x := 1 +",
        "type T struct {",
        "s := `raw",
        "if x > 1 {\n\tfmt.Println(x)",
        "/* open",
    ]
    invalid_code_samples = [
        "x := )",
        "func 1() {}",
        "for } {",
        'fmt.Println("unclosed)',
    ]

    completion_samples = [
        {"text": "fmt.Prin", "matches": {"Print", "Printf", "Println"}},
        {"text": "strings.ToUpp", "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": "for i := range 3 {\n\tfmt.Fpri", "matches": {"Fprint", "Fprintf", "Fprintln"}},
        {"text": 'import "math/ra', "matches": {"math/rand", "math/rand/v2"}},
        {"text": "%engine com", "matches": {"compiled"}},
        {"text": "nosuch.", "matches": set()},
        {"text": ""},
    ]
    code_inspect_sample = "fmt.Println"
    code_page_something = "fmt.Println?"

    code_history_pattern = "1 + 2"
    supported_history_operations = ("tail", "range", "search")


class Session(unittest.TestCase):
    """What cells do to each other, and what ends them."""

    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name="interleave", startup_timeout=60)
        cls.others = []

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    def run_cell(self, code, then=None, allow_stdin=False):
        """Runs a cell and gives its reply and what it showed; then is called when the cell says that it is running."""
        msg_id = self.kc.execute(code, allow_stdin=allow_stdin)
        shown = []
        while True:
            msg = self.kc.get_iopub_msg(timeout=60)
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            shown.append(msg)
            if then and msg["msg_type"] == "stream" and "running" in msg["content"]["text"]:
                then()
                then = None
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                break
        while True:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply["content"], shown

    def result(self, code):
        reply, shown = self.run_cell(code)
        self.assertEqual(reply["status"], "ok", reply)
        return [m["content"]["data"]["text/plain"] for m in shown if m["msg_type"] == "execute_result"][-1]

    def test_live_session(self):
        self.run_cell("n := 41\ntype pt struct{ x, y int }")
        self.run_cell("func (p pt) sum() int { return p.x + p.y }\nn++")
        self.assertEqual(self.result("pt{n, 1}.sum()"), "43")

    def test_interrupt_loop(self):
        began = time.monotonic()
        reply, _ = self.run_cell('fmt.Println("running")\nfor {\n}', then=self.km.interrupt_kernel)
        self.assertEqual(reply["status"], "error")
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual(self.result("20 + 1"), "21")

    def test_interrupt_receive(self):
        reply, _ = self.run_cell('fmt.Println("running")\n<-make(chan int)', then=self.km.interrupt_kernel)
        self.assertEqual(reply["status"], "error")
        self.assertEqual(self.result("20 + 2"), "22")

    def test_panic_names_line(self):
        reply, shown = self.run_cell("\nvar m map[string]int\nm[\"a\"] = 1")
        self.assertEqual(reply["status"], "error")
        text = "\n".join(next(m for m in shown if m["msg_type"] == "error")["content"]["traceback"])
        self.assertIn("assignment to entry in nil map", text)
        self.assertRegex(text, r"cell\[\d+\]:3")

    def test_exit_is_survived(self):
        self.run_cell("func kept() int { return 7 }")
        reply, _ = self.run_cell("os.Exit(3)")
        self.assertEqual(reply["status"], "error")
        self.assertTrue(self.km.is_alive())
        self.assertEqual(self.result("kept()"), "7")

    def test_input(self):
        msg_id = self.kc.execute('display.Input(ctx, "Name? ")', allow_stdin=True)
        asked = self.kc.get_stdin_msg(timeout=60)
        self.assertEqual(asked["msg_type"], "input_request")
        self.assertEqual(asked["content"], {"prompt": "Name? ", "password": False})
        self.kc.input("Gopher")
        while True:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                break
        self.assertEqual(reply["content"]["status"], "ok")

    def not_asked(self, kc):
        with self.assertRaises(queue.Empty):
            kc.get_stdin_msg(timeout=0)

    def typed(self, code, answers=(), interrupt=False):
        """Runs a cell that asks for input; gives the status of its reply, what it printed, and how often it asked."""
        msg_id = self.kc.execute(code, allow_stdin=True)
        answers, asked = list(answers), 0
        while answers or interrupt:
            self.kc.get_stdin_msg(timeout=60)
            asked += 1
            if answers:
                self.kc.input(answers.pop(0))
            else:
                self.km.interrupt_kernel()
                interrupt = False
        printed, status = "", None
        while True:
            msg = self.kc.get_iopub_msg(timeout=60)
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            if msg["msg_type"] == "stream":
                printed += msg["content"]["text"]
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                break
        while status is None:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                status = reply["content"]["status"]
        self.not_asked(self.kc)
        return status, printed, asked

    def test_standard_input(self):
        """Reads of standard input ask the user, line by line, whatever reads; ^D ends the input of one read."""
        for engine in ("auto", "compiled"):
            with self.subTest(engine):
                self.run_cell("%engine " + engine)
                ask = self.typed
                self.assertEqual(ask("var a, b int\nfmt.Scan(&a, &b)\nfmt.Println(a + b)", ["20 22"]), ("ok", "42\n", 1))
                scanner = 'lines := bufio.NewScanner(os.Stdin)\nfor lines.Scan() { fmt.Printf("%q ", lines.Text()) }'
                self.assertEqual(ask(scanner, ["one", "two", "\x04"]), ("ok", '"one" "two" ', 3))
                self.assertEqual(ask('all, err := io.ReadAll(os.Stdin)\nfmt.Printf("%q %v", all, err)', ["one", "^D"]),
                                 ("ok", '"one\\n" <nil>', 2))
                part = 'part := make([]byte, 2)\nfor range 2 {\n\tn, _ := os.Stdin.Read(part)\n\tfmt.Printf("%q ", part[:n])\n}'
                self.assertEqual(ask(part, ["abc"]), ("ok", '"ab" "c\\n" ', 1))
                self.assertEqual(ask('line, err := bufio.NewReader(os.Stdin).ReadString(\'\\n\')\nfmt.Printf("%q %v", line, err)',
                                     ["äöü"]), ("ok", '"äöü\\n" <nil>', 1))
                both = """var wg sync.WaitGroup
for range 2 {
	wg.Go(func() { var w string; fmt.Scanln(&w); fmt.Print(w + " ") })
}
wg.Wait()"""
                status, printed, asked = ask("%plot off\n" + both, ["A", "B"])
                self.assertEqual((status, sorted(printed.removeprefix("plot: off\n").split()), asked), ("ok", ["A", "B"], 2))
                status, printed, asked = ask('_, err = display.Input(ctx, "")\nfmt.Print(err)', ["^D"])
                self.assertEqual((status, printed), ("ok", "EOF"))
        self.run_cell("%engine auto")

    def test_rest_of_the_input(self):
        """What a cell has not read of a line is not input of the next cell, which is asked itself."""
        status, printed, _ = self.typed("var first int\nfmt.Scan(&first)\nfmt.Println(first)", ["1 2"])
        self.assertEqual(status, "ok")
        self.assertIn('has not read "2"', printed)
        self.assertEqual(self.typed("fmt.Scan(&first)\nfmt.Println(first)", ["3"]), ("ok", "3\n", 1))

    def test_interrupt_input(self):
        """An interrupted read ends the cell, and the code behind it does not run. A late answer is not input of the next cell."""
        for code in ("var n int\nfmt.Scan(&n)\nfmt.Println(\"behind\")", "rest, _ := io.ReadAll(os.Stdin)\nfmt.Println(len(rest), \"behind\")",
                     'display.Password(ctx, "Secret? ")'):
            with self.subTest(code):
                began = time.monotonic()
                self.assertEqual(self.typed(code, interrupt=True), ("error", "", 1))
                self.assertLess(time.monotonic() - began, 10)
                self.kc.input("late")
                self.assertEqual(self.result("20 + 3"), "23")
                self.assertEqual(self.typed("var word string\nfmt.Scan(&word)\nfmt.Println(word)", ["fresh"]), ("ok", "fresh\n", 1))

    def test_input_of_another_client(self):
        """Only the client that runs the cell is asked, and only its answer counts."""
        other = BlockingKernelClient(connection_file=self.km.connection_file)
        other.load_connection_file()
        other.start_channels()
        try:
            other.wait_for_ready(timeout=60)
            msg_id = self.kc.execute("var whose string\nfmt.Scan(&whose)\nwhose", allow_stdin=True)
            self.kc.get_stdin_msg(timeout=60)
            other.input("theirs")
            self.assertEqual(self.ask_control(other), "ok")
            self.not_asked(other)
            self.kc.input("ours")
            while True:
                msg = self.kc.get_iopub_msg(timeout=60)
                if msg["parent_header"].get("msg_id") == msg_id and msg["msg_type"] == "execute_result":
                    break
            self.assertEqual(msg["content"]["data"]["text/plain"], "ours")
            while self.kc.get_shell_msg(timeout=60)["parent_header"].get("msg_id") != msg_id:
                pass
        finally:
            other.stop_channels()

    def ask_control(self, kc):
        """Asks for the kernel's info on control, and gives the status of the reply."""
        msg = kc.session.msg("kernel_info_request", {})
        kc.control_channel.send(msg)
        while True:
            reply = kc.get_control_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg["header"]["msg_id"]:
                return reply["content"]["status"]

    def test_no_input(self):
        """Where there is no input the error names the cell, the line and the remedy."""
        reply, shown = self.run_cell('fmt.Println("before")\nvar n int\nfmt.Scan(&n)\nfmt.Println("behind")')
        self.assertEqual((reply["status"], reply["ename"]), ("error", "no input"))
        self.assertRegex(reply["evalue"], r"^cell\[\d+\]:3 reads standard input, .*interleave run --stdin")
        self.assertEqual([m["content"]["text"] for m in shown if m["msg_type"] == "stream"], ["before\n"])
        self.assertRegex("\n".join(reply["traceback"]), r"cell\[\d+\]:3")
        self.assertEqual(self.result("20 + 4"), "24")

    def test_late_goroutine_reads(self):
        """A goroutine that has outlived its cell gets an error, and takes nothing from the next cell's input."""
        self.run_cell("%plot off\nread := make(chan error)\ngo func() { <-read; var w string; _, err := fmt.Scan(&w); read <- err }()")
        code = 'read <- nil\nfmt.Println(strings.Contains((<-read).Error(), "has ended"))\nvar w string\nfmt.Scan(&w)\nfmt.Println(w)'
        self.assertEqual(self.typed(code, ["mine"]), ("ok", "true\nmine\n", 1))

    def debug(self, command, **arguments):
        """Sends a debug_request and gives its response."""
        msg = self.kc.session.msg("debug_request", {"seq": 1, "type": "request", "command": command, "arguments": arguments})
        self.kc.control_channel.send(msg)
        while True:
            reply = self.kc.get_control_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg["header"]["msg_id"]:
                return reply["content"]

    def variables(self, **arguments):
        body = self.debug("variables" if arguments else "inspectVariables", **arguments)["body"]
        return {v["name"]: (v.get("type", ""), v["value"], v["variablesReference"]) for v in body["variables"]}

    def test_variables(self):
        """Clients list the session's variables and their parts, also while a cell runs: then without a race."""
        self.run_cell("%reset\ntype inner struct{ n int; words []string }\nrows := []inner{{7, nil}, {8, []string{\"x\"}}}\n"
                      'ages := map[string]int{"bo": 2, "al": 1}\nbox := make(chan int, 3)\nbox <- 1\nvar guard sync.Mutex')
        self.assertTrue(self.debug("initialize", clientID="test")["success"])
        self.assertTrue(self.debug("attach")["success"])
        self.assertEqual(self.debug("setBreakpoints", source={"path": "x"}, breakpoints=[{"line": 1}])["body"], {"breakpoints": []})
        seen = self.variables()
        self.assertEqual(sorted(seen), ["ages", "box", "guard", "rows"])
        self.assertEqual(seen["ages"][:2], ("map[string]int", "map of 2"))
        self.assertEqual(seen["box"], ("chan int", "1 of 3 in the buffer", 0))
        rows = self.variables(variablesReference=seen["rows"][2])
        self.assertEqual(rows["[1]"][:2], ("inner", '{n: 8, words: ["x"]}'))
        self.assertEqual(self.variables(variablesReference=rows["[1]"][2])["n"], ("int", "8", 0))
        self.assertEqual(list(self.variables(variablesReference=seen["ages"][2])), ['["al"]', '["bo"]'])
        rich = self.debug("richInspectVariables", variableName="rows")["body"]["data"]
        self.assertIn("var rows []inner", rich["text/plain"])
        self.assertFalse(self.debug("richInspectVariables", variableName="nosuch")["success"])
        self.assertFalse(self.debug("copyToGlobals", srcVariableName="rows")["success"])

        def beside():
            seen = self.variables()
            self.assertEqual(seen["guard"][1], "locked")
            self.assertEqual(seen["box"][1], "2 of 3 in the buffer")
            self.assertIn("not read", seen["rows"][1])
            self.km.interrupt_kernel()

        busy = 'guard.Lock()\nbox <- 2\nfmt.Println("running")\nfor {\n\trows[0].n++\n}'
        reply, _ = self.run_cell(busy, then=beside)
        self.assertEqual(reply["status"], "error")
        self.assertTrue(self.debug("disconnect")["success"])

    def test_help_lines(self):
        """name? shows what Shift-Tab shows, name?? the source, in one page for a cell that runs all the same."""
        self.run_cell("// halve halves.\nfunc halve(n int) int { return n / 2 }\nnine := 9")
        reply, shown = self.run_cell("nine?\nhalve??\nhalve(nine)\n%time?")
        page, = reply["payload"]
        self.assertEqual((page["source"], page["start"]), ("page", 0))
        for words in ("var nine int", "value: 9", "halve halves.", "return n / 2", "%%time"):
            self.assertIn(words, page["data"]["text/plain"])
        self.assertIn("func halve(n int) int { return n / 2 }", page["data"]["text/markdown"])
        self.assertEqual([m["content"]["data"]["text/plain"] for m in shown if m["msg_type"] == "execute_result"], ["4"])
        reply, _ = self.run_cell("nosuchname?")
        self.assertEqual(reply["status"], "error")
        self.assertIn("nosuchname", reply["evalue"])

    def test_results(self):
        """Out, _N and _ have the types of what was shown; In has texts."""
        reply, _ = self.run_cell("40")
        n = reply["execution_count"]
        self.assertEqual(self.result(f"Out[{n}] + 2"), "42")
        self.assertEqual(self.result("_ * __"), "1680")
        self.assertEqual(self.result(f"_{n} % 7"), "5")
        self.assertEqual(self.result(f'strings.Repeat(In[{n}], 2)'), "4040")
        reply, _ = self.run_cell("Out[9999]")
        self.assertIn("cell[9999] has shown no value", reply["evalue"])

    def test_results_of_a_lost_session(self):
        n = self.run_cell("41")[0]["execution_count"]
        self.run_cell("syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}")
        reply, _ = self.run_cell(f"Out[{n}]")
        self.assertIn(f"the result of cell[{n}] was lost with the session", reply["evalue"])
        self.assertEqual(self.result("6 * 7"), "42")
        self.assertEqual(self.result("_ + 1"), "43")

    def test_queue_is_aborted(self):
        # The first cell fails when the second is known to wait: control is answered after all that was sent before it.
        first = self.kc.execute('display.Input(ctx, "Go on? ")\npanic("told to")', allow_stdin=True)
        self.kc.get_stdin_msg(timeout=60)
        second = self.kc.execute("1")
        self.kc.input("yes")
        got = {}
        while len(got) < 2:
            reply = self.kc.get_shell_msg(timeout=60)
            got[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
        self.assertEqual(got[first], "error")
        self.assertEqual(got[second], "aborted")

    def test_another_client_is_not_aborted(self):
        # Not km.client(), which shares the manager's session: to the kernel that is the same client.
        other = BlockingKernelClient(connection_file=self.km.connection_file)
        other.load_connection_file()
        other.start_channels()
        try:
            other.wait_for_ready(timeout=60)
            self.assertNotEqual(other.session.session, self.kc.session.session)
            fails = self.kc.execute('display.Input(ctx, "Go on? ")\npanic("told to")', allow_stdin=True)
            self.kc.get_stdin_msg(timeout=60)
            theirs = [other.execute(code) for code in ("10 + 1", 'panic("theirs")', "10 + 3")]
            ours = self.kc.execute("10 + 2")
            self.kc.input("yes")

            def statuses(kc, wanted):
                got = {}
                while len(got) < len(wanted):
                    reply = kc.get_shell_msg(timeout=60)
                    if reply["parent_header"].get("msg_id") in wanted:
                        got[reply["parent_header"]["msg_id"]] = reply["content"]["status"]
                return [got[msg_id] for msg_id in wanted]

            self.assertEqual(statuses(self.kc, [fails, ours]), ["error", "aborted"])
            self.assertEqual(statuses(other, theirs), ["ok", "error", "aborted"])
        finally:
            other.stop_channels()

    def test_usage(self):
        """The session's memory and time count, and so do those of its processes."""
        self.run_cell("block := make([]byte, 200<<20)\nfor i := range block {\n\tblock[i] = 1\n}")

        def usage():
            msg = self.kc.session.msg("usage_request", {})
            self.kc.control_channel.send(msg)
            while True:
                reply = self.kc.get_control_msg(timeout=60)
                if reply["parent_header"].get("msg_id") == msg["header"]["msg_id"]:
                    self.assertEqual(reply["msg_type"], "usage_reply")
                    return reply["content"]

        usage()
        self.run_cell("for began := time.Now(); time.Since(began) < time.Second; {\n}")
        got = usage()
        self.assertGreater(got["kernel_memory"], 200 << 20)
        self.assertGreater(got["kernel_cpu"], 10)
        self.assertGreater(got["host_virtual_memory"]["total"], got["kernel_memory"])
        self.assertGreaterEqual(got["cpu_count"], 1)

    def test_history_of_earlier_kernels(self):
        with tempfile.TemporaryDirectory() as data:
            env = dict(os.environ, XDG_DATA_HOME=data)
            entries = []
            for code in ("first := 1", "second := 2"):
                km, kc = start_new_kernel(kernel_name="interleave", startup_timeout=60, env=env)
                try:
                    kc.execute_interactive(code, timeout=60)
                    msg_id = kc.history(hist_access_type="tail", n=10)
                    while True:
                        reply = kc.get_shell_msg(timeout=60)
                        if reply["parent_header"].get("msg_id") == msg_id:
                            break
                    entries.append([tuple(e) for e in reply["content"]["history"]])
                finally:
                    kc.stop_channels()
                    km.shutdown_kernel()
            self.assertEqual(entries, [[(1, 1, "first := 1")], [(1, 1, "first := 1"), (2, 1, "second := 2")]])

    def ask(self, send, *args):
        """Sends a question and gives the content of its reply, while a cell may run."""
        msg_id = send(*args)
        while True:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply["content"]

    def test_completion_of_the_session(self):
        self.run_cell("// twice doubles.\nfunc twice(x int) int { return 2 * x }\ntwins := map[string]int{\"ann\": 1}")
        reply = self.ask(self.kc.complete, "größe := 1; tw + 1", 14)
        self.assertEqual((reply["cursor_start"], reply["cursor_end"]), (12, 14))
        self.assertEqual(reply["matches"][:2], ["twins", "twice"] if reply["matches"][0] == "twins" else ["twice", "twins"])
        types = reply["metadata"]["_jupyter_types_experimental"]
        self.assertEqual([t["text"] for t in types], reply["matches"])
        self.assertIn("function", [t["type"] for t in types])
        self.assertEqual(self.ask(self.kc.complete, 'twins["')["matches"], ["ann"])
        reply = self.ask(self.kc.inspect, "twice(")
        self.assertIn("twice doubles.", reply["data"]["text/plain"])
        self.assertIn("argument 1: x int", reply["data"]["text/plain"])

    def test_questions_beside_a_cell(self):
        """Completion and inspection are answered while a cell keeps all cores busy, and do not wait for it."""
        self.run_cell("results := make(chan int, 3)\nvar guard sync.Mutex")
        times = []

        def questions():
            for _ in range(20):
                began = time.monotonic()
                reply = self.ask(self.kc.complete, "resu")
                times.append(time.monotonic() - began)
                self.assertEqual(reply["matches"][0], "results")
            reply = self.ask(self.kc.inspect, "results")
            self.assertIn("2 of 3 in the buffer", reply["data"]["text/plain"])
            self.assertIn("locked", self.ask(self.kc.inspect, "guard")["data"]["text/plain"])
            self.km.interrupt_kernel()

        busy = """results <- 1
results <- 2
guard.Lock()
for range runtime.NumCPU() {
	go func() { for {} }()
}
fmt.Println("running")
select {}"""
        reply, _ = self.run_cell(busy, then=questions)
        self.assertEqual(reply["status"], "error")
        self.assertEqual(len(times), 20)
        self.assertLess(sorted(times)[10], 5)

    def test_waiters(self):
        """Inspection shows where goroutines wait for a channel, while the cell that started them runs."""
        self.run_cell("%reset\nwork := make(chan int)\nvar table sync.RWMutex")
        seen = []

        def look():
            until = time.monotonic() + 60
            while time.monotonic() < until:
                text = self.ask(self.kc.inspect, "work")["data"]["text/plain"]
                lock = self.ask(self.kc.inspect, "table")["data"]["text/plain"]
                if "2 goroutines wait to send" in text and "a writer waits" in lock:
                    break
            seen.extend([text, lock])
            self.km.interrupt_kernel()

        code = """table.RLock()
go table.Lock()
for i := range 2 {
	go func() {
		work <- i
	}()
}
fmt.Println("running")
<-ctx.Done()"""
        reply, _ = self.run_cell(code, then=look)
        self.assertEqual(reply["status"], "error")
        self.assertRegex(seen[0], r"without a buffer, 2 goroutines wait to send")
        self.assertRegex(seen[0], r"waiting to send: cell\[\d+\]:5 \(goroutine \d+\), cell\[\d+\]:5 \(goroutine \d+\)")
        self.assertIn("locked for reading by 1 goroutine, a writer waits", seen[1])

    def comm(self, msg_type, buffers=None, metadata=None, **content):
        """Sends a message of a comm, and gives what is published for it and for no request, until it is idle."""
        msg = self.kc.session.msg(msg_type, content, metadata=metadata)
        self.kc.session.send(self.kc.shell_channel.socket, msg, buffers=buffers)
        got, self.others = [], []
        while True:
            m = self.kc.get_iopub_msg(timeout=60)
            if m["parent_header"].get("msg_id") != msg["header"]["msg_id"]:
                self.others.append(m)  # what a function of a cell does may come before the end of the request
                continue
            if m["msg_type"] != "status":
                got.append(m)
            elif m["content"]["execution_state"] == "idle":
                return got

    def comms(self, **target):
        msg_id = self.kc.comm_info(**target)
        while True:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                self.assertEqual(reply["content"]["status"], "ok")
                return reply["content"]["comms"]

    def until(self, what, found):
        """Gives the first published message for which found is true."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            m = self.others.pop(0) if self.others else self.kc.get_iopub_msg(timeout=60)
            if found(m):
                return m
        self.fail("no " + what)

    def test_comm_refused(self):
        """A comm for a target that no cell has registered is closed, and messages to comms that are not open are dropped."""
        said = self.comm("comm_open", comm_id="refused", target_name="nosuch", data={})
        self.assertEqual([(m["msg_type"], m["content"]["comm_id"]) for m in said], [("comm_close", "refused")])
        self.assertEqual(self.comm("comm_msg", comm_id="refused", data={}), [])
        self.assertEqual(self.comm("comm_close", comm_id="refused", data={}), [])
        self.assertNotIn("refused", self.comms())

    def test_comm_of_client(self):
        """A client opens a comm, gets its messages back, also while a cell runs, and closes it. Functions run for their cell."""
        reply, _ = self.run_cell("""import "interleave/runtime/comm"
comm.Register("echo", func(c *comm.Comm, m comm.Message) {
	fmt.Printf("opened with %s\\n", m.Data)
	c.OnMessage(func(m comm.Message) {
		var data struct{ Do string }
		m.Decode(&data)
		switch data.Do {
		case "panic":
			panic("in a function of a comm")
		case "hang":
			fmt.Println("hangs")
			<-ctx.Done()
			fmt.Println("ended by", context.Cause(ctx))
		case "spin":
			fmt.Println("spins")
			for {
			}
		}
		c.Send(m)
	})
	c.OnClose(func(comm.Message) { fmt.Println("closed") })
})""")
        self.assertEqual(reply["status"], "ok", reply)
        self.assertEqual(self.comm("comm_open", comm_id="c", target_name="echo", data={"x": 1}), [])
        text = lambda words: lambda m: m["msg_type"] == "stream" and words in m["content"]["text"]
        opened = self.until("words", text('opened with {"x": 1}'))
        self.assertEqual(opened["parent_header"]["msg_type"], "execute_request")
        self.assertEqual(self.comms(target_name="echo"), {"c": {"target_name": "echo"}})
        self.assertNotIn("c", self.comms(target_name="other"))

        def echo(n):
            self.comm("comm_msg", comm_id="c", data={"n": n}, buffers=[b"\x00\xff", b""], metadata={"k": n})
            m = self.until("echo", lambda m: m["msg_type"] == "comm_msg")
            self.assertEqual(m["content"], {"comm_id": "c", "data": {"n": n}})
            self.assertEqual([bytes(b) for b in m["buffers"]], [b"\x00\xff", b""])
            self.assertEqual(m["metadata"], {"k": n})

        echo(1)

        def while_it_runs():
            for n in range(20):
                echo(n)
            self.km.interrupt_kernel()

        reply, _ = self.run_cell('fmt.Println("running")\n<-ctx.Done()', then=while_it_runs)
        self.assertEqual(reply["status"], "error")
        self.comm("comm_msg", comm_id="c", data={"do": "panic"})
        failed = self.until("panic", text("panic: in a function of a comm"))
        self.assertEqual(failed["parent_header"]["msg_id"], opened["parent_header"]["msg_id"])
        for do, words in ("hang", "ended by interrupted"), ("spin", "was interrupted"):
            self.comm("comm_msg", comm_id="c", data={"do": do})
            self.until("words", text(do + "s"))
            self.km.interrupt_kernel()
            self.until("the end", text(words))
        echo(2)
        self.assertEqual(self.comm("comm_close", comm_id="c", data={}), [])
        self.until("words", text("closed"))
        self.assertNotIn("c", self.comms())

    def test_comm_of_cell(self):
        """A cell opens a comm. It ends with %reset, and with the session."""
        code = """import "interleave/runtime/comm"
c, err := comm.Open("mine", map[string]int{"a": 1}, []byte{7})
c.Send(struct{ B int }{2})
fmt.Println(err)"""
        for end in ("%reset", "syscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}"):
            reply, shown = self.run_cell(code)
            self.assertEqual(reply["status"], "ok", reply)
            sent = [m for m in shown if m["msg_type"].startswith("comm_")]
            self.assertEqual([m["msg_type"] for m in sent], ["comm_open", "comm_msg"])
            comm_id = sent[0]["content"]["comm_id"]
            self.assertEqual(sent[0]["content"], {"comm_id": comm_id, "target_name": "mine", "data": {"a": 1}})
            self.assertEqual([bytes(b) for b in sent[0]["buffers"]], [b"\x07"])
            self.assertEqual(sent[1]["content"]["data"], {"B": 2})
            self.assertIn(comm_id, self.comms(target_name="mine"))
            msg_id = self.kc.execute(end)
            self.until("end", lambda m: m["msg_type"] == "comm_close" and m["content"]["comm_id"] == comm_id)
            self.until("idle", lambda m: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle"
                       and m["parent_header"].get("msg_id") == msg_id)
            self.assertEqual(self.comms(target_name="mine"), {})

    def test_widgets(self):
        """Widgets are shown to a client that has announced them as JupyterLab's extension does, and to no other."""
        show = 'import "interleave/runtime/widget"\ns := widget.NewIntSlider("n", 0, 10, 3)\ns'
        view = "application/vnd.jupyter.widget-view+json"
        _, shown = self.run_cell(show)
        self.assertFalse([m for m in shown if m["msg_type"] == "comm_open"])
        self.comm("comm_open", comm_id="ctl", target_name="jupyter.widget.control", data={}, metadata={"version": "1.0.0"})
        try:
            _, shown = self.run_cell(show)
            opened = {m["content"]["comm_id"]: m["content"]["data"]["state"] for m in shown if m["msg_type"] == "comm_open"}
            self.assertEqual({m["metadata"]["version"] for m in shown if m["msg_type"] == "comm_open"}, {"2.1.0"})
            bundle = [m["content"]["data"] for m in shown if m["msg_type"] == "execute_result"][0]
            self.assertEqual(bundle["text/plain"], "n: 3")
            slider = bundle[view]["model_id"]
            self.assertEqual((opened[slider]["_model_name"], opened[slider]["value"]), ("IntSliderModel", 3))
            self.assertIn(opened[slider]["layout"].removeprefix("IPY_MODEL_"), opened)
            said = self.comm("comm_msg", comm_id=slider, data={"method": "update", "state": {"value": 8}, "buffer_paths": []})
            self.assertEqual([m["content"]["data"] for m in said],
                             [{"method": "echo_update", "state": {"value": 8}, "buffer_paths": []}])
            self.assertEqual(self.result("s.Value()"), "8")
            said = self.comm("comm_msg", comm_id="ctl", data={"method": "request_states"})
            states = said[0]["content"]["data"]["states"]
            self.assertEqual(set(states), set(opened))
            self.assertEqual(states[slider]["state"]["value"], 8)
            self.kc.execute("s.Set(5)")
            update = self.until("update", lambda m: m["msg_type"] == "comm_msg")
            self.assertEqual(update["content"]["data"]["state"], {"value": 5})
            bar = 'b := lab.NewProgress("work", 100000)\nfor range 100000 {\n\tb.Add(1)\n}\nb.Close()'
            _, shown = self.run_cell("%plot off\n" + bar + "\n%plot on")
            places = [m for m in shown if "display_id" in m["content"].get("transient", {})]
            self.assertEqual([view in m["content"]["data"] for m in places], [True, False])
            self.assertIn("100000/100000", places[-1]["content"]["data"]["text/plain"])
            self.assertLess(len([m for m in shown if m["msg_type"] == "comm_msg"]), 50)
            self.assertEqual(set(self.comms(target_name="jupyter.widget")), set(opened))
        finally:
            self.comm("comm_close", comm_id="ctl", data={})

    def test_user_expressions(self):
        self.run_cell("v := 5")
        msg_id = self.kc.execute("", user_expressions={"good": "v * 2", "bad": "nothing"})
        while True:
            reply = self.kc.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == msg_id:
                break
        values = reply["content"]["user_expressions"]
        self.assertEqual(values["good"]["data"]["text/plain"], "10")
        self.assertEqual(values["bad"]["status"], "error")

    def test_load(self):
        with tempfile.NamedTemporaryFile("w", suffix=".go") as f:
            f.write("x := 1\n")
            f.flush()
            reply, _ = self.run_cell("%load " + f.name)
            self.assertEqual(reply["payload"], [{"source": "set_next_input", "text": "// %load " + f.name + "\nx := 1", "replace": True}])

    def test_capture_and_restart(self):
        self.run_cell('%%capture out\nfmt.Println("kept")\n42')
        self.assertEqual(self.result("out.Stdout + fmt.Sprint(len(out.Outputs))"), "kept\n1")
        reply, shown = self.run_cell("%restart")
        self.assertEqual(reply["status"], "ok", reply)
        self.assertTrue(any("forgotten" in m["content"].get("text", "") for m in shown), shown)
        reply, _ = self.run_cell("out")
        self.assertEqual(reply["evalue"].split(": ", 1)[1], "undefined: out")

    def test_restart(self):
        km, kc = start_new_kernel(kernel_name="interleave", startup_timeout=60)
        try:
            kc.execute("lost := 1")
            km.restart_kernel()
            kc.wait_for_ready(timeout=60)
            msg_id = kc.execute("lost")
            while True:
                reply = kc.get_shell_msg(timeout=60)
                if reply["parent_header"].get("msg_id") == msg_id:
                    break
            self.assertEqual(reply["content"]["status"], "error")
        finally:
            kc.stop_channels()
            km.shutdown_kernel()


class SessionOverIpc(Session):
    """The same through files instead of ports, which are gone afterwards."""

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        cls.km = KernelManager(kernel_name="interleave", transport="ipc", ip=os.path.join(cls.dir.name, "k"))
        cls.km.start_kernel()
        cls.kc = cls.km.client()
        cls.kc.start_channels()
        cls.kc.wait_for_ready(timeout=60)
        cls.others = []

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        left = os.listdir(cls.dir.name)
        cls.dir.cleanup()
        assert not left, left


class Headless(unittest.TestCase):
    """nbclient runs notebooks with tests, arguments and the cells of papermill; it is what papermill and quarto run them by."""

    def notebook(self, *sources):
        cells = [nbformat.v4.new_code_cell(s) for s in sources]
        return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "interleave", "display_name": "Go", "language": "go"}})

    def text(self, cell):
        return "".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout")

    def test_parameters(self):
        nb = self.notebook("n := 1", "n = 7", "", "fmt.Println(n)")
        nb.cells[0].metadata["tags"] = ["parameters"]
        nb.cells[1].metadata["tags"] = ["injected-parameters"]
        NotebookClient(nb, timeout=60).execute()
        self.assertEqual(self.text(nb.cells[3]), "7\n")

    def test_tests(self):
        nb = self.notebook("%test\nfunc TestGood(t *testing.T) {}", "%test\nfunc TestBad(t *testing.T) { t.Error(1) }", "%args -x 5\nos.Args[1:]")
        NotebookClient(nb, timeout=60, allow_errors=True).execute()
        self.assertRegex(self.text(nb.cells[0]), r"^PASS\nok  \tcell\[1\]\t")
        self.assertRegex(self.text(nb.cells[1]), r"^--- FAIL: TestBad \(.*\)\n    cell\[2\]:2: 1\nFAIL\n")
        self.assertEqual([o.ename for o in nb.cells[1].outputs if o.output_type == "error"], ["test failed"])
        self.assertEqual(nb.cells[2].outputs[0].data["text/plain"], "[-x 5]")


class Export(unittest.TestCase):
    """Notebooks executed by this kernel become LaTeX, by the switch that README names."""

    def test_latex(self):
        cell = nbformat.v4.new_code_cell("done := make(chan bool)\ngo func() { done <- true }()\n<-done")
        nb = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": {"name": "interleave", "display_name": "Go", "language": "go"}})
        NotebookClient(nb, timeout=60).execute()
        figures = [o["data"] for o in nb.cells[0].outputs if "image/png" in o.get("data", {})]
        self.assertEqual(len(figures), 1, nb.cells[0].outputs)
        self.assertIn("image/svg+xml", figures[0])  # which JupyterLab prefers
        config = Config()
        config.SVG2PDFPreprocessor.enabled = False
        text, resources = LatexExporter(config=config).from_notebook_node(nb)
        shown = re.findall(r"\\adjustimage\{.*\}\{([^{}]*)\}", text)
        self.assertEqual(len(shown), 1, text)
        self.assertTrue(shown[0].endswith(".png"), shown)
        self.assertTrue(resources["outputs"][shown[0]].startswith(b"\x89PNG"))


if __name__ == "__main__":
    unittest.main()
