"""A microphone that is turned on and off by people in a hurry."""

from __future__ import annotations

import pytest

from benchmarks.chromium import chromium
from benchmarks.live import LiveServer
from streaming.audio.sounds import MAX_STREAMS
from tests.support.visitor import visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

FLAGS = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
SLOW = """
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
window.tracks = [];
if (isSecureContext) {
  const load = AudioWorklet.prototype.addModule;
  AudioWorklet.prototype.addModule = async function (...args) {
    await wait(window.loading ?? 0);
    return load.apply(this, args);
  };
  const ask = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = async function (...args) {
    await wait(window.asking ?? 0);
    const stream = await ask.apply(this, args);
    tracks.push(...stream.getTracks());
    return stream;
  };
}
"""
HURRY = """async (times) => {
  for (let time = 0; time < 2 * times; time++) {
    document.querySelector("#microphone").click();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}"""


@pytest.mark.parametrize("slow", ["asking", "loading"])
async def test_one_that_is_stopped_before_it_runs_leaves_nothing_open(server: LiveServer, slow: str):
    async with chromium(*FLAGS) as browser, visit(browser, server.url, scripts=(SLOW,)) as visitor:
        await visitor.until("lipstream.session && document.querySelector('#microphone')")
        await visitor.page.evaluate(f"window.{slow} = 150")
        await visitor.page.evaluate(HURRY, MAX_STREAMS + 1)
        await visitor.until(f"tracks.length >= {MAX_STREAMS} && tracks.every((t) => t.readyState == 'ended')")
        await visitor.page.evaluate(f"window.{slow} = 0")
        await visitor.page.get_by_role("button", name="Microphone").click()
        # The fake device beeps.
        await visitor.until_event("utterance.started")
        assert await visitor.page.is_hidden("#form-error")
        assert await visitor.page.get_attribute("#microphone", "aria-pressed") == "true"


async def test_without_a_connection_it_says_so(server: LiveServer):
    async with chromium(*FLAGS) as browser, visit(browser, server.url, "transport=websocket") as visitor:
        await visitor.page.context.set_offline(True)
        await visitor.page.evaluate("document.querySelectorAll('#transport input')[1].click()")
        await visitor.until("lipstream.state !== 'live'")
        await visitor.page.evaluate(
            "document.querySelector('#transport input[value=websocket]').dispatchEvent"
            "(new Event('change', {bubbles: true}))"
        )
        await visitor.page.get_by_role("button", name="Microphone").click()
        await visitor.until("/Not connected yet/.test(document.querySelector('#form-error').textContent)")
        await visitor.page.context.set_offline(False)
        visitor.forgive("ERR_INTERNET_DISCONNECTED", "WebSocket")
