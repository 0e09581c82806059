"""JupyterLab on loopback, driven in a real browser: the server, the pages, and what tests ask of them.

Rules that keep these tests steady: wait for a state, never for time; drive JupyterLab by its commands, not by
its menus; every run has its own configuration, so that no setting of the person at the keyboard changes the
outcome; views tell their counts in ``aria-label``, for screen readers and tests alike.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    Request,
    Route,
    TimeoutError,
    sync_playwright,
)

ROOT = Path(__file__).resolve().parents[2]
SERVER_START_S = 60
PAGE_READY_MS = 60_000
WAIT_S = 60
"""How long a state may take to come, unless a test says otherwise: a busy machine is no fault."""
KERNEL_END_S = 60
CHROMIUM_FLAGS = [
    "--no-sandbox",  # people in containers are root, and Chromium has no sandbox for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # cells that are scrolled out of sight stay in the page, where a test can look at them
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


def chromium() -> str:
    """The browser to use: ``GNOMON_CHROMIUM``, or the first of the usual names."""
    named = os.environ.get("GNOMON_CHROMIUM")
    for candidate in (
        [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    ):
        if found := shutil.which(candidate):
            return found
    raise RuntimeError("No Chromium found: run `.ci/prepare chromium`, or set GNOMON_CHROMIUM to its path.")


# ------------------------------------------------------------------------------------- the server


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab: where it is, and the folder whose notebooks it serves."""

    address: str
    token: str
    folder: Path
    log: Path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(home: Path) -> dict[str, str]:
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    sources = f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'kernel_ext'}"
    return os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": os.pathsep.join(filter(None, [sources, os.environ.get("PYTHONPATH")])),
    }


def _extensions(home: Path) -> Path:
    """A folder with the lab extension as built in this tree, so that no older installed copy is tested."""
    built = ROOT / "kernel_ext" / "gnomon_kernel" / "labextension"
    if not (built / "package.json").exists():
        raise RuntimeError("The lab extension is not built: run `make install`, or `npm run build:prod`.")
    folder = home / "labextensions"
    folder.mkdir(parents=True)
    (folder / "gnomon-lab").symlink_to(built)
    return folder


def _call(server: LabServer, path: str, method: str = "GET", timeout_s: float = 5) -> bytes:
    request = urllib.request.Request(
        f"{server.address}{path}", method=method, headers={"Authorization": f"token {server.token}"}
    )
    answer: bytes = urllib.request.urlopen(request, timeout=timeout_s).read()
    return answer


def _end_kernels(server: LabServer) -> None:
    """What no page is left for would only slow the next test down."""
    for kernel in json.loads(_call(server, "/api/kernels", timeout_s=KERNEL_END_S)):
        _call(server, f"/api/kernels/{kernel['id']}", "DELETE", timeout_s=KERNEL_END_S)


