"""Writes the notebooks of this folder that begin with jupyter-, with nbformat itself. Run it after changing it."""
import pathlib
import nbformat
from nbformat.v4 import (new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell)

here = pathlib.Path(__file__).parent


def write(name, nb):
    nbformat.write(nb, str(here / name))


def cell(make, id, *args, **kw):
    c = make(*args, **kw)
    c["id"] = id
    return c


full = new_notebook(metadata={
    "kernelspec": {"name": "interleave", "display_name": "Go (Interleave)", "language": "go"},
    "language_info": {"name": "go", "version": "go1.26", "file_extension": ".go", "codemirror_mode": {"name": "go", "version": 3}},
    "zeta": {"b": 1, "a": [1.0, 1e100, -0.0, 12345678901234567890, float("nan"), float("inf"), float("-inf")]},
    "toc-autonumbering": False,
})
full.cells = [
    cell(new_markdown_cell, "a1", "# Title\n\nText with é, 日本, \u2028 and \u0085 inside, \x7f too.\n"),
    cell(new_code_cell, "b-2", "x := 1\r\ny := 2\vz\n\tfmt.Println(x, \"\\n\")", execution_count=3,
         metadata={"tags": ["raises-exception", "t"], "jupyter": {"source_hidden": True}}, outputs=[
             new_output("stream", name="stdout", text="a\nb\rc\x1b[31mred\x1b[0m\n"),
             new_output("stream", name="stderr", text=""),
             new_output("display_data", {"text/plain": "two\nlines", "image/png": "iVBORw0KGgo=\n", "image/svg+xml": "<svg>\n</svg>",
                                         "application/json": {"z": [1, {"y": None}], "a": True}, "application/javascript": "a\nb",
                                         "application/vnd.x+json": "text\nof json", "text/html": "<b>\n&</b>"},
                        metadata={"image/png": {"width": 640}}),
             new_output("execute_result", {"text/plain": "42"}, execution_count=3),
             new_output("error", ename="panic", evalue="no \"such\" \\ thing", traceback=["\x1b[31mpanic\x1b[0m", "a\nb"]),
         ]),
    cell(new_raw_cell, "c_3", ""),
    cell(new_markdown_cell, "d4", "![](attachment:x.png)", attachments={"x.png": {"image/png": "aGVsbG8="}}),
    cell(new_code_cell, "e5", ""),
]
write("jupyter-4.5.ipynb", full)

old = nbformat.from_dict(full)
old.nbformat_minor = 2
for c in old.cells:
    del c["id"]
write("jupyter-4.2.ipynb", old)
write("jupyter-empty.ipynb", new_notebook())
