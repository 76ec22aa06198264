"""Chromium in the guest: opens a camera by getUserMedia in a page served on loopback, and says what it sees."""

import http.server
import json
import shutil
import subprocess
import tempfile
import threading
from typing import Any

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it refuses root
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",  # says yes to the question whether the page may use the camera
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
)

CANVAS = (36, 64)
"""Height and width in pixels of what the page tells."""

PAGE = """<!doctype html><title>A camera</title><link rel="icon" href="data:,">
<video id="video" autoplay muted playsinline></video><script>
const tell = (what) => fetch("/told", { method: "POST", body: JSON.stringify(what) });
const canvas = new OffscreenCanvas(64, 36);
const context = canvas.getContext("2d", { willReadFrequently: true });
function look() {
  context.drawImage(video, 0, 0, 64, 36);
  const { data } = context.getImageData(0, 0, 64, 36);
  return { width: video.videoWidth, height: video.videoHeight, pixels: Array.from(data) };
}
async function main() {
  await navigator.mediaDevices.getUserMedia({ video: true }).then((any) => any.getTracks().forEach((t) => t.stop()));
  const devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
  const wanted = devices.find((device) => device.label.startsWith("LABEL"));
  if (!wanted) return tell({ problem: "not listed", labels: devices.map((device) => device.label) });
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { deviceId: { exact: wanted.deviceId } } });
  await video.play();
  setInterval(() => tell({ label: wanted.label, ...look() }), 500);
}
main().catch((error) => tell({ problem: String(error) }));
</script>"""


class Chromium:
    """A Chromium that shows a camera; `wait_for` takes what its page tells twice a second."""

    def __init__(self, label: str) -> None:
        self._told: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        chromium = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(PAGE.replace("LABEL", label).encode())

            def do_POST(self) -> None:
                chromium._tell(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._folder = tempfile.TemporaryDirectory()
        url = f"http://127.0.0.1:{self._server.server_address[1]}/"
        path = shutil.which("chromium") or "chromium"
        self._process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={self._folder.name}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _tell(self, told: dict[str, Any]) -> None:
        with self._changed:
            self._told.append(told)
            self._changed.notify_all()

    def next(self, longest_s: float) -> dict[str, Any] | None:
        """Wait for what the page tells next; None where it tells nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._told, longest_s)
            return self._told.pop(0) if self._told else None

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._server.shutdown()
        self._folder.cleanup()
