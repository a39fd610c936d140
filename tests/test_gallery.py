"""The pictures and plots of docs/gallery are what the tool draws."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
GALLERY = ROOT / "docs/gallery"
SLOW = {"chain"}  # a run of a million steps


def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gallery", GALLERY / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKER = maker()


def drawn(picture: Path) -> str:
    """A picture with its numbers to twelve digits, and what is rounding alone as 0: the array library's versions differ
    in what lies behind."""
    text = picture.read_text(encoding="utf-8").replace("&#45;", "-")
    text = re.sub(r"-?\d+\.?\d*e-(1[5-9]|[2-9]\d)\b", "0", text)
    return re.sub(r"-?\d+\.\d{12,}(e-?\d+)?", lambda match: f"{float(match[0]):.12g}", text)


def quick(name: str, theme: str) -> bool:
    """A dark picture differs from the light one in its colours alone: two show that."""
    return name not in SLOW and (theme == "light" or name in ("article", "black_scholes"))


@pytest.mark.parametrize(
    ("name", "theme"),
    [
        pytest.param(name, theme, marks=() if quick(name, theme) else pytest.mark.thorough)
        for name in MAKER.PICTURES
        for theme in MAKER.THEMES
    ],
)
def test_a_picture_is_what_is_drawn_now(name: str, theme: str, tmp_path: Path) -> None:
    made: Path = MAKER.draw(name, theme, tmp_path)
    assert drawn(made) == drawn(GALLERY / made.name)


def test_the_page_shows_all_pictures_and_no_others() -> None:
    page = (GALLERY / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\((\S+\.svg)\)", page))
    assert linked == {path.name for path in GALLERY.glob("*.svg")}
    names = [*MAKER.PICTURES, *MAKER.CURVES]
    pictures = {f"{name}.{theme}.svg" for name in names for theme in MAKER.THEMES}
    assert linked == pictures | {f"{name}.svg" for name in MAKER.PLOTS}


CURVES = [
    pytest.param(name, theme, marks=pytest.mark.thorough if theme == "dark" else ())
    for name in MAKER.CURVES
    for theme in MAKER.THEMES
]


@pytest.mark.parametrize(("name", "theme"), CURVES)
def test_curves_are_what_is_drawn_now(name: str, theme: str, tmp_path: Path) -> None:
    compare_plots(MAKER.draw(name, theme, tmp_path))


@pytest.mark.parametrize("name", MAKER.PLOTS)
def test_a_plot_is_what_is_drawn_now(name: str, tmp_path: Path) -> None:
    compare_plots(MAKER.plot(name, tmp_path))


def compare_plots(made: Path) -> None:
    """The same texts and, by the same matplotlib, the same curves: to a hundredth of a point, for rounding differs."""
    picture, now = (path.read_text("utf-8") for path in (GALLERY / made.name, made))
    assert texts_of(now) == texts_of(picture)
    assert len(texts_of(picture)) > 10
    if creator(now) == creator(picture):
        assert numbers_of(now) == pytest.approx(numbers_of(picture), abs=0.011)
    assert len(picture.encode()) < 150_000


def creator(plot: str) -> str:
    """The version of matplotlib that drew a plot."""
    return re.findall(r"Matplotlib v[\d.]+", plot)[0]


def texts_of(plot: str) -> list[str]:
    return re.findall("<!-- (.*) -->", plot)


def numbers_of(plot: str) -> list[float]:
    """The coordinates of the curves."""
    return [float(number) for path in re.findall(' d="([^"]*)"', plot) for number in re.findall(r"-?\d+\.?\d*", path)]


DRAWN = [path for path in sorted(GALLERY.glob("*.svg")) if path.name.partition(".")[0] in MAKER.PICTURES]


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name)
def test_each_picture_fits_a_page_and_no_text_of_it_is_smaller_than_11_pixels(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    size = re.search(r'width="([\d.]+)" height="([\d.]+)" viewBox="0 0 ([\d.]+) ', text)
    assert size is not None
    width, height, natural = map(float, size.groups())
    assert width <= 1600
    assert height <= 1800
    assert min(map(float, re.findall(r'font-size="([\d.]+)"', text))) * width / natural >= 10.99


@pytest.mark.parametrize("path", DRAWN, ids=lambda path: path.name)
def test_each_text_has_the_width_of_its_place(path: Path) -> None:
    texts = re.findall(r"<text [^>]*>", path.read_text(encoding="utf-8"))
    assert texts
    assert all("textLength=" in text for text in texts)
