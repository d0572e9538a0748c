"""Everything can be done without a mouse, and on a phone."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, ViewportSize

from benchmarks.live import LiveServer
from tests.support.visitor import Visitor, visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MOST_TABS = 60
NAME = """(element) => element.type === "radio"
  ? `radio ${element.name}`
  : `${element.localName} ${element.id || element.textContent.trim() || element.getAttribute("href")}`"""
REACHABLE = f"""() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((element) => element.checkVisibility() && !element.disabled)
  .map({NAME})"""
FOCUSED = f"() => document.activeElement === document.body ? null : ({NAME})(document.activeElement)"
WIDTHS = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  const beyond = [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > clientWidth + 1)
    .filter((element) => !element.closest(".hidden, .skip, svg, #chips"))
    .map(({ localName, id, className }) => `${localName} ${id} ${className}`);
  return { scrollWidth, clientWidth, beyond };
}"""


async def tab_to(visitor: Visitor, name: str) -> None:
    for _ in range(MOST_TABS):
        await visitor.page.keyboard.press("Tab")
        if await visitor.page.evaluate(FOCUSED) == name:
            return
    raise AssertionError(f"Tab never reaches {name}")


async def test_tab_reaches_every_control(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        await visitor.until("document.querySelectorAll('#avatar-cards input').length === 2")
        wanted = set(await visitor.page.evaluate(REACHABLE))
        assert {"textarea text", "button speak", "button save", "radio avatar", "radio transport"} <= wanted
        reached = []
        for _ in range(MOST_TABS):
            await visitor.page.keyboard.press("Tab")
            focused = await visitor.page.evaluate(FOCUSED)
            if focused is None or focused in reached[:1]:
                break
            reached.append(focused)
        assert wanted <= set(reached), f"Tab does not reach {wanted - set(reached)}"
        assert reached[0] == "a Skip to the text box"
        assert reached.index("textarea text") < reached.index("button speak") < reached.index("button save")


async def test_keys_alone_are_enough(server: LiveServer, browser: Browser):
    async with visit(browser, server.url) as visitor:
        keyboard = visitor.page.keyboard
        await visitor.until("document.querySelectorAll('#avatar-cards input').length === 2")
        await tab_to(visitor, "textarea text")
        await keyboard.type("A line")
        await keyboard.press("Shift+Enter")
        await keyboard.type("and another one, with a good many words in it, so that it takes some time.")
        assert await visitor.events("utterance.queued") == [], "Shift+Enter only breaks the line"
        await keyboard.press("Enter")
        await visitor.until_event("word", 3)
        await keyboard.press("Escape")
        await visitor.until_event("utterance.ended")
        assert (await visitor.events("utterance.ended"))[0]["reason"] == "interrupted"

        await tab_to(visitor, "radio avatar")
        await keyboard.press("ArrowRight")
        await visitor.until("lipstream.events.some(({event}) => event.avatar === 'theo')")

        await tab_to(visitor, "button tool-sound")
        await keyboard.press("Space")
        await visitor.until("document.querySelector('#live').muted")
        await keyboard.press("Space")
        await visitor.until("!document.querySelector('#live').muted")


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (844, 390)])
async def test_a_phone_needs_no_sideways_scrolling(
    server: LiveServer, browser: Browser, width: int, height: int
):
    async with visit(browser, server.url, viewport=ViewportSize(width=width, height=height)) as visitor:
        await visitor.until("document.querySelectorAll('#avatar-cards input').length === 2")
        await visitor.page.fill("#text", "Averyverylongwordthatdoesnotfit" * 4 + " ends.")
        await visitor.page.click("#speak")
        await visitor.until_event("word")
        widths = await visitor.page.evaluate(WIDTHS)
        assert widths["scrollWidth"] <= widths["clientWidth"] == width
        assert widths["beyond"] == []
        await visitor.page.keyboard.press("Escape")