def _wait_until_up(server: LabServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_S
    pause = threading.Event()
    while True:
        try:
            _call(server, "/api")
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')}") from error
        pause.wait(0.1)


@contextlib.contextmanager
def lab_server(home: Path, folder: Path, app: str = "lab", base: str = "/") -> Iterator[LabServer]:
    """A server with its own configuration in ``home``, until the block ends.

    Args:
        home: for its configuration, settings and log.
        folder: whose notebooks it serves.
        app: "lab", or "notebook" for Notebook 7.
        base: the prefix of its addresses, with a slash at both ends.
    """
    port = _free_port()
    log = home / "server.log"
    server = LabServer(f"http://127.0.0.1:{port}{base.rstrip('/')}", secrets.token_hex(16), folder, log)
    extensions = _extensions(home)
    settings = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[app]
    command = [
        *(sys.executable, "-m", "jupyter", app, "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        f"--port={port}",
        f"--ServerApp.base_url={base}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={server.token}",
        f"--ServerApp.root_dir={folder}",
        # Notebook 7 lists the extensions, and JupyterLab's part of its server hands them out
        *(f"--{each}.extra_labextensions_path={extensions}" for each in {settings, "LabApp"}),
        f"--{settings}.expose_app_in_browser=True",
        "--LabApp.news_url=None",
        "--LanguageServerManager.autodetect=False",  # it would find pyright in node_modules, and start it
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    environment = _environment(home)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True
        )
    try:
        _wait_until_up(server, process, log)
        yield server
        _call(server, "/api/shutdown", "POST")  # ends the kernels too
    finally:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ------------------------------------------------------------------------------------- the page

# what a front end itself writes in red in a healthy page: a part of the line -> why it is not ours
NOT_OURS = {
    "Cannot read properties of undefined (reading 'schema')": "Notebook 7.6 raises it without extensions too",
}

IS_READY = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return !!context?.isReady && context.session?.kernel?.status === 'idle';
}"""
# a kernel that runs a cell says so, also to a page that has just come
IS_CONNECTED = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
  return !!context?.isReady && ['idle', 'busy'].includes(context.session?.kernel?.status);
}"""
RUN = """async ([id, wait]) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
  const done = app.commands.execute('notebook:run-cell');
  if (wait) { await done; }
}"""
IS_BUSY = """id => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);
  return cell.node.querySelector('.jp-InputPrompt').textContent.includes('*');
}"""
OUTPUTS = """id => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);
  return cell.model.sharedModel.getOutputs();
}"""
SHOW = """id => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);
  cell.node.scrollIntoView({ block: 'start' });
}"""

# what a page shows of ours, and of the kernels that it knows
SHOWN = """() => ({
  address: location.href,
  tabs: [...(window.jupyterapp?.shell.widgets('main') ?? [])].map(tab => {
    const kernel = tab.sessionContext?.session?.kernel;
    return `${tab.title.label}: kernel ${kernel?.status ?? 'none'}, ${kernel?.connectionStatus ?? ''}`;
  }),
  hints: [...document.querySelectorAll('.jp-gnomon-panel-hint, .jp-gnomon-hint, .jp-gnomon-status')]
    .map(hint => `${hint.checkVisibility() ? 'seen' : 'unseen'}: ${hint.textContent}`),
  views: [...document.querySelectorAll('.jp-gnomon-root canvas, .jp-gnomon-root [aria-label*=": "]')]
    .map(view => {
      const { x, y, width, height } = view.getBoundingClientRect();
      return `${view.ariaLabel} at ${[x, y, width, height].map(Math.round)}`;
    }),
})"""
LOG_CHARACTERS = 6_000


@dataclass
class LabPage:
    """One browser page with JupyterLab in it.

    Attributes:
        errors: what the page wrote to the console as an error, and exceptions that nobody caught.
        elsewhere: what the page asked of others than the server, and did not get.
        console: the last of all that it wrote there.
        saving: layouts that are on their way to the server.
    """

    page: Page
    server: LabServer
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    saving: int = 0
    console: deque[str] = field(default_factory=lambda: deque(maxlen=100))

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        self.page.on("request", lambda request: self._on_save(request, 1))
        self.page.on("requestfinished", lambda request: self._on_save(request, -1))
        self.page.on("requestfailed", lambda request: self._on_save(request, -1))

    def _on_save(self, request: Request, step: int) -> None:
        if request.method == "PUT" and "/api/workspaces/" in request.url:
            self.saving += step

    def _on_console(self, message: ConsoleMessage) -> None:
        if "to activate" not in message.text:  # of slow machines JupyterLab tells that of each plugin
            self.console.append(f"{message.type}: {message.text}"[:500])
        if message.type == "error":
            self._note(f"{message.text} ({message.location.get('url', '')})")

    def _note(self, error: str) -> None:
        if not any(part in error for part in NOT_OURS):
            self.errors.append(error)

    def story(self) -> str:
        """How things stand, for who wants to know why a test has failed; and a picture, whose path is told."""
        picture = self.server.log.with_name(f"failure-{secrets.token_hex(4)}.png")
        try:
            self.page.screenshot(path=picture, timeout=10_000)
            shown = json.dumps(self.page.evaluate(SHOWN), indent=1)
        except Error as error:
            shown = f"the page does not answer: {error}"
        log = self.server.log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARACTERS:]
        console = "\n".join(self.console)
        return (
            f"picture: {picture}\nshown: {shown}\n-- console:\n{console}\n-- end of the server's log:\n{log}"
        )

    def keep_to_the_server(self) -> None:
        """Let the page reach its server and nothing else, as where there is no other network."""

        def pass_or_stop(route: Route) -> None:
            if route.request.url.startswith((f"{self.server.address}/", "data:", "blob:")):
                return route.continue_()
            self.elsewhere.append(route.request.url)
            return route.abort()

        self.page.route("**/*", pass_or_stop)

    def open(self, notebook: str) -> None:
        """Open a notebook in a workspace that no page has had; returns when its kernel is idle.

        ``?reset`` would do for the first look, but JupyterLab clears the state of its tabs beside all else that it
        starts, and may clear what a test has just opened.
        """
        workspace = f"lab/workspaces/{secrets.token_hex(4)}/tree"
        self.page.goto(f"{self.server.address}/{workspace}/{notebook}?token={self.server.token}")
        self.page.wait_for_function(IS_READY, timeout=PAGE_READY_MS)

    def command(self, command: str) -> None:
        """Execute a command of JupyterLab's, once its plugin has registered it."""
        self.page.wait_for_function("command => window.jupyterapp.commands.hasCommand(command)", arg=command)
        self.page.evaluate("command => window.jupyterapp.commands.execute(command)", command)

    def run(self, cell: str) -> None:
        """Run a cell, by its id, to its end."""
        self.page.evaluate(RUN, [cell, True])

    def start(self, cell: str) -> None:
        """Run a cell and return as soon as it is busy: never wait on a cell that blocks."""
        self.page.evaluate(RUN, [cell, False])
        self.page.wait_for_function(IS_BUSY, arg=cell)

    def is_busy(self, cell: str) -> bool:
        """Whether a cell is running or queued."""
        return bool(self.page.evaluate(IS_BUSY, cell))

    def wait_until_finished(self, cell: str, timeout_s: float = 60) -> None:
        """Return when a started cell has ended."""
        self.page.wait_for_function(f"id => !({IS_BUSY})(id)", arg=cell, timeout=timeout_s * 1000)

    def show(self, cell: str) -> None:
        """Scroll to a cell: views that nobody can see do not follow the cluster."""
        self.page.evaluate(SHOW, cell)

    def show_in_panel(self, title: str) -> None:
        """Choose a view of the side panel: those behind tabs do not follow the cluster either."""
        self.page.locator("#gnomon-panel [role=tab]", has_text=title).click()

    def outputs(self, cell: str) -> list[dict[str, Any]]:
        """The outputs of a cell, as the notebook would store them."""
        outputs: list[dict[str, Any]] = self.page.evaluate(OUTPUTS, cell)
        return outputs

    def wait_for_text(self, cell: str, part: str) -> None:
        """Return when a cell has printed ``part``: what runs elsewhere may print after the cell's end."""
        condition = f"([id, part]) => JSON.stringify(({OUTPUTS})(id)).includes(part)"
        self.page.wait_for_function(condition, arg=[cell, part])

    def failures(self, cell: str) -> list[str]:
        """The errors among a cell's outputs."""
        return [f"{o['ename']}: {o['evalue']}" for o in self.outputs(cell) if o["output_type"] == "error"]

    def label(self, selector: str) -> str:
        """The ``aria-label`` of a view."""
        return self.page.locator(selector).first.get_attribute("aria-label") or ""

    def wait_for_label(self, selector: str, pattern: str, timeout_s: float = WAIT_S) -> str:
        """The ``aria-label`` of a view once it matches a JavaScript regular expression."""
        return self._label_when(selector, "new RegExp(wanted).test(label)", pattern, timeout_s)

    def wait_for_other_label(self, selector: str, old: str, timeout_s: float = WAIT_S) -> str:
        """The ``aria-label`` of a view once it is no longer ``old``."""
        return self._label_when(selector, "label !== wanted", old, timeout_s)

    def _label_when(self, selector: str, condition: str, wanted: str, timeout_s: float) -> str:
        # as who looks at it would do: what the page shows late moves a view out of sight, where it does not follow
        script = f"""([selector, wanted]) => {{
          const view = document.querySelector(selector);
          view?.closest('.jp-gnomon-root')?.scrollIntoView({{ block: 'nearest' }});
          const label = view?.getAttribute('aria-label') ?? '';
          return {condition} && label;
        }}"""
        try:
            found = self.page.wait_for_function(script, arg=[selector, wanted], timeout=timeout_s * 1000)
        except TimeoutError as error:
            labels = self.page.locator("[aria-label]").evaluate_all("all => all.map(e => e.ariaLabel)")
            views = [label for label in labels if label.startswith(("task graph:", "objects:", "actors:"))]
            raise AssertionError(
                f"{selector} did not come to {condition} with wanted={wanted!r} within {timeout_s} s; "
                f"the views say {views}; console errors: {self.errors}"
            ) from error
        return str(found.json_value())


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser, until the block ends; pages in it share nothing (see ``lab_page``)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS, headless=True)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def lab_page(browser: Browser, server: LabServer, width: int = 1500, height: int = 1000) -> Iterator[LabPage]:
    """A page with storage and cache of its own, as of a fresh browser; the server's kernels end with it."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(WAIT_S * 1000)
    try:
        lab = LabPage(context.new_page(), server)
        try:
            yield lab
        except Exception:
            print(lab.story())
            raise
    finally:
        context.close()
        _end_kernels(server)
