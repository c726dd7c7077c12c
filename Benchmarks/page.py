#!/usr/bin/env python3
"""How fast the page is in a real browser: page.py URL, of a connlog whose source 'programs' takes events in.

Prints when the first rows are painted, how long frames take while 100,000 rows are scrolled, and while 500 events arrive
each second. Needs chromium, its driver and selenium (Tests/run.sh installs them).
"""
import json
import sys
import threading
import time
import urllib.request
import uuid

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

WATCH_ROWS = """
    const look = () => {
        if (document.querySelector('.row')) requestAnimationFrame(() => setTimeout(() => { window.rowsAt = performance.now(); }));
        else requestAnimationFrame(look);
    };
    look();"""

WATCH_FRAMES = """
    window.frames_ = []; let last = performance.now(); window.watching = true;
    const look = (now) => { window.frames_.push(now - last); last = now; if (window.watching) requestAnimationFrame(look); };
    requestAnimationFrame((now) => { last = now; requestAnimationFrame(look); });"""

# As someone who turns the wheel without a break: so many pixels in each frame, and at once on wherever the end is.
SCROLL = """
    const [wanted, step, done] = arguments;
    const list = document.querySelector('.scroll'), spacer = document.querySelector('.spacer');
    let held = 0;
    const go = () => {
        const before = list.scrollTop;
        list.scrollTop = before + step;
        if (list.scrollTop === before) held += 1;
        if (list.scrollTop >= wanted) done(held); else requestAnimationFrame(go);
    };
    requestAnimationFrame(go);"""


def browser():
    options = Options()
    for option in ("--headless=new", "--no-sandbox", "--window-size=1280,900", "--disable-dev-shm-usage"):
        options.add_argument(option)
    options.binary_location = "/usr/bin/chromium"
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(600)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH_ROWS})
    return driver


def frames(driver):
    driver.execute_script("window.watching = false")
    took = sorted(driver.execute_script("return window.frames_"))
    at = lambda part: took[min(int(len(took) * part), len(took) - 1)]
    return f"{len(took)} frames: p50 {at(0.5):.0f}, p99 {at(0.99):.0f}, longest {took[-1]:.0f} ms"


def first_rows(url, times=20):
    took, paint = [], []
    for _ in range(times):
        driver = browser()  # a new profile each time: nothing is cached
        driver.get(url + "/")
        end = time.monotonic() + 30
        while (at := driver.execute_script("return window.rowsAt")) is None:
            if time.monotonic() > end:
                sys.exit("no row after 30 s")
        took.append(at)
        paint.append(driver.execute_script("return performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        driver.quit()
    for name, values in (("first content", paint), ("first rows", took)):
        values.sort()
        print(f"{name}: median {values[len(values) // 2]:.0f} ms, slowest of {times} {values[-1]:.0f} ms", flush=True)


def scroll(driver, rows=100_000, step=1500):
    driver.execute_script(WATCH_FRAMES)
    began = time.monotonic()
    held = driver.execute_async_script(SCROLL, rows * 56, step)
    print(f"{rows:,} rows scrolled in {time.monotonic() - began:.1f} s, {step} px in each frame; {frames(driver)}; "
          f"waited for rows in {held} frames; {len(driver.find_elements('css selector', '.row'))} rows in the document", flush=True)


def line():
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"
    fields = {"ID": str(uuid.uuid4()), "Time": at, "OrganizationID": str(uuid.uuid4()), "WorkspaceOwnerID": str(uuid.uuid4()),
              "WorkspaceID": str(uuid.uuid4()), "WorkspaceName": "dev", "AgentName": "main", "Type": "ssh", "Code": None,
              "Ip": "192.0.2.7", "UserAgent": "", "UserID": None, "SlugOrPort": "", "ConnectionID": str(uuid.uuid4()),
              "DisconnectReason": "", "ConnectionStatus": "connected"}
    return json.dumps({"ts": at, "level": "INFO", "msg": "connection_log", "fields": fields})


def feed(url, seconds, rate, parts=10):
    began = time.monotonic()
    for part in range(seconds * parts):
        body = "\n".join(line() for _ in range(rate // parts)).encode() + b"\n"
        urllib.request.urlopen(urllib.request.Request(
            url + "/api/v2/connectionlog/ingest", body, {"Content-Type": "application/jsonl"})).read()
        time.sleep(max(0, began + (part + 1) / parts - time.monotonic()))


def live(driver, url, seconds=20, rate=500):
    driver.execute_script("document.querySelector('.scroll').scrollTop = 0; document.getElementById('live').click()")
    while "following" not in driver.execute_script("return document.getElementById('live').textContent"):
        time.sleep(0.05)
    driver.execute_script(WATCH_FRAMES)
    feeder = threading.Thread(target=feed, args=(url, seconds, rate))
    feeder.start()
    feeder.join()
    time.sleep(2)
    print(f"live, {rate} events/s for {seconds} s with the rows above in the list; {frames(driver)}", flush=True)


def main():
    url = sys.argv[1]
    first_rows(url)
    driver = browser()
    driver.get(url + "/")
    time.sleep(1)
    scroll(driver)
    live(driver, url)
    driver.quit()


main()
