"""The live page in a real browser: what a reader does with it, and that it stays quiet and alone."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import page_fixture
import pytest
from browser import Browser, Page, executable

from cgcli import load
from cgcli.program.page import page as live_page
from cgcli.program.picture_options import PictureOptions
from cgcli.render.page.html import html

pytestmark = pytest.mark.skipif(executable() is None, reason="no Chromium is there")

ROOT = Path(__file__).parents[1]
Open = Callable[..., Page]
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<b>\u202e"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a page; at the end none may have complained or asked for anything."""
    pages: list[Page] = []

    def show(made: tuple[dict[str, Any], str], fragment: str = "", **window: Any) -> Page:
        path = tmp_path / f"page{len(pages)}.html"
        path.write_text(html(*made), encoding="utf-8")
        pages.append(Page(browser, **window))
        pages[-1].open(path, fragment)
        return pages[-1]

    yield show
    for page in pages:
        assert page.complaints() == []
        page.close()


def article() -> tuple[dict[str, Any], str]:
    return page_fixture.page_data(page_fixture.ARTICLE)


def numbers(page: Page, card: int) -> list[str]:
    """The value and the derivative that a card shows."""
    texts = page.js(
        f"[...document.querySelectorAll('.node[data-card=\"{card}\"] text:not(.word):is(.value, .derivative)')]"
        ".map(t => getComputedStyle(t).visibility === 'visible' ? t.textContent : '')"
    )
    return list(texts)


def equation(page: Page, title: str) -> list[str]:
    """The lines of a section of the inspector; of a table's rows the cells with a colon between."""
    sections = "[...document.querySelectorAll('#inspector section:not([hidden])')]"
    sections += f".filter(s => s.textContent.startsWith({json.dumps(title)}))"
    lines = "s => [...s.querySelectorAll('p, tr')].map(p => [...(p.cells ?? [p])].map(c => c.textContent).join(': '))"
    return list(page.js(f"{sections}.flatMap({lines})"))


FIRST_SLIDER, FIRST_FIELD = "#inputs .input input[type=range]", "#inputs .input input[type=text]"


# ---- inputs


def test_a_slider_moves_every_number(show: Open) -> None:
    page = show(article())
    assert numbers(page, 5) == ["10", "1"]
    page.drag(FIRST_SLIDER, [(5, 0), (20, 0)], release=False)
    a = float(page.js(f"document.querySelector('{FIRST_SLIDER}').value"))
    assert a > 2
    moved = [f"{(a + 3) * 2:.5g}", "1"]
    assert numbers(page, 5) == moved  # while it still moves
    x, y = page.middle(FIRST_SLIDER)
    page.mouse("mouseReleased", x + 20, y)
    page.settle()
    assert numbers(page, 5) == moved
    assert page.text("#inputs .input:nth-of-type(2) .number") == f"{a + 5:.5g}"  # d + e


def test_typing_widens_the_range_and_refuses_words(show: Open) -> None:
    page = show(article())
    page.click(FIRST_FIELD)
    page.key("a", 2)
    page.type("−100.5")
    assert numbers(page, 5) == ["−195", "1"]
    assert page.js(f"Number(document.querySelector('{FIRST_SLIDER}').min)") == -100.5
    page.key("a", 2)
    page.type("ten")
    assert page.js(f"document.querySelector('{FIRST_FIELD}').getAttribute('aria-invalid')") == "true"
    assert numbers(page, 5) == ["−195", "1"]
    page.js("document.activeElement.blur()")
    assert page.js(f"document.querySelector('{FIRST_FIELD}').value") == "−100.5"


def test_undo_takes_a_drag_back_as_one(show: Open) -> None:
    page = show(article())
    page.drag(FIRST_SLIDER, [(5, 0), (10, 0), (20, 0)])
    after = numbers(page, 5)
    page.key("z", 2)
    assert numbers(page, 5) == ["10", "1"]
    page.key("z", 2 | 8)
    assert numbers(page, 5) == after
    page.js("[...document.querySelectorAll('#inputs button')].find(b => b.textContent === 'as started').click()")
    page.settle()
    assert numbers(page, 5) == ["10", "1"]
    page.key("z", 2)
    assert numbers(page, 5) == after


