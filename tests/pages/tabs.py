"""One page in a browser: what it complained of, how one moves in it, what axe finds."""

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# Each page in each kind of window; the suite looks at two, which have both sizes and both schemes.
every_window = pytest.mark.parametrize(
    ("size", "scheme"),
    [
        pytest.param(WIDE, "light", id="wide-light"),
        pytest.param(NARROW, "dark", id="narrow-dark"),
        pytest.param(WIDE, "dark", id="wide-dark", marks=pytest.mark.soak),
        pytest.param(NARROW, "light", id="narrow-light", marks=pytest.mark.soak),
    ],
)
TIMEOUT_MS = 15_000
VIOLATIONS = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
SERIOUS = {"serious", "critical"}
_axe = Axe()


class Tab:
    """One page in a browser of its own; `wrong` is what it complained of."""

    def __init__(self, browser, server, *, session=None, size=WIDE, script=True, scheme="light"):
        self.server, self.noise = server, []
        self.context = browser.new_context(
            viewport=size, java_script_enabled=script, color_scheme=scheme
        )
        if session is not None:
            token = server.people.sessions[session]
            self.context.add_cookies([{"name": "dango_session", "value": token, "url": server.url}])
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page, self.script = self.context.new_page(), script
        if script:
            self.page.add_init_script(VIOLATIONS)
        self.page.on("console", lambda message: self.noise.append(message.text))
        self.page.on("pageerror", lambda error: self.noise.append(str(error)))
        self.page.on("request", self._asked)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def _asked(self, request):
        if not request.url.startswith((self.server.url, "data:", "blob:")):
            self.noise.append(f"asked for {request.url}")

    def go(self, path):
        self.page.goto(f"{self.server.url}{path}")
        return self.page

    @property
    def wrong(self):
        violations = self.page.evaluate("window.violations") if self.script else []
        return [*self.noise, *violations]

    def picture(self, name):
        if folder := os.environ.get("DANGO_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def text_of(page, selector):
    return page.locator(selector).inner_text()


def pressed(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def reached(page, what, most=60):
    """Go on with Tab until the focus is on this."""
    for _ in range(most):
        if page.evaluate("what => document.activeElement.matches(what)", what):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{what} is not reached by Tab")


def typed(page, text):
    """Type into the field that the page offers; it gets the focus with the first picture only."""
    page.locator("input:focus").wait_for()
    page.keyboard.type(text)


def unfit(page, *rules):
    """What axe finds that keeps people from using the page; it looks for all, or by these rules."""
    options = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe.axe_script)
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


def misfits(tab, name, path=None):
    """What is wrong with a page: wide and light, then narrow and dark, where colours differ."""
    page, found = tab.page if path is None else tab.go(path), []
    for size, scheme, rules in ((WIDE, "light", ()), (NARROW, "dark", ("color-contrast",))):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        width = page.evaluate("document.documentElement.scrollWidth")
        found += [] if width == size["width"] else [f"{width} wide"]
        found += unfit(page, *rules)
        tab.picture(f"{name}-{scheme}-{size['width']}")
    found += tab.wrong
    tab.noise.clear()
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    return [f"{name}: {each}" for each in found]
