"""The report page by keyboard only: real key presses in headless Chromium, through its debugging pipe (messages of JSON on
descriptors 3 and 4, each ended by a zero byte). Tab goes to the filter, Enter opens it, Space leaves a candidate out, an
arrow picks a workload, and Enter opens the data behind a figure. page_keys.py PAGE"""

import json
import os
import pathlib
import subprocess
import sys

WORK = pathlib.Path(os.environ["WORK"])
TABS_MOST = 400
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "Space": (32, " "), "ArrowDown": (40, "")}
ROWS = "Number(document.getElementById('table-lead').textContent.replace(/,/g, '').match(/^\\d+/)[0])"


class Browser:
    """One page in a browser of its own."""

    def __init__(self, page):
        to_read, self.to = os.pipe()
        self.answers, to_write = os.pipe()
        held = [os.dup(end) for end in (to_read, to_write)]  # neither may be 3 or 4 when those are set

        def hand_over():
            os.dup2(held[0], 3)
            os.dup2(held[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe", f"--user-data-dir={WORK}/keys",
             "--window-size=1280,900", *(["--no-sandbox"] if os.getuid() == 0 else []), "about:blank"],
            preexec_fn=hand_over, close_fds=False, stderr=subprocess.DEVNULL)
        for end in (to_read, to_write, *held):
            os.close(end)
        self.rest = b""
        self.number = 0
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Page.navigate", url=page.as_uri())
        while self.message().get("method") != "Page.loadEventFired":
            pass
        self.call("Page.bringToFront")

    def message(self):
        while b"\0" not in self.rest:
            chunk = os.read(self.answers, 1 << 16)
            if not chunk:
                raise SystemExit("the browser has ended")
            self.rest += chunk
        one, self.rest = self.rest.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def press(self, key):
        code, words = KEYS[key]
        name = " " if key == "Space" else key
        self.call("Input.dispatchKeyEvent", type="keyDown" if words else "rawKeyDown", key=name, code=key,
                  windowsVirtualKeyCode=code, **({"text": words} if words else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=key, windowsVirtualKeyCode=code)
        if key != "Tab":  # what a press changes is there after the next frame; the focus is at once
            self.value("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(0), 0)))")

    def tab_to(self, selector):
        for _ in range(TABS_MOST):
            self.press("Tab")
            if self.value(f"document.activeElement.matches({json.dumps(selector)})"):
                return
        raise SystemExit(f"{TABS_MOST} presses of Tab did not come to {selector}")


def expect(truth, *words):
    if not truth:
        raise SystemExit("FAILED: by keyboard: " + " ".join(str(word) for word in words))


def walk(browser):
    is_open = "document.getElementById('filter').open"
    browser.tab_to("#filter > summary")
    was_open = browser.value(is_open)
    browser.press("Enter")
    expect(browser.value(is_open) is not was_open, "Enter does nothing on the filter")
    if was_open:
        browser.press("Space")
    expect(browser.value(is_open), "the filter does not open")

    everybody = browser.value(ROWS)
    browser.tab_to("#filter-candidates input:checked")
    browser.press("Space")
    expect(browser.value("!document.activeElement.checked"), "Space does not leave a candidate out")
    expect(browser.value(ROWS) < everybody, "rows are as many without a candidate:", everybody)
    browser.press("Space")
    expect(browser.value(ROWS) == everybody, "the candidate is not back")

    browser.tab_to("#filter-workload")
    browser.press("ArrowDown")
    workload = browser.value("document.getElementById('filter-workload').value")
    shown = browser.value("[...new Set([...document.querySelectorAll('#table-body tr')].map((row) => row.children[1].textContent))]")
    expect(workload and len(shown) == 1, "an arrow picks no workload:", workload, shown)

    browser.tab_to("article.figure details.data > summary")
    data = "document.activeElement.parentElement"
    expect(browser.value(f"{data}.querySelector('table') === null"), "the data is there unasked")
    browser.press("Enter")
    expect(browser.value(f"{data}.open && {data}.querySelectorAll('tbody tr').length > 0"), "Enter opens no data behind a figure")
    browser.press("Tab")
    expect(browser.value("document.activeElement.matches('details.data .table-box')"), "Tab does not go on to the data's table")


def main():
    browser = Browser(pathlib.Path(sys.argv[1]))
    try:
        walk(browser)
    finally:
        browser.process.kill()
        browser.process.wait()
    print("by keyboard: filter, candidate, workload, data")


main()
