"""Fills a fresh server, so that the ids in paths name something, and prints what is there as NAME=value lines.

    seed.py BELLTOWER URL

BELLTOWER is the program, run with the server's own settings from the environment; URL is where the server listens. Every
provider is the sandbox, so that nothing leaves the machine, whatever is sent.
"""

import json
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

PROGRAM, URL = sys.argv[1:]
EMAIL, PASSWORD = "owner@example.edu", "a long enough password"
RIGHTS = "send_direct,emergency,broadcast,exercise,read_all,read_inbox,directory,subscribe"
PEOPLE = {
    "2024001": {"name": "李伟", "email": "liwei@sandbox.invalid", "mobile": "13812345678", "wecom_userid": "liwei"},
    "2024002": {"name": "王芳", "email": "bounce@sandbox.invalid", "language": "en"},
    # Whom nobody erases, so that there is an inbox.
    "2024009": {"name": "赵敏", "email": "zhaomin@sandbox.invalid"},
    "2024003": {"name": "Zoë O'Neil", "mobile": "+8610000000005", "department": "农学院"},
}
FIRE = {"place": "图书馆", "meeting_point": "操场"}


def run(*arguments, given=""):
    """What a command prints as JSON."""
    done = subprocess.run([PROGRAM, *arguments, "--json"], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


def call(method, path, body, key):
    """What the API answers to what it must take."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{method} {path}: {error.code} {error.read().decode()}")


def source(name):
    """A key with all rights."""
    made = run("source", "create", "--name", name, "--department", "信息中心", "--topics", "#",
               "--channels", "email,sms,wechat", "--rights", RIGHTS)
    return made["key"]


class Console:
    """Somebody's browser."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.page = ""

    def open(self, path, fields=None):
        """Opens a page, or sends a form from the page that is open; returns where that led to."""
        data = None
        if fields is not None:
            token = re.search(r'name="csrf" value="([^"]+)"', self.page)
            if not token:
                sys.exit(f"{path}: the page before had no form")
            data = urllib.parse.urlencode({"csrf": token[1], **fields}).encode()
        try:
            with self.opener.open(URL + path, data) as answer:
                self.page = answer.read().decode()
                return urllib.parse.urlsplit(answer.url).path
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error.code} {error.read().decode()}")


def button():
    """An alarm button that is being tried out, which sends nothing: its id and key. Only the console makes them."""
    console = Console()
    console.open("/sign-in")
    console.open("/sign-in", {"email": EMAIL, "password": PASSWORD, "return_to": ""})
    console.open("/console/emergency/buttons/new")
    gesture = {"press_scenario": "fire", **{f"press_at_{name}": choice for name, choice in FIRE.items()}}
    page = console.open("/console/emergency/buttons", {
        "act": "save", "name": "图书馆总服务台", "place": "图书馆一层", "power": "mains", "cancel_seconds": "0", **gesture,
    })
    key = re.search(r"bt_button_[\w-]+", console.page)
    if not key:
        sys.exit(f"no button was made: {page}")
    console.open(f"{page}/test", {})
    return page.rsplit("/", 1)[1], key[0]


def main():
    run("operator", "create", "--email", EMAIL, "--name", "陈曦", "--role", "owner", "--password-stdin", given=PASSWORD)
    for channel in ("email", "sms", "wechat"):
        run("provider", "create", "--channel", channel, "--kind", "sandbox", "--name", f"sandbox {channel}",
            "--priority", "1", "--settings", "-", given="{}")
    # Has an address for receipts; it is never sent by while the sandbox is there, and nobody listens where it leads to.
    gateway = run("provider", "create", "--channel", "sms", "--kind", "http_sms", "--name", "gateway",
                  "--priority", "1000", "--settings", "-", given=json.dumps({"request": {"url": "http://127.0.0.1:9/"}}))
    receipts = urllib.parse.urlsplit(gateway["callback_url"]).path.split("/")
    templates = [{"slug": slug, "name": "到期", "title": "{{ book }} 到期", "body": "请归还 **{{ book }}**。"}
                 for slug in ("book-due", "book-late")]
    run("template", "apply", "-", given=json.dumps({"templates": templates}))
    key = source("图书馆")

    for campus_id, person in PEOPLE.items():
        call("PUT", f"/api/v1/recipients/{campus_id}", person, key)
    for slug in ("all-students", "staff"):
        call("PUT", f"/api/v1/groups/{slug}", {"name": slug, "kind": "static"}, key)
        call("POST", f"/api/v1/groups/{slug}/members", {"add": list(PEOPLE)}, key)
    call("PUT", "/api/v1/groups/agronomy", {"name": "农学院", "kind": "dynamic", "where": "department = '农学院'"}, key)

    # One that is over, and one that waits for its time.
    message = {"topic": "library.new-books", "title": "新书上架", "body": "本周新到图书 **120** 册。",
               "audience": {"groups": ["all-students"]}}
    sent = call("POST", "/api/v1/messages", message, key)["id"]
    later = {**message, "send_at": "2099-01-01T08:00:00+08:00", "expires_at": "2099-01-02T08:00:00+08:00"}
    waiting = call("POST", "/api/v1/messages", later, key)["id"]
    broadcasts = [call("POST", "/api/v1/broadcasts", {"scenario": scenario, "params": params, "drill": True}, key)["id"]
                  for scenario, params in (("fire", FIRE), ("fire", {**FIRE, "place": "体育馆"}))]
    delivery = first_delivery(sent, key)
    registration = call("POST", "/api/v1/source-registrations", {
        "name": "座位预约", "department": "图书馆", "contact_name": "李伟", "contact_email": "liwei@lib.example.edu",
        "purpose": "预约成功时告知读者", "topics": ["library.seat.#"], "channels": ["email"],
    }, key)
    # Nobody listens there.
    wanted = {"topics": ["#"], "events": ["message.expired"],
              "endpoint": {"kind": "webhook", "url": "http://127.0.0.1:9/"}}
    subscriptions = [call("POST", "/api/v1/subscriptions", wanted, key)["id"] for _ in range(12)]
    call("POST", f"/api/v1/subscriptions/{subscriptions[0]}/test", {}, key)
    handing = ask(f"/api/v1/subscriptions/{subscriptions[0]}/deliveries", key)[0]["id"]
    button_id, button_key = button()

    seeded = {
        "KEY": key, "ROTATED_KEY": source("教务系统"), "BUTTON": button_id, "BUTTON_KEY": button_key,
        "MESSAGE": sent, "WAITING_MESSAGE": waiting, "DELIVERY": delivery,
        "BROADCAST": broadcasts[0], "OTHER_BROADCAST": broadcasts[1], "ALERT": f"{broadcasts[0]}-1",
        "PROVIDER": receipts[-2], "SECRET": receipts[-1],
        "REGISTRATION": registration["id"], "CLAIM": registration["claim_token"],
        "SUBSCRIPTION": subscriptions[0], "HANDING": handing, "SPARE_SUBSCRIPTIONS": json.dumps(subscriptions[1:])[1:-1],
    }
    for name, value in seeded.items():
        print(f"SEED_{name}={shlex.quote(value)}")


def ask(path, key):
    """What is in a list."""
    view = urllib.request.Request(URL + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(view) as answer:
        return json.load(answer)["data"]


def first_delivery(message, key):
    """Of a message, once it is planned."""
    for _ in range(100):
        found = ask(f"/api/v1/messages/{message}/deliveries", key)
        if found:
            return found[0]["id"]
        time.sleep(0.1)
    sys.exit("the message was not planned")


if __name__ == "__main__":
    main()
