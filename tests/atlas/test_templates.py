"""All that comes from files is escaped, and the only script that runs is the pages' own."""

import base64
import hashlib
import re

from dgnam.atlas.sources import Refused
from dgnam.atlas.templates import render, style


def index(**values):
    return render("index.html", **{"cards": [], "refused": [], "root": "", "above": [], **values}).decode()


def test_text_is_escaped():
    page = index(refused=[Refused("<script>alert(1)</script>", "\"'&<b>")])
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&#34;&#39;&amp;&lt;b&gt;" in page


def test_characters_that_harm():
    page = index(refused=[Refused("a\x00b\x1b[31m\u202ec", "x\ud800\ny")])
    assert "a\ufffdb\ufffd[31m\ufffdc" in page
    assert "x?\ny" in page


def test_the_policy_names_the_script():
    page = index()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "tojson" not in script


def test_nothing_comes_from_the_network():
    assert not re.search(r"(?:https?:)?//[a-z]", index() + style().decode())
