"""Reads a JSON list of notebook texts from standard input; writes the list of what nbformat makes of each: {"text": ...} or
{"error": ...}. An invalid notebook is an error, and so is one that nbformat would have to repair."""
import json
import sys
import warnings
import nbformat

warnings.simplefilter("error")
out = []
for text in json.load(sys.stdin):
    try:
        nb = nbformat.reads(text, as_version=4)
        nbformat.validate(nb)
        again = nbformat.writes(nb)
        out.append({"text": again if again.endswith("\n") else again + "\n"})
    except Exception as e:
        out.append({"error": f"{type(e).__name__}: {e}"})
json.dump(out, sys.stdout)
