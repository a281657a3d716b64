"""What the pages name is there: links, anchors, make targets, files, commands, routes."""

import importlib.util
import re
import shlex

from api.cli.parsing import parser
from api.cli.table import COMMANDS
from api.routes import ROUTES
from tests.docs import generate, pages, ways_in

WRITTEN = [page for page in pages.ALL if page.name not in generate.PAGES]
ROUTE = re.compile(r"\b(GET|POST|PUT|DELETE|WS) (/(?:api|ws)\b[\w/{}-]*)")
URL = re.compile(r"https?://127\.0\.0\.1:8800(/[\w/-]*)")


def wrong(those, found):
    """What is found on these pages, by their names; those without are left out."""
    return {pages.name(page): sorted(what) for page in those if (what := found(page))}


def test_every_link_and_anchor_leads_somewhere():
    def dead(page):
        for link in pages.links(page):
            path, _, anchor = link.partition("#")
            target = (page.parent / path) if path else page
            if not target.exists() or (anchor and anchor not in pages.anchors(target)):
                yield link

    assert {} == wrong(pages.ALL, lambda page: list(dead(page)))


def test_every_make_target_exists():
    makefile = pages.text(pages.ROOT / "Makefile")
    known = set(re.findall(r"^([a-z0-9]+):", makefile, flags=re.MULTILINE))

    assert {} == wrong(pages.ALL, lambda page: pages.targets(page) - known)


def test_every_command_in_a_block_is_one_that_can_be_typed():
    def odd(page):
        typed = [line for line in pages.lines(page) if line.startswith("dango ")]
        return [line for line in typed if not understood(line)]

    assert {} == wrong(pages.ALL, odd)


def test_every_command_that_is_named_exists():
    names = {command.name.partition(" ")[0] for command in COMMANDS}

    assert {} == wrong(pages.ALL, lambda page: pages.commands(page) - names)


def understood(line):
    """Whether the command line takes these words."""
    words = shlex.split(line.partition(" ||")[0].partition(" | ")[0])
    try:
        parser().parse_args(words[1:])
    except SystemExit as ended:
        return ended.code == 0
    return True


def test_every_file_that_is_named_exists():
    def gone(page):
        return {path for path in pages.paths(page) if not (pages.ROOT / path).exists()}

    assert {} == wrong(pages.ALL, gone)


def test_every_module_that_is_named_exists():
    def exists(name):
        """A module, or something in one."""
        folder = pages.ROOT.joinpath(*name.split("."))
        if folder.is_dir() or folder.with_suffix(".py").is_file():
            return True
        module, _, attribute = name.rpartition(".")
        path = pages.ROOT.joinpath(*module.split("."))
        source = path.with_suffix(".py") if not path.is_dir() else path / "__init__.py"
        return source.is_file() and re.search(rf"\b{attribute}\b", pages.text(source)) is not None

    assert {} == wrong(WRITTEN, lambda page: {n for n in pages.modules(page) if not exists(n)})


def test_every_route_that_is_named_exists():
    known = {(route.method, shape(ways_in.path(route))) for route in ROUTES}

    def unknown(page):
        named = {(method, shape(path)) for method, path in ROUTE.findall(pages.text(page))}
        return named - known

    assert {} == wrong(WRITTEN, unknown)


def test_every_address_that_is_asked_exists():
    paths = {re.sub(r"\{\w+\}", "[^/]+", ways_in.path(route)) for route in ROUTES}
    known = re.compile("|".join(f"(?:{path})" for path in sorted(paths)))

    def unknown(page):
        asked = {path.rstrip("/") for path in URL.findall(pages.text(page))} - {""}
        return {path for path in asked if not known.fullmatch(path)}

    assert {} == wrong(WRITTEN, unknown)


def shape(path):
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


def test_every_python_block_is_python():
    for page in WRITTEN:
        for body in pages.blocks(page, "python"):
            compile(body, pages.name(page), "exec")


def test_no_page_tells_where_it_was_written():
    def told(page):
        return re.findall(r"/(?:work|tmp|home|root)/[\w./-]+", pages.prose(page))

    assert {} == wrong(pages.ALL, told)


def test_every_page_is_reached_from_the_first():
    seen, waiting = set(), [pages.ROOT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        linked = [link.partition("#")[0] for link in pages.links(page)]
        waiting += [page.parent / link for link in linked if link]

    fragments = {page.resolve() for page in (pages.DOCS / "changelog.d").iterdir()}

    assert set() == {page.resolve() for page in pages.ALL} - seen - fragments


def test_the_reference_generator_is_where_the_pages_say():
    assert importlib.util.find_spec(generate.COMMAND.split()[-1])
