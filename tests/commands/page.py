"""The report page as a reader meets it, in headless Chromium: no mistake on the console, no sideways scrolling on a
phone, filters that work, hostile names that stay text, what is missing said so, and ten thousand rows in time."""

import copy
import html
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(os.environ["SOURCE"])
WORK = pathlib.Path(os.environ["WORK"])
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e`${1}`"
PROBE = (SOURCE / "tests/commands/page.js").read_text()
WATCH = """window.mistakes = []; window.alert = (words) => mistakes.push("alert " + words);
addEventListener("error", (event) => mistakes.push("error " + event.message), true);
addEventListener("unhandledrejection", (event) => mistakes.push("rejected " + event.reason));
addEventListener("securitypolicyviolation", (event) => mistakes.push("policy " + event.violatedDirective));"""
FAILED = []


def expect(truth, *words):
    if not truth:
        FAILED.append(words)
        print("FAILED:", *words)


def report(result, page, root):
    """Makes the page in the folder `root`; the seconds of CPU that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([os.environ["PAGELAB"], "report", str(result), "--html", str(page)], check=True, cwd=root,
                   env={**os.environ, "PAGELAB_ROOT": str(root)})
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def probed(page, name):
    """A copy of the page that watches itself and says at the end what it saw."""
    text = page.read_text().replace("<head>", '<head><script nonce="page">' + WATCH + "</script>", 1)
    text = re.sub("<title>.*?</title>", f"<title>{name}</title>", text, count=1)
    at = text.rindex("</body>")
    copied = WORK / f"{name}.probed.html"
    copied.write_text(text[:at] + '<script nonce="page">' + PROBE + "</script>" + text[at:])
    return copied.name


def browse(frames):
    """One browser that likes the dark, a frame for each (name, page, width). Their answers, by name."""
    outer = WORK / "outer.html"
    outer.write_text("<!doctype html><body><script>let left = %d; addEventListener('message', (event) => {"
                     "const box = document.createElement('pre'); box.textContent = 'ANSWER' + JSON.stringify(event.data) + 'ANSWER';"
                     "document.body.append(box); left--; });</script>" % len(frames) +
                     "".join(f'<iframe src="{probed(page, name)}" width="{width}" height="700" style="border:0"></iframe>'
                             for name, page, width in frames))
    done = subprocess.run(
        ["chromium", "--headless", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--hide-scrollbars",
         f"--user-data-dir={WORK}/profile", "--window-size=1400,2200", "--blink-settings=preferredColorScheme=0",
         "--disable-dev-shm-usage",  # a container's is small
         "--virtual-time-budget=30000", *(["--no-sandbox"] if os.getuid() == 0 else []), "--dump-dom", outer.as_uri()],
        # Where nobody may raise a priority, its pages stay below whatever else the machine does.
        capture_output=True, text=True, timeout=500)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    expect(not console, "console:", console[:3])
    found = [json.loads(html.unescape(one)) for one in re.findall("<pre>ANSWER(.*?)ANSWER</pre>", done.stdout, re.S)]
    answers = {one["name"]: one["answer"] for one in found}
    for name, _, _ in frames:
        expect(name in answers, name, "no answer:", done.stderr[-500:])
        expect("died" not in answers.get(name, {}), name, answers.get(name, {}).get("died"))
    return {name: answer for name, answer in answers.items() if "died" not in answer}


def expect_sound(answer, what, width):
    expect(answer["width"] == width, what, "window of", answer["width"])
    expect(max(answer["overflow"]) <= 0, what, "wider than the window by", answer["overflow"])
    expect(answer["mistakes"] == [], what, answer["mistakes"])
    for key in ("images", "unnamed", "boxes_without_focus", "without_reason"):
        expect(answer[key] == 0, what, key, answer[key])
    expect(answer["scripts"] == 5, what, "scripts", answer["scripts"])
    expect(answer["figures_without_data"] == [], what, answer["figures_without_data"])
    expect(answer["commands"] == answer["drawn"] > 0, what, "rows, and commands to copy:", answer["drawn"], answer["commands"])
    expect(answer["decision_is_first"], what, "sections:", answer["sections"])


def expect_filters(answer, what):
    expect(answer["nobody"] == 0, what, "rows of nobody", answer["nobody"])
    expect(answer["everybody"] == answer["rows"] >= answer["drawn"] > 0, what, "rows", answer["rows"], answer["everybody"])
    expect(len(answer["one_workload"]) == 1, what, "one workload:", answer["one_workload"])
    filtered = answer.get("filtered")
    expect(filtered and not filtered["table"] and not filtered["conformance"] and filtered["rows"] < answer["rows"] == filtered["back"], what, filtered)
    expect(answer["sorted"] == "ascending", what, "sorted", answer["sorted"])
    expect(answer["print"]["closed"] == 0 and answer["print"]["rows"] == answer["rows"], what, answer["print"])


def hostile_root():
    """A reference folder in which every name and word is hostile, and some files have another shape."""
    root = WORK / "hostile"
    folder = root / "results/reference"
    folder.mkdir(parents=True)
    shutil.copytree(SOURCE / "profiles", root / "profiles")
    scale = {"context": {"date": HOSTILE, "pagelab": {"commit": HOSTILE, "cpu_model": HOSTILE}},
             "memory": [{"candidate": HOSTILE, "frames": n, "memory_bytes": n, "init_ms": n, "status": HOSTILE, "reason": HOSTILE} for n in (1, 8)],
             "growth": [{"candidate": HOSTILE, "init": {"exponent": 1, "points": 2}}],
             "cpus": [{"candidate": HOSTILE, "cpus": 2, "repeat": {"locked_per_call": 1}, "reason": HOSTILE}]}
    found = [{"name": HOSTILE, "count": 1}]
    documents = {
        "scale.json": scale,
        "conformance.doc.json": {HOSTILE: {HOSTILE: HOSTILE}, "F-1": {HOSTILE: "n/a (" + HOSTILE + ")"}},
        "conformance.real.json": {"F-1": {HOSTILE: HOSTILE}},
        "claims.json": [{"candidate": HOSTILE, "capability": HOSTILE, "state": HOSTILE, "by": [HOSTILE], "seen": HOSTILE}],
        "nosleep.json": {"rows": [{"candidate": HOSTILE, "scenario": HOSTILE, "status": HOSTILE, "verdict": HOSTILE, "found": found}]},
        "interrupts.json": [{"candidate": HOSTILE, "irq": {"verdict": HOSTILE, "at": HOSTILE}, "nmi": 3}],
        "masked.json": [{"candidate": HOSTILE, "worst_instructions": 3, "masked_in": HOSTILE, "operation": HOSTILE, "note": HOSTILE}],
        "worst.call.json": json.loads((SOURCE / "tests/data/report/hostile.json").read_text()),
        "interrupts.points.json": [{"candidate": HOSTILE, "irq": {"verdict": HOSTILE, "at": HOSTILE}, "nmi": 3}],
        "evidence.json": [{"file": "masked.json", "date": HOSTILE, "commit": HOSTILE, "machine": HOSTILE}],
        "score.json": {"of": "another shape"},  # which decides nothing: choose refuses those that do
        "cost.json": {"cost": [{"candidate": HOSTILE, "workload": HOSTILE, "instructions": 3, "command": HOSTILE}]},
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document))
    return root


def page_data(page):
    """What the page's scripts read."""
    return json.loads(re.search('id="data">(.*?)</script>', page.read_text(), re.S).group(1))