def test_the_output_can_be_chosen(show: Open) -> None:
    page = show(page_fixture.two_outputs(), "#.card=1")
    assert numbers(page, 1) == ["3", "6"]
    page.js("(s => { s.value = 1; s.dispatchEvent(new Event('change')); })(document.querySelector('select'))")
    page.settle()
    assert numbers(page, 1) == ["3", "1"]
    assert numbers(page, 2) == ["1", ""]
    assert equation(page, "Paths") == ["b → d: 1"]
    page.wait("location.hash === '#.of=d&.card=1'")


def test_inputs_of_other_types(show: Open) -> None:
    page = show(page_fixture.two_outputs())
    page.click("#inputs input[type=checkbox]")
    assert numbers(page, 0)[0] == "false"
    assert numbers(page, 5) == ["6", "1"]
    page.click(FIRST_FIELD)
    page.key("a", 2)
    page.type("2.5")
    assert page.js("document.activeElement.ariaInvalid") == "true"
    page.key("ArrowUp")
    assert numbers(page, 1)[0] == "4"
    page.wait("location.hash === '#a=false&b=4'")


# ---- the chosen value


def test_equations_of_the_chosen_value(show: Open) -> None:
    page = show(article(), "#c=4")
    page.click('.node[data-card="1"]')
    assert page.text("#inspector h3") == "b"
    back = ["∂y/∂b = ∂y/∂d · ∂d/∂b + ∂y/∂e · ∂e/∂b", "= (−1) · 1 + 5 · 1", "= 4"]
    assert equation(page, "How its derivative") == back
    assert equation(page, "Paths") == ["b → e → y: 5", "b → d → y: −1"]
    page.click('.node[data-card="5"]')
    assert equation(page, "How its value") == ["y = d × e", "= 5 × (−1)", "= −5"]
    heights = page.js("[...document.querySelectorAll('.term')].map(t => t.getBoundingClientRect().height)")
    assert max(heights) < 30  # none is broken


def test_an_equation_that_does_not_hold_is_not_shown(show: Open) -> None:
    """Where arrows are missing, the sum over those that are there is not the derivative."""
    data, passes = article()
    data["arrows"] = [arrow for arrow in data["arrows"] if (arrow["source"], arrow["target"]) != (1, 4)]
    data["scene"]["parts"] = [part for part in data["scene"]["parts"] if part["kind"] == "node"]
    page = show((data, passes), "#.card=1")
    assert equation(page, "How its derivative") == ["∂y/∂b = 7"]


def test_paths_beyond_ten_are_summed(show: Open) -> None:
    rows: list[page_fixture.Row] = [("x", "input 1.5", ())]
    rows += [(f"v{k}", "add", (k - 1, k - 1)) for k in range(1, 6)]
    page = show(page_fixture.page_data(rows), "#.card=0")
    paths = equation(page, "Paths")
    assert len(paths) == 11
    assert paths[-1] == "22 others together: 22"


def test_the_curve_has_its_tangent(show: Open) -> None:
    page = show(article(), "#.card=1")
    assert page.js("document.querySelector('.plot .curve').getAttribute('d').split('L').length") == 120
    ends = page.js("document.querySelector('.plot .tangent').getAttribute('d')")
    x1, y1, x2, y2 = map(float, re.findall(r"-?[\d.]+", ends))
    grid = page.js(
        "[...document.querySelectorAll('.plot .axis')].map(t => [Number(t.textContent.replace('−', '-')),"
        " Number(t.getAttribute('x')), Number(t.getAttribute('y')), t.getAttribute('text-anchor')])"
    )
    (x_low, left), *_, (x_high, right) = [(n, x) for n, x, _, anchor in grid if anchor == "middle"]
    (y_low, low), *_, (y_high, high) = [(n, y) for n, _, y, anchor in grid if anchor == "end"]
    slope = ((y2 - y1) / (high - low) * (y_high - y_low)) / ((x2 - x1) / (right - left) * (x_high - x_low))
    assert slope == pytest.approx(7, rel=1e-3)


# ---- steps


def test_steps_show_one_number_after_the_other(show: Open) -> None:
    page = show(article())
    page.key(".")
    assert (numbers(page, 0), numbers(page, 1)) == (["2", ""], ["", ""])
    for _ in range(6):
        page.key(".")
    assert numbers(page, 5) == ["10", "1"]
    assert numbers(page, 4) == ["2", ""]
    page.key(".")
    assert numbers(page, 4) == ["2", "5"]
    assert page.js("document.querySelectorAll('.step.done').length") == 7
    assert page.text(".step.current") == "∂e"
    page.key(",")
    assert page.text(".step.current") == "∂y"
    page.key("Escape")
    assert numbers(page, 0) == ["2", "2"]


