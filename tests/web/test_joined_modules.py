"""The page's modules as one script, run by node."""

import pytest
from by_node import printed

from latentviz.web.modules import joined
from latentviz.web.page import json_text


def run(script):
    return printed(script, kind="commonjs")


def test_modules_take_from_each_other():
    sources = {
        "main": 'import { twice, Box as Crate } from "./tools.js";\n'
        'import { one } from "./numbers.js";\n'
        "console.log(twice(one), new Crate().name, typeof hidden);\n",
        "tools": 'import { one } from "./numbers.js";\n'
        "const hidden = 1;\n"
        "export function twice(x) {\n  return x * 2 * one * hidden;\n}\n"
        'export class Box {\n  name = "box";\n}\n',
        "numbers": "// a comment\nexport const one = 1;\nexport {};\n",
        "unused": "throw new Error();\n",
    }
    assert run(joined(sources, "main")) == "2 box undefined\n"


def test_functions_of_all_kinds_are_exported():
    sources = {
        "main": 'import { a, b } from "./kinds.js";\na().then((x) => console.log(x, [...b()]));\n',
        "kinds": "export async function a() {\n  return 1;\n}\n"
        "export function* b() {\n  yield 2;\n}\n",
    }
    assert run(joined(sources, "main")).split() == ["1", "[", "2", "]"]


def test_comments_are_left_out_and_nothing_else():
    source = """// first
/**
 * A function.
 */
export function f() {
  // inside
  const found = /** @type {number} */ (1);
  /** @type {number} */ const other = 2; /* kept */
  return `a // b
  /* c */ ${found + other}`;
}
/** last */
"""
    script = joined({"main": f"{source}console.log(f());\n"}, "main")
    assert run(script) == "a // b\n  /* c */ 3\n"
    for words in ("first", "A function", "inside", "last"):
        assert words not in script


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('import * as all from "./b.js";\n', "import * as all"),
        ('export * from "./b.js";\n', "export *"),
        ("export default 1;\n", "export default 1"),
        ("const a = 1;\nexport { a };\n", "export { a }"),
        ('import { a } from "elsewhere";\n', "import { a } from"),
        ('import { a } from "./missing.js";\n', "no module missing.js"),
        ('import { a } from "./main.js";\n', "import each other"),
    ],
)
def test_what_is_not_understood_is_refused(source, words):
    with pytest.raises(ValueError, match=words.replace("*", r"\*")):
        joined({"main": source, "b": "export const b = 1;\n"}, "main")


def test_json_cannot_end_its_script():
    text = json_text({"name": "</script><!-- & \u2028 é"})
    assert not set("<>&\u2028") & set(text)
    assert "é" in text
    assert (
        run(f"console.log(JSON.parse({text!r}).name === '</script><!-- & \\u2028 é')") == "true\n"
    )