def expect_own_checks():
    """A check beside the result, and a user's folder that has other profiles: the page decides as `choose --from` does."""
    folder = WORK / "here/results/mine"
    folder.mkdir(parents=True)
    (WORK / "here/profiles").mkdir()
    shutil.copy(SOURCE / "results/reference/result.json", folder)
    (folder / "conformance.json").write_text('{"F-1": {"slate": "broken", "bitmap": "holds"}}')
    (folder / "score.json").write_text(json.dumps(
        [{"mutant": HOSTILE, "by": HOSTILE, "detected": True, "seconds": 1, "tsan": True, "tsan_by": HOSTILE}]))
    page = WORK / "mine.html"
    env = {**os.environ, "PAGELAB_ROOT": str(SOURCE)}
    subprocess.run([os.environ["PAGELAB"], "report", "results/mine/result.json", "--html", str(page)], check=True,
                   cwd=WORK / "here", env=env)
    chosen = subprocess.run([os.environ["PAGELAB"], "choose", "--from", "results/mine", "--format", "json", "--profile",
                             "rtos,hypervisor,server,teaching"], check=True, capture_output=True, cwd=WORK / "here", env=env)
    words = chosen.stdout.decode().replace("results/mine/", "")
    expect(page_data(page)["decision"].get("profiles") == json.loads(words)["profiles"], "page and choose do not decide the same")
    expect("breaks promise F-1" in words, "choose does not read the run's own check")
    own = page_data(page)["evidence"]["conformance_doc"]
    expect(own.get("own") is True and own["document"]["F-1"]["slate"] == "broken", "the run's own check is not on the page")
    return page


