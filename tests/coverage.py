"""coverage.py ROOT EXPORT [PAGE CANDIDATES]: edges and lines of each file from llvm-cov's export, and the lines never
reached; with PAGE also as a page, of the files of these candidates and of what they reached.

An edge is a code region of clang's source coverage. A region that only a lie takes (LIE("F-1") ? ... : ...) is none, for
LIE is the constant false. A function that several files have inline counts once, where its source is. Lines never reached
are listed under the reason that tests/coverage_reasons.txt gives, those without one first.
"""
import fnmatch
import html
import json
import os
import re
import sys

CODE = 0  # kind of a region
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
LIAR = r"lies?_about_\w+"  # functions that exist for lies only
TOKEN = re.compile(r"&&|\|\||[!=<>]=|[!?(),]|\w+|\S")


class Source:
    """Text of a file, and the same with blanks where comments and strings are."""

    def __init__(self, path):
        self.text = open(path, encoding="utf-8").read()
        self.lines = self.text.split("\n")
        self.code = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), self.text)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line.encode()) + 1)
        assert len(self.text.encode()) == len(self.text), f"{path}: columns are bytes, so sources are ASCII"

    def offset(self, line, column):
        return self.starts[line - 1] + column - 1

    def line(self, number):
        return self.lines[number - 1].strip() if 1 <= number <= len(self.lines) else ""


def known_value(text):
    """True or False if the condition is constant because LIE is false, else None."""
    tokens = TOKEN.findall(re.sub(rf"\bLIE\(\s*\)|\b{LIAR}\([^()]*\)", " false ", text))
    at = 0

    def peek():
        return tokens[at] if at < len(tokens) else None

    def skip_group():  # behind the ')' of the '(' at `at`
        nonlocal at
        depth = 0
        while at < len(tokens):
            depth += {"(": 1, ")": -1}.get(tokens[at], 0)
            at += 1
            if depth == 0:
                return

    def unary():
        nonlocal at
        begin = at
        value = None
        if peek() == "!":
            at += 1
            value = unary()
            return None if value is None else not value
        if peek() == "(":
            at += 1
            value = either()
            at += 1
        elif peek() in ("true", "false"):
            value = tokens[at] == "true"
            at += 1
        if peek() in (None, "&&", "||", ")") and at > begin:
            return value
        while peek() not in (None, "&&", "||", ")"):  # a comparison, a call or a sum: unknown
            if peek() == "(":
                skip_group()
            else:
                at += 1
        return None

    def both():
        nonlocal at
        values = [unary()]
        while peek() == "&&":
            at += 1
            values.append(unary())
        return False if False in values else None if None in values else True

    def either():
        nonlocal at
        values = [both()]
        while peek() == "||":
            at += 1
            values.append(both())
        return True if True in values else None if None in values else False

    return None if "?" in tokens else either()


def left_operand(code, end, stops):
    """The text before `end` back to the start of its expression: an open bracket, a statement, or one of `stops`."""
    depth = 0
    at = end
    while at > 0:
        char = code[at - 1]
        if char in ")]":
            depth += 1
        elif char in "([":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and (char in ";{}," or code[at - 2:at] in stops or char in stops):
            break
        elif depth == 0 and char == "=" and code[at - 2] not in "=!<>" and code[at] != "=":
            break
        elif depth == 0 and re.search(r"\breturn\s$", code[max(0, at - 8):at]):
            break
        at -= 1
    return code[at:end]


def opening(code, end):
    """Offset of the bracket that the one right before `end` closes."""
    pair = {")": "(", "}": "{"}[code[end - 1]]
    depth = 0
    for at in range(end - 1, -1, -1):
        depth += (code[at] == code[end - 1]) - (code[at] == pair)
        if depth == 0:
            return at
    return 0


def condition_before(code, end):
    """The condition of the `if (...)` or `while (...)` that ends right before `end`, or None."""
    if code[end - 1:end] != ")":
        return None
    begin = opening(code, end)
    return code[begin + 1:end - 1] if re.search(r"\b(if|while)\s*$", code[:begin][-16:]) else None


def is_constant(source, place):
    """Is the region a condition whose value is known, or a constant of a macro? Clang counts neither."""
    text = source.code[source.offset(*place[:2]):source.offset(*place[2:])]
    text += "( )" if text.endswith("LIE") else ""  # a region ends where the last macro's name does
    return source.line(place[0]).startswith("#define") or \
        (re.search(r"[;{}]", text) is None and known_value(text) is not None)


def is_lie(source, place):
    """Does what stands before the region allow it to run only if a LIE were true?"""
    code = source.code
    end = len(code[:source.offset(place[0], place[1])].rstrip())
    if code.endswith("&&", 0, end):
        return known_value(left_operand(code, end - 2, ("||", "?", ":"))) is False
    if code.endswith("||", 0, end):
        return known_value(left_operand(code, end - 2, ("?", ":"))) is True
    if code.endswith("?", 0, end):
        return known_value(left_operand(code, end - 1, ("?", ":"))) is False
    if code.endswith(":", 0, end):
        before = left_operand(code, end - 1, ("?",))
        at = end - 1 - len(before)
        return code[at - 1:at] == "?" and known_value(left_operand(code, at - 1, ("?", ":"))) is True
    if re.search(r"\}\s*else$", code[max(0, end - 80):end]):
        condition = condition_before(code, len(code[:opening(code, len(code[:end - 4].rstrip()))].rstrip()))
        return condition is not None and known_value(condition) is True
    condition = condition_before(code, end)
    return condition is not None and known_value(condition) is False


