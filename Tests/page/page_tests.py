#!/usr/bin/env python3
"""The page in a real browser, as a user would use it: each function is a promise.

    page_tests.py --url http://127.0.0.1:8484 --axe axe.min.js --shots DIRECTORY [--token T] [NAME...]

Needs chromium, its driver and selenium. Prints a line for each promise; exits with 1 if one is not kept.
"""
import argparse
import json
import os
import sys
import time
import traceback
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

import world

PROMISES = []


def promise(function):
    PROMISES.append(function)
    return function


class Page:
    def __init__(self, arguments):
        self.arguments = arguments
        options = Options()
        for option in ("--headless=new", "--no-sandbox", "--window-size=1280,900", "--disable-dev-shm-usage"):
            options.add_argument(option)
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        # Whatever breaks the content security policy is kept, on every page.
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
            window.violations = [];
            document.addEventListener('securitypolicyviolation', (event) =>
                window.violations.push(event.violatedDirective + ' ' + event.blockedURI));"""})

    def open(self, path="", ready=".row, .empty"):
        self.driver.get(self.arguments.url + "/" + path)
        if ready:
            self.wait(lambda: self.all(ready), f"{ready} on '{path}'")
            self.wait(lambda: len(self.all("#menus select")) > 4, "the menus")
        return self

    def all(self, selector):
        return [one for one in self.driver.find_elements("css selector", selector) if one.is_displayed()]

    def one(self, selector):
        self.wait(lambda: self.all(selector), selector)
        return self.all(selector)[0]

    def text(self, selector):
        return self.one(selector).text

    def wait(self, is_so, what, limit=60.0):
        end = time.monotonic() + limit
        while True:
            try:
                found = is_so()
                if found:
                    return found
            except Exception as error:  # an element that was replaced while it was looked at
                found = error
            if time.monotonic() > end:
                raise AssertionError(f"still not so: {what} ({found})")
            self.driver.execute_async_script("requestAnimationFrame(() => arguments[0]())")

    def ask(self, query):
        box = self.one("#query")
        box.clear()
        box.send_keys(query, Keys.ESCAPE, Keys.ENTER)
        wanted = urllib.parse.urlencode({"filter": query}) if query else ""
        self.wait(lambda: wanted in self.driver.current_url, f"{query} in the URL")
        self.settled()

    def settled(self):
        text = "return document.getElementById(arguments[0]).textContent"
        def is_settled():
            said = self.driver.execute_script(text, "count")
            return said and not said.endswith("…") or self.all(".empty")

        self.wait(is_settled, "an answer")

    def rows(self):
        return [row.find_element("css selector", ".what").text for row in self.all(".row")]

    def shot(self, name):
        os.makedirs(self.arguments.shots, exist_ok=True)
        self.driver.save_screenshot(os.path.join(self.arguments.shots, name + ".png"))

    def expect_calm(self):
        """No error in the console, nothing that the policy forbids, no request to anybody else."""
        violations = self.driver.execute_script("return window.violations")
        assert not violations, violations
        errors = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]
        errors = [text for text in errors if "400 (Bad Request)" not in text and "401 (Unauthorized)" not in text]
        assert not errors, errors
        own = self.arguments.url
        others = self.driver.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)")
        assert all(name.startswith(own) or name.startswith("data:") for name in others), others

    def expect_accessible(self, where):
        with open(self.arguments.axe) as script:
            self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": script.read()})
        found = self.driver.execute_async_script("""
            const done = arguments[0];
            axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(done, (error) => done({ error: String(error) }));""")
        assert "error" not in found, found
        serious = [(one["id"], [node["html"][:160] for node in one["nodes"][:3]], one["nodes"][0].get("failureSummary"))
                   for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert not serious, (where, serious)


@promise
def every_kind_of_row_reads_as_a_sentence_grouped_by_day_newest_first(page):
    page.open()
    page.shot("list-light")
    rows = page.rows()
    for sentence in (
            "bob established a tunnel to alice's dev workspace", "SSH session to alice's dev workspace (agent main)",
            "alice opened terminal in their dev workspace", "bob unsuccessfully attempted to open code-server in alice's dev workspace",
            "Unauthenticated user was redirected attempting to open code-server in alice's dev workspace",
            "bob accessed port 8080 in alice's dev workspace", "Unknown user was denied a tunnel to alice's dev workspace",
            "VS Code session to alice's dev workspace (agent main) by ≈bob", "Web Terminal session to alice's dev workspace (agent main) by ≈alice"):
        page.ask(sentence_query(sentence))
        assert sentence in page.rows(), (sentence, page.rows())
    page.open()
    assert len(page.all(".day")) >= 1
    first = page.driver.execute_script("return [...document.querySelectorAll('.row')].map((row) => row.dataset.index)")
    assert first[:5] == ["0", "1", "2", "3", "4"], first
    assert rows, "no rows"
    page.expect_calm()


def sentence_query(sentence):
    kinds = {"tunnel": "type:tunnel", "SSH session": "type:ssh", "terminal": "terminal", "code-server": "code-server",
             "port": "type:port_forwarding", "VS Code": "type:vscode", "Web Terminal": "type:reconnecting_pty"}
    return next(query for words, query in kinds.items() if words in sentence)


@promise
def times_durations_codes_and_reasons_are_shown_with_their_meaning(page):
    page.open("?filter=" + urllib.parse.quote(f"connection_id:{world.uuid(501)}"))
    row = page.one(".row")
    assert "→" in row.text and "30 min" in row.text and "signal: killed" in row.text and "137" in row.text, row.text
    assert "ended by signal 9" in row.find_element("css selector", ".badge.bad").get_attribute("title")
    page.ask("status:ongoing type:vscode")
    badge = page.one(".badge[data-since]")
    before = badge.text
    assert before.startswith("open "), before
    page.wait(lambda: page.one(".badge[data-since]").text != before, "the badge ticks")
    page.ask(f"connection_id:{world.uuid(505)}")
    assert "end unknown" in page.text(".row")
    page.ask("type:tunnel code:403")
    assert "403" in page.text(".row .badge.bad")


@promise
def a_mistake_in_the_filter_is_marked_at_its_word(page):
    page.open()
    page.ask("type:ssh code:x dev")
    assert "code" in page.text("#query-error")
    marked = page.driver.execute_script(
        "const box = document.getElementById('query'); return box.value.slice(box.selectionStart, box.selectionEnd)")
    assert marked == "code:x", marked
    page.ask("type:ssh")
    assert not page.one("#query-error").text if page.all("#query-error") else True


@promise
def menus_and_presets_write_the_filter_and_the_url_holds_all_of_it(page):
    page.open()
    page.driver.execute_script("""
        const menu = document.querySelector('select[data-key=type]');
        menu.value = 'ssh'; menu.dispatchEvent(new Event('change'));""")
    page.wait(lambda: "type%3Assh" in page.driver.current_url, "the type in the URL")
    assert page.one("#query").get_attribute("value") == "type:ssh"
    page.driver.execute_script("""
        const menu = document.querySelector('select[data-key=workspace_owner]');
        menu.value = 'alice'; menu.dispatchEvent(new Event('change'));""")
    page.wait(lambda: "workspace_owner%3Aalice" in page.driver.current_url, "the owner in the URL")
    page.settled()
    rows = page.rows()
    page.driver.refresh()
    page.wait(lambda: page.rows() == rows, "the same after loading again")
    page.driver.back()
    page.wait(lambda: page.one("#query").get_attribute("value") == "type:ssh", "back goes back")
    for index, query in ((1, "status:ongoing method:ssh"), (3, "code:400-599")):
        page.driver.execute_script(
            "const menu = document.getElementById('presets'); menu.value = arguments[0]; menu.dispatchEvent(new Event('change'));",
            str(index))
        page.wait(lambda: page.one("#query").get_attribute("value") == query, query)
        page.settled()
        assert page.rows() and not page.one("#filter").find_element("id", "query-error").text, query
    assert page.all("select[data-key=organization]"), "two organizations have a menu"


@promise
def completion_offers_keys_values_people_and_workspaces(page):
    page.open()
    box = page.one("#query")
    box.send_keys("ty")
    assert "type:" in page.text("#suggestions li")
    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert box.get_attribute("value") == "type:"
    box.send_keys("js")
    assert not page.all("#suggestions li")
    box.send_keys(Keys.BACKSPACE, Keys.BACKSPACE, "jet", Keys.ARROW_DOWN, Keys.ENTER)
    assert box.get_attribute("value") == "type:jetbrains ", box.get_attribute("value")
    box.send_keys("-workspace_owner:al")
    assert "alice" in page.text("#suggestions li")
    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER, "workspace:de")
    assert "workspace:dev" in page.text("#suggestions li")
    box.send_keys(Keys.ESCAPE)
    assert not page.all("#suggestions li")


@promise
def an_empty_answer_says_which_term_excludes_everything(page):
    page.open("?filter=" + urllib.parse.quote("type:jetbrains workspace_owner:alice"))
    assert "No connection matches" in page.text(".empty")
    page.wait(lambda: "Without type:jetbrains" in page.text(".empty"), "the term")
    page.one(".empty button").click()
    page.wait(lambda: page.rows(), "rows without it")


@promise
def the_drawer_shows_everything_and_what_explains_a_row(page):
    page.open("?filter=" + urllib.parse.quote(f"connection_id:{world.uuid(501)}"))
    page.one(".row").click()
    page.wait(lambda: "Events as received" in page.text("#details"), "the drawer")
    page.wait(lambda: len(page.all("#details pre")) == 2, "both events")
    text = page.text("#details")
    assert world.uuid(501) in text and "signal: killed" in text and world.uuid(21) in text
    page.wait(lambda: "bob established a tunnel" in page.text("#details"), "the tunnel that tells who it was")
    page.shot("details-light")
    page.expect_accessible("details")
    page.driver.find_element("css selector", "#details [autofocus]").click()
    page.ask("terminal type:workspace_app")
    page.one(".row").click()
    page.wait(lambda: "Web Terminal session" in page.text("#details"), "the terminal's session")
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    page.wait(lambda: not page.all("#details"), "closed by Escape")


@promise
def live_shows_what_comes_and_pauses(page):
    page.open()
    page.one("#live").click()
    page.wait(lambda: "following" in page.text("#live"), "following")
    ingest([world.web(900, "port_forwarding", 0, 200, "bob", "9999")], page)
    page.wait(lambda: any("port 9999" in row for row in page.rows()), "the new connection")
    page.one("#live").click()
    assert page.one("#live").get_attribute("aria-pressed") == "false"
    ingest([world.web(901, "port_forwarding", 0, 200, "bob", "9998")], page)
    page.driver.execute_async_script("setTimeout(arguments[0], 1200)")
    assert not any("port 9998" in row for row in page.rows())


@promise
def a_flood_of_events_does_not_freeze_the_page(page):
    page.open("?filter=" + urllib.parse.quote("type:tunnel"))
    page.one("#live").click()
    page.wait(lambda: "following" in page.text("#live"), "following")
    page.driver.execute_script("""
        window.longest = 0; let last = performance.now();
        const look = () => { const now = performance.now(); window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(look); };
        requestAnimationFrame(look);""")
    for part in range(4):
        ingest([world.web(10_000 + part * 500 + n, "tunnel", 0, 101, "bob", "") for n in range(500)], page)
    # They have one time, and the greatest id is the first of them: that of the last.
    top = f".row[data-index='0'][data-id='{world.uuid(1000 + 11_999)}']"
    page.wait(lambda: page.all(top), "the last of them on top")
    longest = page.driver.execute_script("return window.longest")
    assert longest < 1000, f"a frame took {longest} ms"
    assert len(page.driver.find_elements("css selector", ".row")) < 120
    # Nothing of the flood is missing, and it is in the server's order.
    page.one("#live").click()
    wanted, after = [], {}
    while len(wanted) < 2200:
        found = api(page, {"q": "type:tunnel", "connlog": "true", "limit": 500, **after})
        wanted += [row["id"] for row in found["connection_logs"]]
        after = {"after": found["next"]}
    assert ids_while_scrolling(page, 2200) == wanted[:2200]


def api(page, parameters):
    headers = {"Coder-Session-Token": page.arguments.token} if page.arguments.token else {}
    url = page.arguments.url + "/api/v2/connectionlog?" + urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as reply:
        return json.load(reply)


def ids_while_scrolling(page, count):
    """The IDs of the first rows, as someone sees them who scrolls down."""
    page.driver.execute_script("document.querySelector('.scroll').scrollTop = 0")
    ids = {}

    def look():
        page.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))")
        ids.update((int(index), name) for index, name in page.driver.execute_script(
            "return [...document.querySelectorAll('.row')].map((row) => [row.dataset.index, row.dataset.id])"))
        page.driver.execute_script("document.querySelector('.scroll').scrollTop += 1200")
        return all(index in ids for index in range(count))

    page.wait(look, f"{count} rows", limit=60)
    return [ids[index] for index in range(count)]


@promise
def live_ends_connections_that_began_long_ago(page):
    connection = lambda number: world.uuid(70_000 + number)
    begin = [world.event(70_000 + n, "ssh", 9000 + n, ConnectionID=connection(n), WorkspaceName="deep") for n in range(300)]
    ingest(begin, page)
    page.open("?filter=workspace%3Adeep")
    ids_while_scrolling(page, 300)
    oldest = f".row[data-id='{world.uuid(1000 + 70_299)}']"
    assert "open " in page.text(oldest), page.text(oldest)
    page.one("#live").click()
    page.wait(lambda: "following" in page.text("#live"), "following")
    ingest([world.event(71_000, "ssh", 8000, ConnectionID=connection(299), WorkspaceName="deep", Code=137,
                        DisconnectReason="signal: killed", ConnectionStatus="disconnected")], page)
    page.wait(lambda: "signal: killed" in page.text(oldest) and "137" in page.text(oldest), "the end")
    assert "open " not in page.text(oldest) and "→" in page.text(oldest), page.text(oldest)


def ingest(lines, page):
    headers = {"Content-Type": "application/jsonl"}
    if page.arguments.token:
        headers["Coder-Session-Token"] = page.arguments.token
    request = urllib.request.Request(page.arguments.url + "/api/v2/connectionlog/ingest", "\n".join(lines).encode() + b"\n", headers)
    with urllib.request.urlopen(request) as reply:
        assert json.load(reply)["accepted"] == len(lines)


@promise
def charts_have_figures_behind_them_and_lead_to_filters(page):
    page.open("?view=charts", ready="figure")
    captions = [one.text for one in page.all("figcaption")]
    for words in ("Connections over time", "Open at once", "Top users", "Top owners", "Top workspaces", "How long", "Refused or failed"):
        assert any(caption.startswith(words) for caption in captions), (words, captions)
    assert len(page.driver.find_elements("css selector", "figure details table")) == len(captions)
    page.shot("charts-light")
    page.expect_accessible("charts")
    chart = page.one("figure.wide svg[role=img]")
    ActionChains(page.driver).move_to_element_with_offset(chart, 0, 0).click_and_hold().move_by_offset(200, 0).release().perform()
    page.wait(lambda: "connected_after" in page.driver.current_url, "a brush writes the times")
    page.expect_calm()


@promise
def the_day_of_one_workspace_is_a_gantt_chart(page):
    page.open("?" + urllib.parse.urlencode({"view": "day", "filter": "workspace:dev"}), ready="#day figure")
    bars = page.all("#day rect[role=button]")
    assert len(bars) > 3
    page.shot("day-light")
    page.expect_accessible("day")
    page.driver.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', { bubbles: true }))", bars[0])
    page.wait(lambda: page.all("#details"), "a bar opens its connection")


@promise
def what_is_filtered_is_what_is_exported(page):
    page.open("?filter=" + urllib.parse.quote("type:tunnel code:403"))
    for name, count in (("csv", 2), ("jsonl", 1)):
        link = page.one("#" + name).get_attribute("href")
        body = page.driver.execute_async_script(
            "const done = arguments[1]; fetch(arguments[0]).then((reply) => reply.text()).then(done)", link)
        assert len(body.strip().splitlines()) == count, (name, body[:300])


@promise
def health_and_the_reasons_for_missing_events_are_a_click_away(page):
    page.open()
    page.one("#health").click()
    page.wait(lambda: "store" in page.text("#note") and "working" in page.text("#note"), "the sinks")
    page.expect_accessible("health")
    page.one("#note summary").click()
    shown = page.text("#note")
    status = json.loads(page.driver.execute_async_script(
        "const done = arguments[0]; fetch('/api/v2/connectionlog/status').then((reply) => reply.text()).then(done)"))
    for part in (status["queue"], status["http"], *status["sources"], *status["sinks"]):
        for key, value in part.items():
            assert not isinstance(value, (int, float)) or key in shown, key
    for figure in status["sinks"][-1]["figures"]:
        assert figure["name"] in shown, figure
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    page.one("#why").click()
    assert "never reported" in page.text("#note")


@promise
def hostile_names_are_text(page):
    page.open("?filter=" + urllib.parse.quote('workspace_owner:alice code:200 "<b>"'.replace(' "<b>"', "")))
    title = page.driver.title
    for name in world.HOSTILE.values():
        page.open()
        assert page.driver.title == title == "Connection Log"
    page.open("?filter=" + urllib.parse.quote("username:<b>eve</b>"))
    assert len(page.rows()) == 4, page.rows()
    for row in page.all(".row"):
        assert row.size["height"] < 80 and row.size["width"] <= 1280, row.size
        row.click()
        page.wait(lambda: page.all("#details pre"), "the drawer")
        assert page.driver.title == "Connection Log"
        page.driver.find_element("css selector", "#details [autofocus]").click()
    assert not page.driver.find_elements("css selector", "main img, main script, dialog script")
    text = page.driver.find_element("css selector", "#list").text
    assert "\u202e" not in text and "<script>" in text
    page.expect_calm()


@promise
def a_very_long_list_scrolls_and_few_of_its_rows_are_in_the_document(page):
    page.open("?filter=" + urllib.parse.quote("type:tunnel"))
    page.driver.execute_script("""
        window.longest = 0; let last = performance.now();
        const look = () => { const now = performance.now(); window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(look); };
        requestAnimationFrame(look);""")
    most = 0

    def goes_down():
        nonlocal most
        page.driver.execute_script("const list = document.querySelector('.scroll'); list.scrollTop = list.scrollHeight;")
        most = max(most, len(page.driver.find_elements("css selector", ".row")))
        return page.driver.execute_script("return document.querySelector('.spacer').clientHeight") > 56 * 5000

    page.wait(goes_down, "more than 5000 rows")
    longest = page.driver.execute_script("return window.longest")
    assert most < 120, most
    assert longest < 1000, f"a frame took {longest} ms"


@promise
def a_list_that_cannot_go_on_says_so(page):
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.open("?filter=" + urllib.parse.quote("type:tunnel"))
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*after=*"]})
    try:
        def says_why():
            # Whoever reads on scrolls again where more has come.
            page.driver.execute_script("const list = document.querySelector('.scroll'); list.scrollTop = list.scrollHeight;")
            return "The rest could not be loaded" in page.text("#count")

        page.wait(says_why, "the reason why there is no more")
    finally:
        page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        # What the browser notes about the request that we broke is no fault of the page.
        page.driver.get_log("browser")


# The server's answers as if it had no time: nothing in the first, seven rows at most in the next ones.
OUT_OF_TIME = """
    const ask = window.fetch;
    window.said = [];
    window.asked = 0;
    window.fetch = async (path, options) => {
        const url = new URL(path, location.href);
        if (!url.searchParams.has('connlog') || window.asked++ > 4) return ask(path, options);
        if (window.asked === 1) url.searchParams.set('after', '9999999999999999.0.0');
        url.searchParams.set('limit', '7');
        const body = await (await ask(url, options)).json();
        document.getElementById('count') && window.said.push(document.getElementById('count').textContent);
        const last = body.connection_logs.at(-1);
        if (window.asked === 1) Object.assign(body, { connection_logs: [], next: '9999999999999999.0.0' });
        if (!body.next) return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
        Object.assign(body, { is_complete: false, looked_back_to: last.connect_time, count_exact: false, count: body.connection_logs.length });
        return new Response(JSON.stringify(body), { headers: { 'Content-Type': 'application/json' } });
    };"""


@promise
def a_list_for_which_the_server_had_no_time_goes_on_by_itself(page):
    query = urllib.parse.quote("type:tunnel")
    page.open("?filter=" + query)
    page.settled()
    first = page.rows()[:20]
    script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": OUT_OF_TIME})
    try:
        page.open("?filter=" + query)
        # Nobody scrolls: more rows than the answers without time had come.
        page.wait(lambda: page.driver.execute_script("return window.asked") > 5, "that it goes on")
        page.settled()
        assert page.rows()[:20] == first, (page.rows()[:20], first)
        said = page.driver.execute_script("return window.said")
        assert any("so far; looked back to" in words for words in said), said
        assert "No connection matches" not in " ".join(said)
        assert page.text("#count").startswith("At least "), page.text("#count")
    finally:
        page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


@promise
def the_keyboard_is_enough(page):
    page.open()
    body = page.driver.find_element("css selector", "body")
    body.send_keys("/")
    assert page.driver.switch_to.active_element.get_attribute("id") == "query"
    page.driver.switch_to.active_element.send_keys("type:vscode", Keys.ESCAPE, Keys.ENTER)
    page.wait(lambda: "vscode" in page.driver.current_url and page.rows(), "the filter")
    page.driver.execute_script("document.querySelector('.scroll').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
    page.wait(lambda: "row" in page.driver.switch_to.active_element.get_attribute("class"), "a row has the focus")
    page.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.wait(lambda: page.all("#details"), "the drawer")
    page.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    page.driver.execute_script("document.getElementById('tab-list').focus()")
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    page.wait(lambda: page.one("#tab-charts").get_attribute("aria-selected") == "true", "the next tab")


@promise
def both_themes_are_accessible_in_every_view_and_the_zone_can_be_chosen(page):
    for theme in ("light", "dark"):
        page.open()
        page.driver.execute_script("localStorage.setItem('theme', arguments[0])", theme)
        for path, ready in (("", ".row"), ("?view=charts", "figure"), ("?view=day", "#day p"), ("?filter=type:jetbrains", ".empty")):
            page.open(path, ready)
            page.expect_accessible(f"{theme} {path}")
            page.shot(f"{path[1:].replace('=', '-').replace(':', '-') or 'list'}-{theme}")
    page.driver.execute_script("localStorage.removeItem('theme')")
    page.open()
    page.one("#zone").click()
    page.wait(lambda: page.text("#zone") == "UTC" and page.rows(), "UTC")
    page.one("#zone").click()


@promise
def views_can_be_saved_and_are_there_the_next_time(page):
    page.open("?filter=" + urllib.parse.quote("type:port_forwarding"))
    page.one("#save-view").click()
    prompt = page.driver.switch_to.alert
    prompt.send_keys("Ports")
    prompt.accept()
    page.open()
    choices = [one.text for one in page.driver.find_elements("css selector", "#presets option")]
    assert "Ports" in choices, choices


@promise
def the_page_is_small(page):
    page.open()
    names = page.driver.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    files = [page.arguments.url + "/"] + [name for name in names if "/page/" in name]
    total = sum(len(urllib.request.urlopen(file).read()) for file in files)
    assert len(files) > 10 and total < 150 * 1024, (files, total)


def main():
    parser = argparse.ArgumentParser()
    for name in ("url", "axe", "shots"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--token")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    page = Page(arguments)
    failed = 0
    try:
        if arguments.token:
            login(page)
        for function in PROMISES:
            name = function.__name__.replace("_", " ")
            if arguments.names and not any(part in name for part in arguments.names):
                continue
            started = time.monotonic()
            try:
                function(page)
                print(f"kept    {time.monotonic() - started:5.1f} s  {name}", flush=True)
            except Exception:
                failed += 1
                page.shot("failed-" + function.__name__)
                print(f"BROKEN  {time.monotonic() - started:5.1f} s  {name}\n{traceback.format_exc()}", flush=True)
    finally:
        page.driver.quit()
    sys.exit(1 if failed else 0)


def login(page):
    """With access sections: nothing is shown before the login, and the cookie is the browser's alone."""
    page.open(ready=None)
    box = page.one("#token")
    page.expect_accessible("login")
    assert not page.all(".row")
    box.send_keys("wrong", Keys.ENTER)
    page.wait(lambda: "not good" in page.text("#login-error"), "the refusal")
    box.send_keys(page.arguments.token, Keys.ENTER)
    page.wait(lambda: page.all(".row"), "the list")
    cookie = page.driver.get_cookie("connlog_session")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
    assert page.driver.execute_script("return document.cookie") == ""
    print("kept           login", flush=True)


main()
