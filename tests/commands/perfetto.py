"""Is it what a trace viewer reads, and the schedule that was run? perfetto.py TRACE.json CPUS [unfinished]: prints what is
wrong, a line each, and ends with 1; with `unfinished`, operations without an end and a finding are expected, else none."""
import json
import sys

wrong = []


def expect(true, words):
    if not true:
        wrong.append(words)


def tracks_of(events, cpus):
    names = {e["tid"]: e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    wanted = {2 + 2 * c: f"CPU {c}" for c in range(cpus)} | {3 + 2 * c: f"CPU {c} interrupt" for c in range(cpus)}
    expect(names == wanted, f"tracks {names}, {wanted} expected")
    return names


def check_slices(slices, tid):
    """On a track, slices lie inside one another or apart, in the file's order; so do viewers stack them."""
    open_ends = []
    for e in slices:
        while open_ends and open_ends[-1] <= e["ts"]:
            open_ends.pop()
        end = e["ts"] + e["dur"]
        expect(not open_ends or end <= open_ends[-1], f"track {tid}: slice {e['name']} at {e['ts']} crosses another's end")
        open_ends.append(end)


def main(path, cpus, unfinished):
    document = json.load(open(path, encoding="utf-8"))
    events = document["traceEvents"]
    tracks = tracks_of(events, cpus)
    for e in events:
        expect(e["ph"] in ("M", "X", "i") and e["pid"] == 1, f"unknown event {e}")
        expect(e["ph"] == "M" or e["tid"] in tracks, f"event on no track: {e}")
        expect(e["ph"] == "M" or e["ts"] >= 0, f"event without a time: {e}")
        expect(e["ph"] != "X" or e["dur"] >= 0, f"slice without a length: {e}")
        expect(e["ph"] != "i" or e["s"] in ("t", "g"), f"mark without a scope: {e}")
        expect(all(key in e for key in ("ph", "name", "pid", "tid")), f"event without what each has: {e}")
        expect(e["ph"] != "M" or set(e["args"]) <= {"name", "sort_index"}, f"metadata of another kind: {e}")
        expect(e["tid"] not in (0, 1), f"the track of the idle thread or the process: {e}")
        times = [e[key] for key in ("ts", "dur") if key in e]
        expect(all(isinstance(time, int) for time in times), f"microseconds, one an access, expected: {e}")
    expect(sum(e["name"] == "process_name" for e in events) == 1, "one name of the process expected")
    times = [e.get("ts", -1) for e in events]
    expect(times == sorted(times), f"events not in the order of time: {times}")
    slices = [e for e in events if e["ph"] == "X"]
    for tid in tracks:
        check_slices([e for e in slices if e["tid"] == tid], tid)
    marks = [e["name"] for e in events if e["ph"] == "i"]
    kinds = {e["cat"] for e in slices}
    expect(any(m.startswith("preempted: CPU") for m in marks), f"no preemption among {marks}")
    expect(("unfinished" in kinds) == unfinished, f"slices of the kinds {kinds}")
    expect(any(m.startswith("finding: ") for m in marks) == unfinished, f"findings among {marks}")
    if not unfinished:
        operations = sorted((e["args"]["op"], e["tid"], e["name"]) for e in slices if e["cat"] == "operation")
        expect(operations == [(0, 2, "alloc s0 order=0"), (3, 4, "alloc s1 order=1"), (4, 4, "free s1"), (6, 2, "free s0")],
               f"operations {operations}")
        expect("interrupted" in marks, f"no interrupt among {marks}")
        handlers = [e for e in slices if e["cat"] == "interrupt"]
        expect([e["tid"] for e in handlers] == [3] and handlers[0]["dur"] > 0, f"handlers {handlers}")
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main(sys.argv[1], int(sys.argv[2]), sys.argv[3:] == ["unfinished"]))