def test_playing_comes_to_the_end(show: Open) -> None:
    page = show(article(), "#.step=9")
    page.key(" ")
    page.wait("document.querySelector('.step.current').textContent === '∂a'")
    page.wait("document.querySelector('.play').textContent === '▶'")


def test_many_steps_have_a_slider(show: Open) -> None:
    page = show(page_fixture.page_data(page_fixture.many(60), "many", 8))
    assert page.js("document.querySelectorAll('.step').length") == 0
    assert page.js("document.querySelectorAll('.track input[type=range]').length") == 1


# ---- finding and choosing


def test_search_and_arrow_keys(show: Open) -> None:
    page = show(article())
    page.key("/")
    page.type("b − c")
    page.key("Enter")
    assert page.text("#inspector h3") == "e"
    label = page.js("document.activeElement.getAttribute('aria-label')")
    assert label == "e, b − c, value 2, derivative of y 5"
    page.key("ArrowLeft")
    assert page.text("#inspector h3") == "b"
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert page.text("#inspector h3") == "y"
    assert page.js("document.querySelector('.source .current').textContent") == "y = d × e"


def test_where_nothing_is_chosen_the_inspector_says_that_alone(show: Open) -> None:
    data, passes = article()
    for card in data["cards"]:
        card["derivative"] = []
    page = show(({**data, "of": []}, passes))
    visible = (
        "[...document.querySelector('#inspector').children].filter(e => e.checkVisibility()).map(e => e.textContent)"
    )
    assert page.js(visible) == ["Nothing is chosen", "Choose a card."]


