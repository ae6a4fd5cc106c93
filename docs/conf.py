"""How Sphinx makes the site; scripts/site_build.py calls it."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.transforms import SphinxTransform

import grok_imagine

project = "grok-imagine"
author = "The grok-imagine maintainers"
version = release = grok_imagine.__version__
root_doc = "index"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_design"]
exclude_patterns = ["files/**"]

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False  # it fetches pages, which a browser refuses to do from a folder
html_theme_options = {"footer_icons": [], "navigation_with_keys": True}

# Words in backticks are code in the docstrings, as in Markdown.
default_role = "literal"
smartquotes_action = "D"  # dashes alone: texts of the service are shown letter by letter
highlight_language = "text"
pygments_style = "friendly"
pygments_dark_style = "github-dark"

myst_enable_extensions = ["attrs_block", "colon_fence"]
myst_heading_anchors = 4
myst_links_external_new_tab = False

add_module_names = False  # most modules are private
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # else they are called variables
python_use_unqualified_type_names = True
maximum_signature_line_length = 72


class Sections(SphinxTransform):
    """Makes the mark in a heading the anchor of its section: the name of the contract's section, as it is."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Takes the mark out of each title."""
        for title in list(self.document.findall(nodes.title)):
            for mark in [node for node in title if isinstance(node, nodes.raw)]:
                if found := re.match(r'<span id="([^"]+)">', mark.astext()):
                    title.parent["ids"].insert(0, found[1])
                    self.document.ids[found[1]] = title.parent
                title.remove(mark)


MADE_HERE = r"_a?sync\.|(Async)?(Video|Job|Batch|File|FileOutput|Outcome|Entry|Reconciliation|Service\w+|BatchRe\w+)$"
"""Classes that only the package makes: a client's attributes, and results."""


def hide_making(
    app: Sphinx, what: str, name: str, value: object, options: object, signature: str | None, returns: str | None
) -> tuple[str, str] | None:
    """Hides the arguments of a class that only this package makes, and those of errors."""
    is_hidden = what == "exception" or (what == "class" and re.match(rf"grok_imagine\.({MADE_HERE})", name))
    return ("", "") if is_hidden and signature is not None else None


def parse_attribute(self: GoogleDocstring) -> list[str]:
    """The docstring of an attribute or a property, read as any other: Napoleon takes words before a colon for its type."""
    self._what = "method"
    self._parse()
    lines, self._parsed_lines = self._parsed_lines, []
    return lines


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_transform(Sections)
    app.add_lexer("csv", TextLexer)
    app.connect("autodoc-process-signature", hide_making)
    GoogleDocstring._parse_attribute_docstring = parse_attribute
