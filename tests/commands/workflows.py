"""workflows.py FILE...: reads workflow files and prints what they run, a JSON object a file: {"file", "uses", "run", ...}.

The reader knows the part of YAML that such files need (maps, lists, plain and quoted words, one-line lists) and refuses
the rest, so that no package is needed; where PyYAML is installed, both must read the same. Exit code 1: one line says
which file and line is none of these, or what a workflow lacks.
"""
import json
import re
import sys

KEY = re.compile(r"^([A-Za-z_][\w-]*):(?: +(.*))?$")


class Wrong(Exception):
    pass


def scalar(text):
    text = text.strip()
    if text.startswith("["):
        if not text.endswith("]"):
            raise Wrong("a list on one line expected: " + text)
        return [scalar(part) for part in text[1:-1].split(",")]
    if text[0] in "'\"":
        if len(text) < 2 or text[-1] != text[0] or text[0] in text[1:-1]:
            raise Wrong("a quoted word expected: " + text)
        return text[1:-1]
    if text[0] in "|>&*!%@`{}" or re.search(r": |:$| #", text):
        raise Wrong("a word in quotes expected: " + text)
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"[0-9]+", text) else text


def block(lines, at, indent):
    """The map or list that starts at lines[at], and where it ends."""
    is_list = lines[at][1].startswith("- ")
    result = [] if is_list else {}
    while at < len(lines) and lines[at][0] == indent and lines[at][1].startswith("- ") == is_list:
        number, text = lines[at][2], lines[at][1]
        try:
            if is_list:
                inner = text[2:].lstrip()
                if KEY.match(inner):
                    lines[at] = (indent + len(text) - len(inner), inner, number)
                    value, at = block(lines, at, lines[at][0])
                else:
                    value, at = scalar(inner), at + 1
                result.append(value)
                continue
            match = KEY.match(text)
            if not match or match[1] in result:
                raise Wrong("a key that is not there yet expected: " + text)
            at += 1
            if match[2]:
                value = scalar(match[2])
            elif at < len(lines) and lines[at][0] > indent:
                value, at = block(lines, at, lines[at][0])
            else:
                value = None
            result[match[1]] = value
        except Wrong as wrong:
            raise Wrong(str(wrong) if str(wrong).startswith("line") else f"line {number}: {wrong}") from None
    if at < len(lines) and lines[at][0] > indent:
        raise Wrong(f"line {lines[at][2]}: less indentation expected")
    return result, at


def read(path):
    lines = []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        text = line.rstrip("\n")
        if text.strip() and not text.lstrip().startswith("#"):
            if "\t" in text or text != text.rstrip():
                raise Wrong(f"line {number}: no tab and no space at the end expected")
            lines.append((len(text) - len(text.lstrip()), text.strip(), number))
    result, at = block(lines, 0, 0)
    if at != len(lines):
        raise Wrong(f"line {lines[at][2]}: indentation of an earlier line expected")
    return result


def same_as_pyyaml(path, result):
    try:
        import yaml
    except ImportError:
        return
    theirs = yaml.safe_load(open(path, encoding="utf-8"))
    if True in theirs:  # YAML 1.1 reads the key `on` as true
        theirs["on"] = theirs.pop(True)
    if theirs != result:
        raise Wrong("PyYAML reads something else")


def steps_of(workflow):
    if not workflow.get("name") or not workflow.get("on") or not workflow.get("jobs"):
        raise Wrong("name, on and jobs expected")
    for name, job in workflow["jobs"].items():
        if not job.get("runs-on") or not job.get("steps"):
            raise Wrong(f"job {name}: runs-on and steps expected")
        for need in [job["needs"]] if "needs" in job else []:
            if need not in workflow["jobs"]:
                raise Wrong(f"job {name} needs {need}, which is none")
        for step in job["steps"]:
            if ("uses" in step) == ("run" in step):
                raise Wrong(f"job {name}: a step that either uses or runs expected")
            yield job, step


def main():
    for path in sys.argv[1:]:
        try:
            workflow = read(path)
            same_as_pyyaml(path, workflow)
            found = {"file": path, "uses": [], "run": [], "modes": [], "candidates": [], "kept": []}
            for job, step in steps_of(workflow):
                for kind in ("uses", "run"):
                    if kind in step:
                        found[kind].append(step[kind])
                found["modes"] += [step["with"]["mode"]] if "mode" in step.get("with", {}) else []
                if step.get("uses", "").startswith("actions/upload-artifact@"):
                    found["kept"].append(step["with"]["path"])
                if step.get("uses", "").startswith("actions/cache/save@") and step.get("if") != "always()":
                    raise Wrong("a cache that is saved always expected: after a finding, too")
                matrix = job.get("strategy", {}).get("matrix", {})
                found["candidates"] += [name for name in matrix.get("candidate", []) if name not in found["candidates"]]
            print(json.dumps(found))
        except Wrong as wrong:
            print(f"{path}: {wrong}", file=sys.stderr)
            sys.exit(1)


main()
