"""coverage.py ROOT EXPORT: edges and lines of each file from llvm-cov's export, and the lines never reached.

An edge is a code region of clang's source coverage. A region that only a lie takes (LIE("F-1") ? ... : ...) is none, for
LIE is the constant false. A function that several files have inline counts once, where its source is.
"""
import fnmatch
import json
import os
import sys

CODE = 0  # kind of a region


def text_of(lines, number):
    return lines[number - 1].strip() if 1 <= number <= len(lines) else ""


def is_lie(lines, region):
    """Does the region stand on a line that tells a lie, or is it the branch that such a line decides on?"""
    before = text_of(lines, region[0] - 1)
    return "LIE(" in text_of(lines, region[0]) or (before.startswith(("if (", "} else if (")) and "LIE(" in before) \
        or text_of(lines, region[0]).startswith("lie_about")


def read_reasons(path):
    """Lines `FILES: TEXT: REASON`: why an edge that begins on a line with that text may stay."""
    reasons = []
    for line in open(path, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            files, text, reason = (part.strip() for part in line.split(" | "))
            reasons.append((files, text, reason))
    return reasons


def reason_of(reasons, name, text):
    for files, part, reason in reasons:
        if fnmatch.fnmatch(name, files) and part in text:
            return reason
    return None


def main(root, export):
    regions = {}  # file -> (line, column, end line, end column) -> count
    document = json.load(open(export, encoding="utf-8"))
    for function in document["data"][0]["functions"]:
        for region in function["regions"]:
            if region[7] != CODE:
                continue
            name = function["filenames"][region[5]]
            if not name.startswith(root + "/systems/") and not name.startswith(root + "/allocators/"):
                continue
            place = tuple(region[:4])
            known = regions.setdefault(name[len(root) + 1:], {})
            known[place] = max(known.get(place, 0), region[4])
    reasons = read_reasons(os.path.join(root, "tests", "coverage_reasons.txt"))
    print(f"{'file':<46} {'edges':>7} {'reached':>8}")
    left = []  # (reason, file, line, text)
    total = reached = 0
    for name in sorted(regions):
        lines = open(f"{root}/{name}", encoding="utf-8").read().split("\n")
        kept = {place: count for place, count in regions[name].items() if not is_lie(lines, place)}
        hit = sum(count > 0 for count in kept.values())
        total += len(kept)
        reached += hit
        if kept:
            print(f"{name:<46} {len(kept):>7} {100 * hit / len(kept):>7.1f}%")
        never = sorted({place[0] for place, count in kept.items() if count == 0})
        for line in never:
            text = text_of(lines, line)
            left.append((reason_of(reasons, name, text) or "", name, line, text))
    print(f"{'all':<46} {total:>7} {100 * reached / total:>7.1f}%")
    unexplained = [entry for entry in left if not entry[0]]
    print(f"\nlines where an edge was never taken: {len(left)}, without a reason: {len(unexplained)}")
    last = None
    for reason, name, line, text in sorted(left):
        if reason != last:
            print(f"\n{reason or 'WITHOUT A REASON'}")
            last = reason
        print(f"  {name}:{line}: {text}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