def many_rows():
    """The reference once more, with so many candidates of other names that it has 10,000 rows."""
    result = json.loads((SOURCE / "results/reference/result.json").read_text())
    seed = [row for row in result["benchmarks"] if row["workload"] in ("repeat", "bulk", "replace", "remote") and row["candidate"] != "null"]
    names = 0
    while len(result["benchmarks"]) < 10000:
        names += 1
        for row in seed[:10000 - len(result["benchmarks"])]:
            row = copy.copy(row)
            candidate = f"{row['candidate']}-{names}"
            for key in ("name", "run_name"):
                row[key] = row[key].replace("/" + row["candidate"] + "/", "/" + candidate + "/")
            row["candidate"] = candidate
            result["benchmarks"].append(row)
    (WORK / "many.json").write_text(json.dumps(result))
    return WORK / "many.json"


def main():
    quick = WORK / "quick.html"
    report(SOURCE / "results/reference/result.json", quick, SOURCE)
    expect(quick.stat().st_size < 2_000_000, "the page of a quick run has", quick.stat().st_size, "bytes")
    hostile = WORK / "hostile.html"
    report(SOURCE / "tests/data/report/hostile.json", hostile, hostile_root())
    alone = WORK / "alone.html"
    (WORK / "alone").mkdir()
    report(SOURCE / "tests/data/report/hostile.json", alone, WORK / "alone")
    mine = expect_own_checks()
    seconds = report(many_rows(), WORK / "many.html", SOURCE)
    expect(seconds < 2, "10,000 rows took", seconds, "seconds of CPU")
    print(f"page of a quick run: {quick.stat().st_size} bytes; 10,000 rows: {seconds:.2f} s")

    frames = [("phone", quick, 360), ("desk", quick, 1280), ("hostile", hostile, 360), ("alone", alone, 360),
              ("mine", mine, 360)]
    answers = browse(frames)
    for name, _, width in frames:
        if name in answers:
            expect_sound(answers[name], name, width)
            if name != "desk":
                expect_filters(answers[name], name)
    if len(answers) < len(frames):
        return 1
    phone, names, without, own = (answers[name] for name in ("phone", "hostile", "alone", "mine"))
    expect(any(words.startswith("Beside this run: conformance.json") for words in own["sources"]), "own:", own["sources"])
    expect("breaks promise F-1" in own["decision"], "own: the decision does not say what is broken")
    checks = [words for words in phone["checks"] if "masked.json" in words]
    expect(checks and all("2026-" in words and "Xeon" in words for words in checks), "checks without origin:", phone["checks"])
    expect(phone["decision_cut"] == 0, "boxes of the decision with a scroll of their own:", phone["decision_cut"])
    expect("usable at order 9" in phone["decision"], "no usable memory in the decision")
    worst = phone["worst_calls"]
    expect(worst and len(set(worst)) == len(worst), "a worst call is there twice:", worst)
    expect(all(any(word in words for words in phone["sources"]) for word in ("masked.json", "worst.call.json", "interrupts.points.json")),
           "checks that decide are on no section:", phone["sources"])
    expect("conformance" in phone["sections"] and "bitmap" in phone["conformance"], "no matrix of promises")
    expect(any("scale.json, 2026-" in words for words in phone["sources"]), "sources", phone["sources"])
    expect("rtos" in phone["decision"] and phone.get("shown_row") == "TR", "the decision:", phone.get("shown_row"), phone["decision"][:200])
    expect(phone["theme"] != phone["print"]["theme"], "paper is as dark as the screen:", phone["theme"])
    expect(any(HOSTILE in name for name in names["conformance"]), "hostile: the name is not shown as text")
    expect("rtos" in names["decision"] and "</script><script>alert(1)" in names["decision"], "hostile: no decision of that name:", names["decision"][:200])
    expect("What the reference decides" not in names["decision"], "hostile: there is no stored result")
    expect(any("another shape" in words for words in names["missing"]), "hostile: the wrong shape is not said")
    expect(sum("./pagelab " in words for words in without["missing"]) >= 8, "alone: missing with its command", without["missing"])
    return 1 if FAILED else 0


sys.exit(main())
