#!/usr/bin/env python3
"""How well counts rank as the clock does: rank correlations (Spearman) of `pagelab cost` with the medians of a run, one CPU,
as the tables of README.md, with the rods and without. Candidates that one of the files lacks are left out.

rank.py [RESULT.json COST.json]     result.json and cost.json beside this script"""

import json
import pathlib
import sys

from scipy.stats import spearmanr

HERE = pathlib.Path(__file__).resolve().parent
RODS = ("null", "magazine")
WORKLOADS = ("repeat", "bulk", "replace")
LOCKED_NS = 5.2  # a fit to the reference's machine, not a fact of any other
INSTRUCTION_NS = 0.065


def weighted(row):
    return LOCKED_NS * row["locked"] + INSTRUCTION_NS * row["instructions"]


MEASURES = (("instructions", lambda row: row["instructions"], ()),
            ("locked operations", lambda row: row["locked"], ()),
            (f"{LOCKED_NS} x locked + {INSTRUCTION_NS} x instructions", weighted, ()),
            ("the same without `freelist`", weighted, ("freelist",)))


def medians(path):
    """ns by the cell's name; only what ended well."""
    rows = json.loads(pathlib.Path(path).read_text())["benchmarks"]
    return {row["run_name"]: row["real_time"] for row in rows
            if row.get("aggregate_name") == "median" and row.get("status") == "ok"}


def cell(counts, times, workload, value, without):
    """One number of the table: "-" where fewer than three candidates are in both files."""
    pairs = [(value(row), times[row["name"]]) for row in counts
             if row["workload"] == workload and row["name"] in times and row["candidate"] not in without]
    return f"{spearmanr(*zip(*pairs)).correlation:.2f}" if len(pairs) > 2 else "-"


def table(counts, times, left_out):
    names = {row["candidate"] for row in counts if row["name"] in times} - set(left_out)
    print(f"{len(names)} candidates{', without the rods' if left_out else ''}:\n")
    print("| |", " | ".join(WORKLOADS), "|")
    print("|---|" + "--:|" * len(WORKLOADS))
    for words, value, without in MEASURES:
        print(f"| {words} |", " | ".join(cell(counts, times, workload, value, (*left_out, *without)) for workload in WORKLOADS), "|")


def main(words):
    if len(words) not in (0, 2):
        sys.exit("rank.py: RESULT.json and COST.json expected, or neither")
    result, cost = words or (HERE / "result.json", HERE / "cost.json")
    times = medians(result)
    counts = [row for row in json.loads(pathlib.Path(cost).read_text())["cost"] if row["status"] == "ok"]
    table(counts, times, ())
    print()
    table(counts, times, RODS)


main(sys.argv[1:])
