#!/usr/bin/env python3
"""Two pictures of the page for the README: screenshots.py URL DIRECTORY writes light.png and dark.png."""
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

options = Options()
for option in ("--headless=new", "--no-sandbox", "--window-size=1180,860", "--disable-dev-shm-usage"):
    options.add_argument(option)
options.binary_location = "/usr/bin/chromium"
driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def wait_for(selector):
    end = time.monotonic() + 20
    while not driver.find_elements("css selector", selector):
        if time.monotonic() > end:
            sys.exit(f"{selector} did not come")
        driver.execute_async_script("requestAnimationFrame(() => arguments[0]())")


url, directory = sys.argv[1:]
for theme, path, ready in (("light", "", ".row"), ("dark", "?view=charts", "figure svg rect")):
    driver.get(url + "/")
    driver.execute_script("localStorage.setItem('theme', arguments[0]); localStorage.setItem('zone', 'utc')", theme)
    driver.get(url + "/" + path)
    wait_for(ready)
    driver.save_screenshot(f"{directory}/{theme}.png")
driver.quit()
