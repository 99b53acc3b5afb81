"""coverage.py ROOT EXPORT: edges and lines of each file from llvm-cov's export, and the lines never reached.

An edge is a code region of clang's source coverage. A region that only a lie takes (LIE("F-1") ? ... : ...) is none, for
LIE is the constant false. A function that several files have inline counts once, where its source is.
"""
import json
import sys

CODE = 0  # kind of a region


def is_lie(lines, region):
    """Does the region stand on a line that tells a lie, behind the LIE?"""
    line, column = region[0], region[1]
    text = lines[line - 1] if line <= len(lines) else ""
    return "LIE(" in text


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
    print(f"{'file':<46} {'edges':>7} {'reached':>8}")
    missed_lines = []
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
        if never:
            missed_lines.append(f"  {name}: {', '.join(map(str, never))}")
    print(f"{'all':<46} {total:>7} {100 * reached / total:>7.1f}%")
    print("\nedges never taken begin on these lines")
    print("\n".join(missed_lines))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
