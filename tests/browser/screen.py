"""A browser on the console: Debian's chromium, without a window, driven by its own driver."""
import contextlib
import json
import os
import pathlib
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

SIZES = {"wall": (1920, 1080), "phone": (390, 844)}
SHOTS = pathlib.Path(os.environ.get("GRIDD_SHOTS", "build/screenshots"))


class Screen:
    """One browser with one page. Closes its own processes at the end of a `with` block."""

    def __init__(self, size=SIZES["wall"]):
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars",
                     "--mute-audio", "--disable-background-networking", "--disable-component-update", "--no-first-run",
                     "--js-flags=--expose-gc", "--enable-precise-memory-info", "--disable-extensions",
                     f"--window-size={size[0]},{size[1]}", "--lang=en"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(120)
        self.theme, self.language = "dark", "en"
        self.resize(size)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.driver.quit()

    def resize(self, size):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600})

    def open(self, server, fragment="", tokens=False):
        """The console at a fragment; waits until its feed is live unless it asks for a token."""
        self.address = f"http://127.0.0.1:{server.port}/"
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": "gridd-test", "acceptLanguage": self.language})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": self.theme}]})
        self.driver.get(self.address + fragment)
        if not tokens:
            self.until(lambda: self.state() == "live", "the feed is not live")

    def go(self, fragment):
        self.js("location.hash = arguments[0]", fragment)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait_js(self, script, *arguments):
        """A script that gets a callback as its last argument."""
        return self.driver.execute_async_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, seconds=20):
        return self.until(lambda: next(iter(self.all(selector)), None), f"there is no {selector}", seconds)

    def text(self, selector, seconds=20):
        return self.until(lambda: self.js("return document.querySelector(arguments[0])?.textContent", selector), f"no text in {selector}", seconds)

    def click(self, selector, seconds=20):
        def attempt():
            try:
                for element in self.all(selector):
                    if element.is_displayed() and element.is_enabled():
                        element.click()
                        return True
            except (StaleElementReferenceException, WebDriverException):
                return False
            return False
        self.until(attempt, f"{selector} cannot be clicked", seconds)

    def fill(self, selector, text):
        element = self.one(selector)
        element.clear()
        element.send_keys(text)

    def choose(self, selector, value):
        self.js("const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', {bubbles: true}))",
                selector, value)
        assert self.js("return document.querySelector(arguments[0]).value", selector) == value

    def until(self, condition, complaint, seconds=20):
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(StaleElementReferenceException):
                if value := condition():
                    return value
            assert time.monotonic() < end, complaint
            time.sleep(0.03)

    def state(self):
        return self.js("return document.querySelector('.feed-state')?.dataset.state")

    def settled(self, quiet_ms=250):
        """Waits until nothing on the page has changed for a while, the ticking of ages aside."""
        self.wait_js("""
            const [quiet, done] = arguments;
            let timer = setTimeout(finish, quiet);
            const limit = setTimeout(finish, 4000), view = document.querySelector('#view');
            const observer = new MutationObserver(() => {
                clearTimeout(timer);
                timer = setTimeout(finish, quiet);
            });
            observer.observe(view, {childList: true, subtree: true});
            function finish() {
                clearTimeout(limit);
                observer.disconnect();
                done();
            }""", quiet_ms)

    def counters(self):
        """What the feed counted: events, doubled, gaps, cuts, seq."""
        data = self.js("return {...document.querySelector('.feed-state').dataset}")
        return {key: int(data[key]) for key in ("seq", "events", "doubled", "gaps", "cuts")}

    def alert_keys(self):
        """Every alert of the wall, also those out of sight, from the list's own rows while it scrolls."""
        return self.wait_js("""
            const done = arguments[0], list = document.querySelector('.wall-list .vlist'), keys = [];
            const seen = new Map();
            const step = () => {
                for (const row of list.querySelectorAll('.vlist-row:not([hidden])')) {
                    seen.set(Number(row.getAttribute('aria-posinset')), row.dataset.key);
                }
                if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) {
                    list.scrollTop = 0;
                    done([...seen].sort((a, b) => a[0] - b[0]).map((pair) => pair[1]));
                    return;
                }
                list.scrollTop += list.clientHeight;
                requestAnimationFrame(() => requestAnimationFrame(step));
            };
            list.scrollTop = 0;
            requestAnimationFrame(() => requestAnimationFrame(step));""")

    def shot(self, name):
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.driver.save_screenshot(str(path))
        return path

    def resident_mib(self):
        """Memory of all of the browser's processes: pages, shared workers and the rest."""
        parents, sizes = {}, {}
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rsplit(")", 1)[1].split()
                parents[int(path.parent.name)], sizes[int(path.parent.name)] = int(fields[1]), int(fields[21])
        own, waiting = set(), [self.driver.service.process.pid]
        while waiting:
            own.add(parent := waiting.pop())
            waiting += [child for child, of in parents.items() if of == parent and child not in own]
        return sum(sizes.get(one, 0) for one in own) * os.sysconf("SC_PAGE_SIZE") >> 20

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def hosts(self):
        """Hosts that anything was asked of since the last call."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if url.startswith(("http:", "https:", "ws:", "wss:")):
                    found.add(url.split("/")[2])
        return found