def test_the_graph_is_dragged_and_zoomed(show: Open) -> None:
    page = show(article())
    place = "document.querySelector('.world').getAttribute('transform')"
    fitted = page.js(place)
    page.drag('.node[data-card="1"]', [(30, 0), (60, 20)])
    dragged = page.js(place)
    assert dragged != fitted
    assert page.text("#inspector h3") == "y"  # a drag chooses nothing
    x, y = page.middle('.node[data-card="1"]')
    page.call("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=-200)
    page.wait(f"{place} !== '{dragged}'")
    assert page.middle('.node[data-card="1"]') == pytest.approx((x, y), abs=1)  # what is under the pointer stays
    page.key("f")
    assert page.js(place) == fitted
    page.js("document.querySelector('.node[data-card=\"1\"]').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
    page.settle()
    assert page.text("#inspector h3") == "b"  # as a screen reader clicks


def test_hover_lights_the_paths_to_the_output(show: Open) -> None:
    page = show(article())
    page.mouse("mouseMoved", *page.middle('.node[data-card="0"]'))
    page.settle()
    titles = page.js("[...document.querySelectorAll('.arrow.lit title')].map(t => t.textContent)")
    assert titles == ["a → d", "d → y"]


def test_every_control_is_reached_by_keyboard(show: Open) -> None:
    page = show(article())
    reached = set()
    for _ in range(60):
        page.call("Input.dispatchKeyEvent", type="rawKeyDown", key="Tab", windowsVirtualKeyCode=9)
        reached.add(page.js("document.activeElement.outerHTML"))
    controls = page.js(
        "[...document.querySelectorAll('button, input, select')].filter(e => e.checkVisibility() && !e.disabled"
        " && e.tabIndex >= 0).length"
    )
    assert len(reached) >= controls
    assert any("data-card" in each for each in reached)


# ---- the state in the address


def test_a_link_is_a_state(show: Open) -> None:
    page = show(article(), "#b=-1.5&.card=3&.view=values&.theme=dark&.step=3")
    assert numbers(page, 3) == ["0.5", ""]
    assert page.text("#inspector h3") == "d"
    assert page.js("document.documentElement.dataset.theme") == "dark"
    assert page.js("document.querySelector('[data-view][aria-pressed=true]').textContent") == "values"
    page.key("Escape")
    page.wait("location.hash === '#b=-1.5&.card=3&.view=values&.theme=dark'")


@pytest.mark.parametrize(
    "fragment", ["#%", "#b=ten&.card=99&.view=x&.theme=<b>&.step=1e9&.of=?", "#=&&&", "#.loops=-5,x&b=", "#b=%FF"]
)
def test_a_bad_link_is_the_start(show: Open, fragment: str) -> None:
    page = show(article(), fragment)
    assert numbers(page, 5) == ["10", "1"]
    assert page.text("#inspector h3") == "y"


# ---- branches, loops, tensors


def test_the_other_side_of_a_branch_is_muted(show: Open) -> None:
    page = show(page_fixture.branch())
    muted = "[...document.querySelectorAll('.node.muted')].map(n => Number(n.dataset.card))"
    assert page.js(muted) == [2]
    assert numbers(page, 2) == ["", ""]
    page.click(FIRST_FIELD)
    page.key("a", 2)
    page.type("-1")
    assert page.js(muted) == [1]
    assert (numbers(page, 1), numbers(page, 2)) == (["", ""], ["−0.84147", "1"])


def test_a_loop_has_a_scrubber(show: Open) -> None:
    page = show(page_fixture.loop(), "#.card=1&.loops=2")
    assert numbers(page, 1) == ["2"]
    assert page.text(".scrubber output") == "step 2 of 6"
    slider = "document.querySelector('.scrubber input')"
    page.js(f"(() => {{ {slider}.value = 6; {slider}.dispatchEvent(new Event('input')); }})()")
    page.settle()
    assert page.text(".scrubber output") == "step 6 of 6"


def test_a_tensor_says_what_lies_under_the_pointer(show: Open) -> None:
    page = show(page_fixture.tensor(), "#.card=3&a=9")
    page.mouse("mouseMoved", *page.middle("canvas"))
    page.settle()
    assert page.text(".map + p").startswith("[0, 2, 10] = ")
    assert page.text("#problem") == "The program has tensors: the page shows what was recorded."
    assert numbers(page, 0) == ["2", "2"]  # not what the link asks for: nothing is computed here
    assert page.js("[...document.querySelectorAll('#inputs input')].every(e => e.disabled)")


# ---- what goes wrong


def test_a_browser_that_computes_otherwise_locks_the_page(show: Open) -> None:
    data, passes = article()
    page = show((data, passes.replace("s[3] = s[0] + s[1]", "s[3] = s[0] + s[1] * (1 + 1e-7)")))
    assert "computes the value of d otherwise than cg;" in page.text("#problem")
    assert page.js("[...document.querySelectorAll('#inputs input')].every(e => e.disabled)")
    assert numbers(page, 3) == ["5", "2"]  # as recorded


def test_what_stops_a_run_keeps_the_last_picture(show: Open) -> None:
    data, passes = article()
    data["stops"] = [{"3": 4}]
    stop = "if (inputs[0] > 2.9) return {status: 3 * 16 + 2, slots: [], series: []};\nreturn "
    page = show((data, passes.replace("return ", stop)))
    page.click(FIRST_FIELD)
    page.key("a", 2)
    page.type("7")
    assert page.text("#problem").startswith("Stopped: a division by zero, in line 4.")
    assert numbers(page, 5) == ["10", "1"]
    page.key("a", 2)
    page.type("1")
    assert page.js("document.querySelector('#problem').hidden")
    assert numbers(page, 5) == ["8", "1"]


def test_numbers_as_text(show: Open) -> None:
    page = show(article(), "#a=-1.23456789e-100&b=inf&c=nan")
    assert numbers(page, 0) == ["−1.2e−100", "NaN"]
    assert numbers(page, 1) == ["∞", "NaN"]
    assert numbers(page, 3) == ["∞", "NaN"]


def test_hostile_names_are_text(show: Open) -> None:
    data, passes = article()
    data |= {"name": HOSTILE, "formula": HOSTILE, "source": {"name": HOSTILE, "lines": [HOSTILE] * 6}}
    for each in [*data["cards"], *data["inputs"], *data["of"]]:
        each |= {"title": HOSTILE, "label": HOSTILE, "name": HOSTILE, "formula": HOSTILE}
    for part in data["scene"]["parts"]:
        part["title"] = HOSTILE
        part["shapes"] = [["t", *s[1:3], HOSTILE, *s[4:]] if s[0] == "t" else s for s in part["shapes"]]
    page = show((data, passes), "#.card=1")
    page.key("/")
    page.type("img")
    page.key("Enter")
    page.key("t")
    assert page.text("h1") == HOSTILE
    assert page.js("document.querySelectorAll('img, b:not(#hits b)').length") == 0


def test_the_policy_holds(show: Open) -> None:
    """An element with a script of its own is not run, and nothing can be fetched."""
    page = show(article())
    page.js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    refused = page.js("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')")
    assert (page.js("window.ran ?? 0"), refused) == (0, "refused")
    complaints = page.complaints()
    assert complaints
    assert all("Content Security Policy" in each or "127.0.0.1" in each for each in complaints)
    page.browser.events.clear()


# ---- real programs


REAL = {
    "article": ({"a": 2.0, "b": 3.0, "c": 1.0}, {"a": -1.5, "c": 4.0}),
    "black_scholes": ({}, {"vol": 0.4, "years": 2.5}),
    "huber": ({}, {"guess": 7.0}),
    "newton": ({}, {"e": 0.9, "M": 0.25}),
    "rosenbrock": ({}, {"x": 0.5, "y": -1.0}),
}


@pytest.mark.parametrize("name", REAL)
def test_a_link_into_a_real_program_computes_what_cg_does(browser: Browser, tmp_path: Path, name: str) -> None:
    start, moved = REAL[name]
    program = load(ROOT / "samples" / f"{name}.cg")
    (tmp_path / "page.html").write_text(live_page(program, start, None, PictureOptions(), print), encoding="utf-8")
    page = Page(browser)
    page.open(tmp_path / "page.html", "#" + "&".join(f"{key}={x}" for key, x in moved.items()))
    assert page.text("#problem") == ""
    of = page.js("JSON.parse(document.querySelector('#data').textContent).of[0].name")
    gradient = program.grad(start | moved, of=of)
    page.key("t")
    rows = dict(
        page.js(
            "[...document.querySelectorAll('.values tbody tr')].map(r => [r.cells[0].textContent,"
            " r.cells[4].textContent.replace('−', '-')])"
        )
    )
    shown = {name for name in gradient.partials if rows[name]}
    assert shown >= moved.keys()
    for name, x in ((name, gradient.partials[name]) for name in shown):
        assert float(rows[name]) == pytest.approx(x, rel=1e-12, abs=1e-12), name
    assert page.complaints() == []
    page.close()


# ---- how it looks


def test_prints_the_graph_and_the_table(show: Open) -> None:
    page = show(article(), "#.theme=dark")
    assert len(page.pdf()) > 10_000
    page.call("Emulation.setEmulatedMedia", media="print")
    page.js("dispatchEvent(new Event('beforeprint'))")
    assert page.js("document.querySelector('.picture').getBoundingClientRect().height") > 100
    assert page.js("document.querySelectorAll('#table tr').length") == 7
    assert page.js("document.querySelector('#table').checkVisibility()")
    assert page.js("document.documentElement.dataset.theme") == "light"


@pytest.mark.parametrize("width", [390, 700, 900, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_cut_off_or_pale(show: Open, width: int, dark: bool) -> None:
    page = show(article(), "#.card=1", width=width, dark=dark)
    assert page.js("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    assert page.js("document.documentElement.scrollWidth") <= width
    outside = page.js(
        "[...document.querySelectorAll('header button, header input, #player > button')]"
        ".filter(e => { const b = e.getBoundingClientRect(); return b.left < 0 || b.right > innerWidth; }).length"
    )
    assert outside == 0
    size = "(b => Math.min(b.width, b.height))(document.querySelector('.picture').getBoundingClientRect())"
    assert page.js(size) > 200
    assert min(page.js(CONTRASTS)) >= 4.5


CONTRASTS = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = e => {
    for (let at = e; at; at = at.parentElement) {
      const colour = rgb(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return rgb(getComputedStyle(document.documentElement).backgroundColor);
  };
  return [...document.querySelectorAll('body *:not(script)')]
    .filter(e => !e.closest('svg') && !e.closest(':disabled') && e.checkVisibility()
      && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
    .map(e => {
      const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    });
})()"""


def test_a_thousand_cards(show: Open) -> None:
    """Numbers in sight are written when they change; the others when they come into sight."""
    page = show(page_fixture.page_data(page_fixture.many(1000), "many", 32))
    page.js(
        "(() => { window.written = 0; new MutationObserver(list => { written += list.length; })"
        ".observe(document.querySelector('.world'), {subtree: true, characterData: true}); })()"
    )
    page.drag("#inputs .input:nth-of-type(4) input", [(5, 0)])
    assert page.js("written") == 0  # too small to be read
    page.js("document.activeElement.blur()")
    for _ in range(9):
        page.key("+")
    assert 100 < page.js("written") < 2000
    page.key("/")
    page.type("v500")
    page.key("Enter")
    shown, full = (float(text.replace("−", "-")) for text in (numbers(page, 500)[0], page.text("#inspector dd")))
    assert shown == pytest.approx(full, rel=1e-4)


def test_a_slider_spans_no_more_than_its_value_needs(show: Open) -> None:
    page = show(article())
    ends = f"(s => [s.min, s.max])(document.querySelector('{FIRST_SLIDER}'))"
    before = page.js(ends)
    page.click(FIRST_FIELD)
    for text, after in (("1e300", [before[0], "1e+300"]), ("2", before)):
        page.key("a", 2)
        page.type(text)
        assert page.js(ends) == after


def test_what_scrolls_can_be_reached_by_the_keyboard(show: Open) -> None:
    page = show(article())
    assert page.js("[...document.querySelectorAll('#source, #source ol')].map(e => e.tabIndex)") == [0, 0]


def test_names_of_other_themes_are_no_themes(show: Open) -> None:
    page = show(article(), "#.theme=constructor")
    assert page.js("document.documentElement.dataset.theme") == "light"
    assert page.complaints() == []


def test_an_infinity_is_near_no_other_number(show: Open) -> None:
    data, passes = article()
    page = show((data, passes.replace("s[3] = s[0] + s[1]", "s[3] = Infinity")))
    assert "computes the value of d otherwise than cg;" in page.text("#problem")


def test_paths_that_do_not_add_up_to_the_derivative_are_not_listed(browser: Browser, tmp_path: Path) -> None:
    program = load(written(tmp_path, "y = where(a > 0, log(a), a^2)"))
    (tmp_path / "page.html").write_text(live_page(program, {"a": 1}, None, PictureOptions(), print), encoding="utf-8")
    page = Page(browser)
    page.open(tmp_path / "page.html", "#.card=0")
    assert equation(page, "Paths") == ["a → log → y: 1", "a → ((·)²) → y: 0"]
    page.open(tmp_path / "page.html", "#.card=0&a=0")
    assert equation(page, "How its derivative") == ["∂y/∂a = 0"]
    assert equation(page, "Paths") == []
    page.close()


def test_both_sides_of_a_branch_show_what_they_compute(browser: Browser, tmp_path: Path) -> None:
    program = load(written(tmp_path, "if a > 0 { y = a^3 } else { y = exp(a) * b }\noutput y"))
    start = live_page(program, {"a": 2, "b": 3}, None, PictureOptions(), print)
    (tmp_path / "page.html").write_text(start, encoding="utf-8")
    page = Page(browser)
    texts = "[...document.querySelectorAll('svg.picture text')].map(t => t.textContent)"
    page.open(tmp_path / "page.html")
    assert {"8", "12", "∂y₀/∂a = 12"} <= set(page.js(texts))
    page.open(tmp_path / "page.html", "#a=0")
    assert {"1", "3", "∂y₁/∂b = 1"} <= set(page.js(texts))
    assert "∂y₀/∂a = 12" not in page.js(texts)
    page.close()


def written(folder: Path, text: str) -> str:
    (folder / "program.cg").write_text(text)
    return str(folder / "program.cg")


# ---- cg live


def test_the_served_page_follows_its_file(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "f.cg"
    file.write_text("y = a * b", encoding="utf-8")
    command = [sys.executable, "-m", "cgcli", "live", str(file), "--a", "2", "--b", "3"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        try:
            assert running.stdout is not None
            page = Page(browser)
            page.open(running.stdout.readline().strip(), "#a=5")
            value = "document.querySelector('#inspector')?.textContent"
            page.wait(f"{value}.includes('15')")
            file.write_text("y = a * b + 100", encoding="utf-8")
            page.wait(f"{value}?.includes('115')")  # what was dragged stays
            file.write_text("y = (a * b", encoding="utf-8")
            page.wait("document.querySelector('#live-error')?.textContent.includes('this `(` is never closed')")
            assert "115" in page.text("#inspector")  # below the error the last picture
            file.write_text("y = a * b", encoding="utf-8")
            page.wait(f"!document.querySelector('#live-error') && {value}?.includes('15')")
            page.close()
        finally:
            running.kill()
