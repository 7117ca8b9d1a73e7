from tests.browser.test_settings import *
from tests.browser.conftest import *
def test_dbg(signed_in):
    page=signed_in
    page.on("request", lambda r: print("REQ", r.method, r.url, {k:v for k,v in r.headers.items() if k.startswith("hx")}))
    page.on("response", lambda r: print("RES", r.status, r.url, r.headers.get("content-type")))
    page.on("console", lambda m: print("CON", m.text))
    visit(page, "audit-log")
    page.get_by_role("link", name="created an API key").first.click()
    page.wait_for_timeout(2500)
    print(page.url, page.locator("#drawer").evaluate("e => e.open + e.innerHTML.slice(0,400)"))
    print(page.evaluate("() => document.documentElement.outerHTML.match(/app\\/assets[^\"]*/g)"))
