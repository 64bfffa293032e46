"""Writes kinds.ipynb: a notebook with every kind of cell and output that a page can show."""
import base64
import pathlib
import struct
import zlib
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell


def png(w, h, rgb):
    def chunk(t, d):
        return struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
    rows = b"".join(b"\0" + bytes(rgb) * w for _ in range(h))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0))
                            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")).decode()


svg = """<svg xmlns="http://www.w3.org/2000/svg" width="520" height="120" viewBox="0 0 520 120">
<rect x="20" y="15" width="160" height="20" fill="#4c9be8"/><rect x="180" y="45" width="80" height="20" fill="#4c9be8"/>
<rect x="260" y="75" width="240" height="20" fill="#4c9be8"/><text x="20" y="115" font-size="11">seconds</text></svg>
"""
out = new_output
cells = [
    ("intro", new_markdown_cell("""# Every kind of *output*

A paragraph with **bold**, `code`, a [link](https://go.dev "Go"), a formula $a_1 + b_1 = c_*$ and a price of $5 or $6.
Auto link: https://example.org, ~~struck~~, <kbd>Ctrl</kbd>, x<sup>2</sup>, 1 < 2 && 3 > 2.

$$
\\sum_{i=1}^n i = \\frac{n(n+1)}{2}
$$

## Lists & tables

- [x] done
- [ ] open
  1. nested

| Python | Go | ms |
|:--|:-:|--:|
| `await gather(a, b)` | `lab.Gather(ctx, a, b)` | 3 |

> A quotation.

## Code

```go
func (s *server) handle(ctx context.Context) error { return nil } // comment
```

```python
async def main():  # start
    pages = await asyncio.gather(fetch("a", 2), fetch("b", 1.5))
    print(f"{pages!r}", True, None)
```

```sh
go run . install --user  # "once"
```

```
plain <b>text</b>
```

## Lists & tables
""")),
    ("raw-html", new_markdown_cell("""### Raw HTML

<details><summary>A hidden <em>answer</em></summary>

With `code` inside:

```go
x := 1
```

</details>

<div class="note" onclick="alert(1)" style="position:fixed">no handler, no style<script>alert(2)</script></div>
<iframe src="https://evil.example">gone</iframe><svg onload=alert(3)></svg><img src="https://example.org/far.png" alt="far away">
![a picture from the net](https://example.org/x.png) ![attached](attachment:dot.png) [bad](javascript:alert(4))
<a href="java&#10;script:alert(5)">worse</a> <!-- comment --> <unknown>kept</unknown> <b>never closed
""", attachments={"dot.png": {"image/png": png(8, 8, (200, 30, 30))}})),
    ("streams", new_code_cell("""%engine auto
// Two goroutines and a channel.
func produce(n int, out chan<- int) {
	defer close(out)
	for i := range n {
		out <- i * 0x1F
	}
}
!ls -l
ch := make(chan int)
go produce(3, ch)
for v := range ch {
	fmt.Printf("got %d\\n", v, 'x', `raw
%not magic`, nil, string("s"), 1.5e3)
}""", execution_count=1, outputs=[
        out("stream", name="stdout", text="got 0\ngot 31\n\x1b[1mbold\x1b[0m \x1b[32mgreen\x1b[39m \x1b[38;5;208morange\x1b[0m \x1b[38;2;10;120;200mexact\x1b[m \x1b[4;3munder\x1b[0m \x1b[41;97mwhite on red\x1b[0m\n10%\r50%\r100%\nab\bX <&>\n"),
        out("stream", name="stderr", text="warning: nothing is wrong\n"),
    ])),
    ("long", new_code_cell("for i := range 100 {\n\tfmt.Println(\"line\", i)\n}", execution_count=2, outputs=[
        out("stream", name="stdout", text="".join(f"line {i}\n" for i in range(100)))])),
    ("figure", new_code_cell("plots.Timeline(e)", execution_count=3, outputs=[
        out("display_data", {"image/svg+xml": svg, "image/png": png(4, 4, (0, 0, 200)), "text/plain": "timeline of 3 goroutines"})])),
    ("png", new_code_cell("img", execution_count=4, outputs=[
        out("execute_result", {"image/png": png(60, 30, (20, 140, 90)) + "\n", "text/plain": "a <picture>"}, execution_count=4, metadata={"image/png": {"width": 120, "height": 60}})])),
    ("rich", new_code_cell("display.HTML(table)", execution_count=5, outputs=[
        out("display_data", {"text/html": "<table><tr><th>worker</th><th>jobs</th></tr><tr><td>1</td><td>20</td></tr><tr><td>2</td><td>22</td></tr></table>", "text/plain": "table"}),
        out("display_data", {"text/markdown": "**42** of `43`, [x](javascript:alert(1))", "text/plain": "42"}),
        out("display_data", {"text/latex": "$\\frac{a}{b}$", "text/plain": "a/b"}),
        out("display_data", {"application/json": {"name": "x", "list": [1, 2.50, None, True], "deep": {"a": "<b>"}}, "text/plain": "{…}"}),
        out("display_data", {"application/vnd.example+json": {"a": 1}}),
        out("execute_result", {"text/plain": "map[string]int{\"a\": 1}"}, execution_count=5),
    ])),
    ("failing", new_code_cell("var m map[string]int\nm[\"a\"] = 1", execution_count=6, metadata={"tags": ["raises-exception"]}, outputs=[
        out("error", ename="panic", evalue="assignment to entry in nil map", traceback=[
            "\x1b[1;31mpanic\x1b[0m: assignment to entry in nil map", "", "\x1b[36mcell[6]:2\x1b[0m", "\x1b[2m  1 |\x1b[0m var m map[string]int", "\x1b[31m> 2 |\x1b[0m m[\"a\"] = 1", "        \x1b[31m^\x1b[0m"])])),
    ("hidden", new_code_cell("secret := 1", execution_count=7, metadata={"jupyter": {"source_hidden": True, "outputs_hidden": True}}, outputs=[
        out("stream", name="stdout", text="hidden\n")])),
    ("not-run", new_code_cell("// not run\n")),
    ("empty", new_code_cell("")),
    ("raw", new_raw_cell("raw <text>")),
]
nb = new_notebook(metadata={"kernelspec": {"name": "interleave", "display_name": "Go (Interleave)", "language": "go"}, "language_info": {"name": "go"}})
for id, cell in cells:
    cell["id"] = id
    nb.cells.append(cell)
nbformat.validate(nb)
nbformat.write(nb, str(pathlib.Path(__file__).parent / "kinds.ipynb"))