def lies_among(source, places):
    """Those of the places that are lies, or inside one, or constants."""
    found = []
    for place in sorted(places, key=lambda place: (place[0], place[1], -place[2], -place[3])):
        begin, end = place[:2], place[2:]
        if any(outer[:2] <= begin and end <= outer[2:] for outer in found[-8:]) or \
                is_lie(source, place) or is_constant(source, place):
            found.append(place)
    return set(found)


def read_reasons(path):
    """Lines `FILES | TEXT | REASON`: why an edge that begins on a line with that text may stay."""
    reasons = []
    for line in open(path, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            files, text, reason = (part.strip() for part in line.rstrip("\n").split(" | "))
            reasons.append((files, text, reason))
    return reasons


def reason_of(reasons, used, name, text):
    for number, (files, part, reason) in enumerate(reasons):
        if fnmatch.fnmatch(name, files) and part in text:
            used.add(number)
            return reason
    return ""


def read_regions(root, export):
    """file -> (line, column, end line, end column) -> count, and the same places of functions that only lie."""
    regions = {}
    liars = {}
    document = json.load(open(export, encoding="utf-8"))
    for function in document["data"][0]["functions"]:
        for region in function["regions"]:
            name = function["filenames"][region[5]]
            if region[7] != CODE or not name.startswith((root + "/systems/", root + "/allocators/")):
                continue
            name = name[len(root) + 1:]
            place = tuple(region[:4])
            if place[:2] == place[2:]:  # where a macro was expanded
                continue
            known = regions.setdefault(name, {})
            known[place] = max(known.get(place, 0), region[4])
            if re.fullmatch(LIAR, function["name"].rpartition(":")[2]):
                liars.setdefault(name, set()).add(place)
    return regions, liars


def folders_of(candidates):
    """The folders below allocators/ that names such as "percpu(batch=4)+nbbs-hint,va=list" speak of."""
    words = set(re.split(r"[^\w-]+", candidates))
    return words | {word.split("-")[0] for word in words}


def write_page(path, candidates, files, left):
    """`files`: name -> (edges, reached); `left`: (reason, file, line, text). A folder of a file is its chapter."""
    wanted = folders_of(candidates)
    chapters = {}
    for name in sorted(files):
        place = name.split("/")
        named = place[0] == "allocators" and place[1] in wanted
        if named or files[name][1] > 0:
            chapters.setdefault(("" if named else "beside: ") + os.path.dirname(name), []).append(name)
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write("<!doctype html><html lang='en'><meta charset='utf-8'><title>pagelab: coverage</title>\n"
                  "<style>body{font:14px/1.4 sans-serif;margin:2em}td,th{text-align:left;padding:2px 8px}"
                  ".n{text-align:right}code{white-space:pre-wrap}</style>\n<h1>Lines never reached</h1>\n"
                  f"<p>By the corpora of {html.escape(candidates)}. An edge is a code region of clang's source coverage; "
                  "a line is named if an edge on it was never taken, with the reason if one is known.</p>\n")
        for chapter in sorted(chapters, key=lambda title: (title.startswith("beside: "), title)):
            names = chapters[chapter]
            edges = sum(files[name][0] for name in names)
            hit = sum(files[name][1] for name in names)
            out.write(f"<h2>{html.escape(chapter)}: {100 * hit / edges if edges else 100:.1f} % of {edges} edges</h2>\n")
            out.write("<table>\n")
            for reason, name, line, text in sorted(left, key=lambda entry: (entry[1], entry[2])):
                if name in names:
                    out.write(f"<tr><td class=n>{html.escape(name)}:{line}<td><code>{html.escape(text)}</code>"
                              f"<td>{html.escape(reason)}\n")
            out.write("</table>\n")
    os.replace(path + ".new", path)


def main(root, export, page=None, candidates=""):
    regions, liars = read_regions(root, export)
    reasons = read_reasons(os.path.join(root, "tests", "coverage_reasons.txt"))
    used = set()
    print(f"{'file':<48} {'edges':>7} {'reached':>8}")
    left = []  # (reason, file, line, text)
    files = {}
    total = reached = 0
    for name in sorted(regions):
        source = Source(f"{root}/{name}")
        never = {place for place, count in regions[name].items() if count == 0} - liars.get(name, set())
        never -= lies_among(source, never)
        hit = sum(count > 0 for count in regions[name].values())
        edges = hit + len(never)
        files[name] = (edges, hit)
        total += edges
        reached += hit
        if edges:
            print(f"{name:<48} {edges:>7} {100 * hit / edges:>7.1f}%{'' if hit >= 0.9 * edges else '  below 90 %'}")
        for line in sorted({place[0] for place in never}):
            left.append((reason_of(reasons, used, name, source.line(line)), name, line, source.line(line)))
    print(f"{'all':<48} {total:>7} {100 * reached / total:>7.1f}%")
    print(f"\nlines where an edge was never taken: {len(left)}, without a reason: "
          f"{sum(not entry[0] for entry in left)}")
    if page:
        write_page(page, candidates, files, left)
    last = None
    for reason, name, line, text in sorted(left):
        if reason != last:
            print(f"\n{reason or 'WITHOUT A REASON'}")
            last = reason
        print(f"  {name}:{line}: {text}")
    for number, (files, text, _) in enumerate(reasons):
        if number not in used:
            print(f"\nno line needs the reason for {files} | {text}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
