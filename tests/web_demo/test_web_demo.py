"""The page is complete in itself: references resolve, nothing is foreign, nothing is inline."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest

from streaming.protocol import MAX_TEXT
from web_demo import ROOT

URL_ATTRIBUTES = {"src", "href", "poster", "action", "srcset", "data"}
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
MAX_LINES = 400


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in {"script", "style"} else None

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside and data.strip():
            self.inline.append(data)

    def values(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]


def files(*suffixes: str) -> list[Path]:
    return sorted(path for path in ROOT.rglob("*") if path.suffix in suffixes)


@pytest.fixture(scope="module")
def page() -> Page:
    return Page((ROOT / "index.html").read_text(encoding="utf-8"))


def test_every_reference_of_the_page_resolves(page: Page) -> None:
    references = [value for name in URL_ATTRIBUTES for value in page.values(name)]
    files_of_page = [value for value in references if not value.startswith("#")]
    assert len(files_of_page) >= 5
    for reference in files_of_page:
        assert reference.startswith("demo/"), f"{reference} is not below demo/, where the files are served"
        assert (ROOT / reference.removeprefix("demo/")).is_file(), f"{reference} is missing"


def test_every_fragment_and_label_points_at_something(page: Page) -> None:
    ids = page.values("id")
    assert len(ids) == len(set(ids)), "an id is given twice"
    for reference in [*page.values("href"), *page.values("src")]:
        if reference.startswith("#"):
            assert reference[1:] in ids
    for attribute in ("for", "aria-labelledby", "aria-describedby"):
        for value in page.values(attribute):
            assert set(value.split()) <= set(ids), f"{attribute}={value!r} points nowhere"


def test_nothing_is_inline(page: Page) -> None:
    assert page.inline == []
    for tag, attributes in page.tags:
        assert "style" not in attributes, f"<{tag}> has an inline style"
        assert not [name for name in attributes if name.startswith("on")], f"<{tag}> has an inline handler"
        if tag == "script":
            assert attributes.get("src")


@pytest.mark.parametrize("path", files(".html", ".css", ".js", ".svg"), ids=lambda path: path.name)
def test_nothing_comes_from_another_host(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(SVG_NAMESPACE, "")
    assert not re.findall(r"(?:https?:)?//(?:[a-z0-9-]+\.)+[a-z]{2,}", text, re.IGNORECASE)
    assert "javascript:" not in text


@pytest.mark.parametrize("path", files(".js"), ids=lambda path: path.name)
def test_every_import_resolves_with_its_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for names, target in re.findall(r'^import\s+\{([^}]*)\}\s+from\s+"([^"]+)"', text, re.MULTILINE):
        assert target.startswith(("./", "../")), f"{target}: browsers know no bare module names"
        module = (path.parent / target).resolve()
        assert module.is_file(), f"{path.name} imports {target}, which is missing"
        exported = module.read_text(encoding="utf-8")
        for name in (part.split(" as ")[0].strip() for part in names.split(",")):
            if name:
                declared = re.search(
                    rf"^export (?:async )?(?:class|function|const|let) {re.escape(name)}\b",
                    exported,
                    re.MULTILINE,
                )
                assert declared, f"{target} exports no {name}"
    for target in re.findall(r'new URL\("(\.[^"]+)", import\.meta\.url\)', text):
        if not target.endswith("/"):
            assert (path.parent / target).resolve().is_file(), f"{path.name} refers to {target}"


def imported_by(path: Path, pattern: str) -> set[Path]:
    """The modules that one names, in statements of this pattern."""
    found = re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    return {(path.parent / target).resolve() for target in found}


def test_modules_that_run_at_once_are_preloaded_and_no_others(page: Page) -> None:
    preloaded = {
        found["href"] for tag, found in page.tags if tag == "link" and found.get("rel") == "modulepreload"
    }
    at_once, waiting = set(), [ROOT / "js/main.js"]
    while waiting:
        fresh = imported_by(waiting.pop(), r'^(?:import|export) .* from "([^"]+)"') - at_once
        at_once |= fresh
        waiting += fresh
    assert preloaded == {f"demo/{path.relative_to(ROOT)}" for path in at_once}


def test_modules_that_are_fetched_later_are_there() -> None:
    later = [target for path in files(".js") for target in imported_by(path, r'\bimport\("([^"]+)"\)')]
    assert later
    assert [path for path in later if not path.is_file()] == []


def test_every_element_the_modules_ask_for_is_in_the_page(page: Page) -> None:
    ids = set(page.values("id"))
    asked = {
        name
        for path in files(".js")
        for name in re.findall(r'\bbyId\("([^"]+)"', path.read_text(encoding="utf-8"))
    }
    assert asked
    assert asked <= ids


def test_icons_exist(page: Page) -> None:
    ids = set(page.values("id"))
    for path in files(".js"):
        for name in re.findall(r'\bicon\("([^"]+)"\)', path.read_text(encoding="utf-8")):
            assert f"i-{name}" in ids


def test_text_limit_is_the_protocols(page: Page) -> None:
    (text,) = [found for tag, found in page.tags if tag == "textarea" and found.get("id") == "text"]
    assert text["maxlength"] == str(MAX_TEXT)
    assert f"MOST_CHARACTERS = {MAX_TEXT:_};" in (ROOT / "js/composer.js").read_text(encoding="utf-8")


def test_every_refusal_of_a_photo_or_video_has_a_title() -> None:
    work = (ROOT / "js/maker/work.js").read_text(encoding="utf-8")
    titles = set(re.findall(r"^  ([a-z_]+): \"", work[work.index("const TITLES") :], re.MULTILINE))
    docs = Path(ROOT.parent / "docs")
    for page in ("photos.md", "videos.md"):
        rows = re.findall(r"^\| (`.*?) \|", (docs / page).read_text(encoding="utf-8"), re.MULTILINE)
        codes = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row) if "_" in code}
        assert codes
        assert codes - titles <= {"heif_not_installed"}, f"{page}: {codes - titles} have no title"


def test_every_control_has_a_name(page: Page) -> None:
    labelled = set(page.values("for"))
    for tag, attributes in page.tags:
        if tag in {"textarea", "progress", "video", "canvas"}:
            named = (
                attributes.get("id") in labelled
                or attributes.get("aria-label")
                or attributes.get("aria-hidden")
            )
            assert named, f"<{tag} id={attributes.get('id')}> has no name"
        if tag == "img":
            assert "alt" in attributes


def test_colours_of_text_hold_the_contrast_of_wcag_aa() -> None:
    light, dark = re.findall(
        r":root \{(.*?)\n\s*\}", (ROOT / "css/tokens.css").read_text(encoding="utf-8"), re.DOTALL
    )[:2]
    values = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", light))
    for scheme in (values, values | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", dark))):
        for ink in ("ink", "ink-soft", "accent-text", "bad", "warn"):
            for ground in ("ground", "surface"):
                assert contrast(scheme[ink], scheme[ground]) >= 4.5, f"{ink} on {ground}"
        for ink in ("ink", "ink-soft"):
            assert contrast(scheme[ink], scheme["sunken"]) >= 4.5, f"{ink} on sunken"
        assert contrast(scheme["accent-ink"], scheme["accent"]) >= 4.5
        assert contrast(scheme["line-strong"], scheme["surface"]) >= 3


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_files_stay_small_and_are_served_kinds() -> None:
    for path in files(".js", ".css", ".html"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES, path.name
    kinds = {PurePosixPath(path.name).suffix for path in ROOT.rglob("*") if path.is_file()} - {".py", ".pyc"}
    assert kinds <= {".html", ".css", ".js", ".svg", ".webmanifest"}


@pytest.mark.skipif(shutil.which("node") is None, reason="node checks the syntax of the modules")
def test_modules_parse() -> None:
    for path in files(".js"):
        source = path.read_text(encoding="utf-8")
        checked = subprocess.run(
            ["node", "--input-type=module", "--check"],
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, f"{path.name}: {checked.stderr}"
