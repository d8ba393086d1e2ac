"""The page for people at the metrics address: what it shows, in a real browser, on a desk and on a phone."""
import json
import os
import re
import shutil
import subprocess
import urllib.request

import pytest

from support.catalog import http_check, instance
from support.door import ROOT
from support.wait import patient, wait_until

pytestmark = pytest.mark.ci


def page_of(door):
    return door.ask_metrics("/", fields={"Accept": "text/html,*/*"})


def test_a_browser_gets_a_page_that_fetches_nothing_from_elsewhere(make_door, make_backend):
    door = make_door()
    page = page_of(door)
    assert page.status == 200 and page.get("Content-Type").startswith("text/html")
    assert not re.search(r"(src|href)\s*=\s*\"(?!data:)", page.text) and "default-src 'none'" in page.text
    assert "innerHTML" not in page.text and "document.write" not in page.text
    assert page.text.count("http://") + page.text.count("https://") == 0
    assert "/status.json" in door.ask_metrics("/").text


def test_what_it_shows_is_told_as_json(make_door, make_backend, authority):
    backend = make_backend()
    door = make_door(start=False, tls=True)
    authority.issue("web.test").write(door.certificates, "web")
    door.catalog.put("web", instance("web", backend, "route=web.test"))
    door.start()
    for _ in range(10):
        door.ask(host="web.test")
    status = json.loads(door.ask_metrics("/status.json").text)
    web = next(each for each in status["services"] if each["name"] == "web")
    assert len(web["latency"]["counts"]) == len(web["latency"]["bounds_ms"]) + 1
    assert status["certificates"][0]["days_left"] > 0
    assert status["recent"] and {"time_ms", "what", "text", "by"} <= set(status["recent"][0])
    assert door.ask_metrics("/status.json", method="POST").status == 405


class Browser:
    """A chromium that is driven by WebDriver, without a library."""

    def __init__(self, folder):
        self.port = 9515 + os.getpid() % 1000
        self.log = open(os.path.join(folder, "driver.log"), "w")
        self.process = subprocess.Popen(["chromedriver", f"--port={self.port}"], stdout=self.log, stderr=self.log,
                                        env={**os.environ, "HOME": str(folder)})
        self.session = None
        self.folder = folder

    def call(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=patient(60)) as answer:
            return json.loads(answer.read())["value"]

    def start(self, width, height):
        def is_up():
            try:
                return self.call("GET", "/status")["ready"]
            except OSError:
                return False
        wait_until(is_up, "chromedriver", 30)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync",
                 f"--user-data-dir={self.folder}/profile", f"--window-size={width},{height}"]
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": flags}}}}
        self.session = self.call("POST", "/session", wanted)["sessionId"]

    def go(self, url):
        self.call("POST", f"/session/{self.session}/url", {"url": url})

    def run(self, script):
        return self.call("POST", f"/session/{self.session}/execute/sync", {"script": script, "args": []})

    def stop(self):
        try:
            if self.session:
                self.call("DELETE", f"/session/{self.session}")
        finally:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.log.close()


@pytest.fixture
def browser(tmp_path):
    if shutil.which("chromedriver") is None or shutil.which("chromium") is None:
        pytest.skip("chromium is not installed")
    made = Browser(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize("width, height", [(1300, 900), (500, 800)])
def test_it_is_live_in_a_browser(make_door, make_backend, browser, width, height):
    backend, sick = make_backend(), make_backend()
    sick.handler = lambda exchange: exchange.answer(status=500)
    door = make_door(start=False)
    name = "web<img src=x onerror=document.title='owned'>"
    door.catalog.put("web", instance("web", backend, "route=web.test", checks=[http_check(backend, path="/")]),
                     instance("web", sick, "route=web.test", checks=[http_check(sick, path="/")], id=name))
    door.start()
    browser.start(width, height)
    browser.go("http://%s:%d/" % door.metrics_address)

    def text():
        return browser.run("return document.body.innerText")

    wait_until(lambda: "1 of 2 serve" in text(), text, 20)
    shown = text()
    assert "web.test/" in shown and "ready" in shown and "500" in shown, shown
    assert name in shown and browser.run("return document.title") == "door – gatehouse"
    for _ in range(30):
        door.ask(host="web.test")
    wait_until(lambda: re.search(r"p95 [\d.>]+ ms", text()), text, 20)
    door.do("maintenance", "web", "on")
    wait_until(lambda: "maintenance web on" in text(), text, 20)
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth + 1")
    door.stop()
    wait_until(lambda: "No answer from the door" in text(), text, 20)


# -- what packaging/ has --------------------------------------------------------------------------------------------


def test_the_alert_rules_are_good_and_fire(make_door):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    folder = os.path.join(ROOT, "packaging", "prometheus")
    for command in (["check", "rules", "gatehouse.rules.yml"], ["test", "rules", "gatehouse.rules.test.yml"]):
        done = subprocess.run(["promtool", *command], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_metrics_are_what_promtool_expects(make_door, make_backend):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    door = make_door(start=False)
    door.catalog.put("web", instance("web", make_backend(), "route=web.test"))
    door.start()
    done = subprocess.run(["promtool", "check", "metrics"], input=door.ask_metrics("/metrics").text, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_dashboard_name_figures_that_there_are():
    with open(os.path.join(ROOT, "docs", "metrics.md")) as file:
        known = set(re.findall(r"gatehouse_\w+", file.read()))
    for path in (("prometheus", "gatehouse.rules.yml"), ("grafana", "gatehouse.json")):
        with open(os.path.join(ROOT, "packaging", *path)) as file:
            text = file.read()
        if path[1].endswith(".json"):
            text = " ".join(target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"])
        named = {re.sub(r"_bucket$", "", name) for name in re.findall(r"gatehouse_\w+", text)}
        assert named <= known, named - known
