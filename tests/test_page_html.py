"""The live page as a file: what it is made of, what its policy allows, and that no text of a user is read as HTML."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from page_fixture import ARTICLE, page_data

from cgcli.render.page import html as page
from cgcli.render.page.shorten import OUTSIDE, shorten_css, shorten_javascript, tokens, variables

SHELL, WHOLE = 60 * 1024, 75 * 1024
HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028\u2029\u202e"
ASSETS = Path(page.__file__).parent / "assets"


class Reader(HTMLParser):
    """The elements of a page and the text inside each script and style."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style") and data.strip():
            self.texts.append((self.elements[-1][0], data))


@pytest.fixture(scope="module")
def article() -> str:
    return page.html(*page_data(ARTICLE))


def test_is_one_file_that_asks_for_nothing(article: str) -> None:
    reader = Reader(article)
    tags = {tag for tag, _ in reader.elements}
    assert not tags & {"link", "iframe", "img", "object", "embed", "base", "form"}
    for _, attributes in reader.elements:
        assert not {name for name in attributes if name.startswith("on") or name in ("src", "href", "style")}
    assert re.findall(r"https?://[^\"' ]*", article) == ["http://www.w3.org/2000/svg"]
    assert not re.search(
        r"\beval\b|\bFunction\(|innerHTML|outerHTML|insertAdjacentHTML|document\.write|fetch\(", article
    )


def test_policy_allows_the_script_and_the_style_alone(article: str) -> None:
    reader = Reader(article)
    policy = next(a["content"] for _, a in reader.elements if a.get("http-equiv") == "Content-Security-Policy")
    [style] = [text for tag, text in reader.texts if tag == "style"]
    _data, script = [text for tag, text in reader.texts if tag == "script"]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_names_of_users_stay_data() -> None:
    data, passes = page_data(ARTICLE)
    data |= {"name": HOSTILE, "formula": HOSTILE}
    data["cards"][0] |= {"title": HOSTILE, "label": HOSTILE}
    text = page.html(data, passes)
    assert [tag for tag, _ in Reader(text).elements] == [
        tag for tag, _ in Reader(page.html(*page_data(ARTICLE))).elements
    ]
    assert not set("\u2028\u2029") & set(text)
    [written] = re.findall(r'id="data">(.*?)</script>', text)
    assert json.loads(written) == data
    assert not set("<>&") & set(written)


def test_half_a_character_is_kept_as_an_escape() -> None:
    data = {"a": "\ud800"}
    assert json.loads(page.escaped_json(data).encode().decode()) == data


@pytest.mark.parametrize("mark", ["</script>", "<!--"])
def test_a_script_that_html_would_end_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="a mark that HTML"):
        page.html({}, f'const passes = ["{mark}"];')


def test_sizes(article: str) -> None:
    shell = len(page.html({}, "const passes=[];").encode())
    assert shell <= SHELL
    assert len(article.encode()) <= WHOLE


def test_is_the_same_each_time(article: str) -> None:
    assert page.html(*page_data(ARTICLE)) == article


# ---- the modules


def test_every_module_is_joined() -> None:
    assert sorted(page.modules()) == sorted(path.stem for path in ASSETS.glob("*.js"))


