"""browser.py: a headless Chromium that is told what to do through chromedriver (Debian: chromium-driver), as WebDriver says,
with nothing but the standard library. Browser() ends the program with exit code 77 where there is none."""
import base64
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's number, fixed by the W3C


class Browser:
    def __init__(self):
        driver, self.binary = shutil.which("chromedriver"), shutil.which("chromium")
        if not driver or not self.binary:
            print("skipped: chromium and chromium-driver are not installed (cmake/setup.sh installs them)")
            sys.exit(77)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.profile = tempfile.mkdtemp(prefix="husk-page-")
        self.process = subprocess.Popen([driver, "--port=%d" % self.port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = None

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise SystemExit("%s %s: %s" % (method, path, value.get("message", value)))
        return value

    def start(self):
        for _ in range(300):
            try:
                if self.call("GET", "/status")["ready"]:
                    break
            except OSError:
                time.sleep(0.1)
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--window-size=1400,1600", "--force-prefers-color-scheme=light", "--user-data-dir=" + self.profile]
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"binary": self.binary, "args": arguments},
                  "goog:loggingPrefs": {"browser": "ALL"}}
        for left in (2, 1, 0):
            try:
                self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
                break
            except SystemExit as why:  # nothing of ours has been opened yet: it is the browser that does not run here
                if left == 0:
                    self.end()
                    print("skipped: chromium does not run here, three times (%s)" % str(why).split("\n")[0])
                    sys.exit(77)

    def do(self, method, path, body=None):
        return self.call(method, "/session/%s/%s" % (self.session, path), body)

    def end(self):
        if self.session:
            self.call("DELETE", "/session/" + self.session)
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def js(self, script, *arguments):
        return self.do("POST", "execute/sync", {"script": script, "args": list(arguments)})

    def element(self, selector):
        return self.do("POST", "element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.do("POST", "element/%s/click" % self.element(selector), {})

    def keys(self, text):
        """Keys to whatever has the focus."""
        active = self.do("GET", "element/active")[ELEMENT]
        self.do("POST", "element/%s/value" % active, {"text": text})

    def shot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.do("GET", "screenshot")))