def test_names_of_modules_are_unique() -> None:
    """They share one scope in the page."""
    pattern = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+|[\[{][^=]*)", re.MULTILINE)
    names = [
        name
        for text in page.modules().values()
        for declared in pattern.findall(text)
        for name in re.findall(r"\w+", declared)
    ]
    assert sorted(names) == sorted(set(names))
    assert "passes" not in names


def test_modules_keep_to_what_joining_needs() -> None:
    for name, text in page.modules().items():
        lines = text.splitlines()
        imports = [line for line in lines if line.startswith("import ")]
        assert imports == [match[0] for match in page._IMPORT.finditer(text)], name
        assert not re.search(
            r"^export (?!function|const)|^export default|\bimport\(\"(?!\./\w+\.js\"\)\.)", text, re.MULTILINE
        ), name
        for line in lines:
            assert line.count("`") % 2 == 0, (name, line)  # no template goes over several lines
        for imported, module in re.findall(r'^import \{ ([^}]+) \} from "\./(\w+)\.js";$', text, re.MULTILINE):
            for each in imported.split(", "):
                assert re.search(rf"^export (?:function|const) {each}\b", page.modules()[module], re.MULTILINE), (
                    name,
                    each,
                )
                assert len(re.findall(rf"\b{each}\b", text)) > 1, (name, each)


def test_a_module_comes_after_those_that_it_imports() -> None:
    joined = page.script_of({"one": 'import { b } from "./two.js";\n\nconst a = b;\n', "two": "export const b = 1;\n"})
    assert joined == "{let a=1,b=a}"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not there")
@pytest.mark.parametrize("name", sorted(path.stem for path in ASSETS.glob("*.js")))
def test_shortening_keeps_the_meaning(name: str, tmp_path: Path) -> None:
    """A line break that stood for a semicolon would be missed: Node would not read what is left."""
    text = page._unwrapped(page.modules()[name])
    short = tmp_path / f"{name}.js"
    short.write_text(shorten_javascript(text), encoding="utf-8")
    subprocess.run(["node", "--check", short], check=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("const one = two ? three : one;\n", "let a=c?b:a;"),
        ("a + b - c / d * e;", "a+b-c/d*e;"),
        ("a - -b;\na + +b;\nwhile (a-- > b) c();", "a- -b;a+ +b;while(a-- >b)c();"),
        ('f("a  //  b", `  ${ one + 1 }  ${two}$`); // words', 'a("a  //  b",`  ${b+1}  ${c}$`);'),
        ("/** words */\nfunction f(one) {\n  return one;\n}\n", "function b(a){return a}"),
        ("x = /\\s+ \\/ [/ ]+/g;", "a=/\\s+ \\/ [/ ]+/g;"),
        ("return /a  b/;", "return/a  b/;"),
        ("x = (one + two) / 2 / x;", "a=(b+c)/2/a;"),
        ("const [a, , b] = [c, d,];", "let[a,,b]=[c,d];"),
        ("if (a) {\n  b();\n} else if (c) d();", "if(a){b()}else if(c)d();"),
        ("/a/.test(a) ? 1e-4 : 0.5;", "/a/.test(a)?1e-4:0.5;"),
        ("const x = /** @type {any} */ (y);", "let a=(b);"),
        ("const f = (/** @type {number} */ one) => -one;", "let b=a=>-a;"),
        # declarations in a row
        ("const a = 1;\nlet b = 2;\nb();\nconst c = 3;", "let b=1,a=2;a();let c=3;"),
        ("const a = () => {\n  b();\n};\nconst c = 3;\nif (c) {\n}\nlet d = 4;", "let b=()=>{c()},a=3;if(a){}let d=4;"),
        ("for (let a = 0; a < 3; a++) {\n  const b = 1;\n}", "for(let a=0;a<3;a++){let b=1}"),
        # names of properties stay
        ("const { one, two } = three;\none.two = two;", "let{one:a,two:b}=c;a.two=b;"),
        ("f({ one, two: three, four() {\n  one();\n} });", "b({one:a,two:c,four(){a()}});"),
        ("f(one, two, { ...one }, [one, two]);", "c(a,b,{...a},[a,b]);"),
        ("document.body.one = Math.max(one, NaN);", "document.body.one=Math.max(a,NaN);"),
        ("for (const { one } of two) {\n  one();\n}", "for(let{one:a}of b){a()}"),
        ("one?.two(two);", "a?.two(b);"),
    ],
)
def test_shortened_javascript(before: str, after: str) -> None:
    assert shorten_javascript(before) == after


def test_names_from_outside_are_listed() -> None:
    """Each name of a variable is declared in the assets or stands among those that the browser defines."""
    served = (ASSETS.parent / "live.js").read_text(encoding="utf-8")
    text = page._unwrapped("".join([*page.modules().values(), served]))
    program = list(tokens(text))
    names = {program[k] for k, _ in variables(program)}
    declared = set(re.findall(r"(?:const|let|function) (\w+)", text))
    for patterns in re.findall(
        r"(?:const|let) ([\[{][^=]*?[\]}]) (?:=|of)|function \w+\(([^)]*)\)|\(((?:[^()]|\([^()]*\))*)\) =>"
        r"|(\w+) =>|^ +\w+\(([^)]*)\) \{$",
        re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL),
        re.MULTILINE,
    ):
        declared |= set(re.findall(r"\w+", " ".join(patterns)))
    assert names - declared == set()
    assert declared & OUTSIDE == set()
    assert set(program) >= OUTSIDE


def test_assets_keep_to_what_shortening_understands() -> None:
    for name, text in page.modules().items():
        assert not re.search(r"^\s*(?:var|class|switch|do|async|get|set|static) ", text, re.MULTILINE), name
        assert not re.search(r"\$\{[^}]*[{`]", text), name  # braces and templates inside a template
        program = list(tokens(page._unwrapped(text)))
        defaults = [k for k, token in enumerate(program) if token == "{" and program[k - 1] in ("const", "let", "(")]
        assert not [k for k in defaults if program[k + 2] == "="], name


def test_shortened_style() -> None:
    before = (
        '/* words */\na:is(b, c) > d { width: calc(1px + 2px);  content: "a  b"; }\n@media (x: 1) {\n  e { f: g }\n}\n'
    )
    after = 'a:is(b,c) > d{width:calc(1px + 2px);content:"a  b"}@media (x:1){e{f:g}}'
    assert shorten_css(before) == after
