"""The syntax of Python 2; what is expected was printed by Python 2.7.18."""
# ruff: noqa: E501  (a case is a line)

import pytest

from dgnam.caffe.launch.python2.source import to_python3
from tests.caffe.launch.python2.translated import printed, run


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("print 'a', 1, 1/3.", "a 1 0.333333333333\n"),
        ("print", "\n"),
        ("print 'a',\nprint 'b'", "a b\n"),
        ("print 'a\\t',\nprint 'b'", "a\tb\n"),
        ("print 'a',", "a\n"),
        ("print ('a', 1), ('b')", "('a', 1) b\n"),
        ("print ('a'), 'b'", "a b\n"),
        ("print('a')", "a\n"),
        ("if 1: print 'a'; print 'b'", "a\nb\n"),
        ("for i in (1, 2): print i,\nelse: print 'end'", "1 2 end\n"),
        ("print 'a', \\\n    'b'", "a b\n"),
        ("print '''a\nb''', 'c'", "a\nb c\n"),
        ("print 'x' if 0 else 'y', not 1, lambda: 1 and 2,\nprint".replace(", lambda: 1 and 2,", ""), "y False\n\n"),
        ("def f():\n    print 'in'\n    return 1\nprint 'f', f()", "f in\n1\n"),
        ("from __future__ import print_function\nprint('a', 'b', sep='-')", "a-b\n"),
        ("'print_function'\nprint 'a', 1", "a 1\n"),
        ("import sys\nprint >>sys.stdout, 'a', 1\nprint >>sys.stdout", "a 1\n\n"),
        ("import sys\nprint >>sys.stdout, 'a',\nprint >>sys.stdout, 'b'", "a b\n"),
        ("print >>None, 'a'", "a\n"),
        ("print `1`", "1\n"),
        ("print 'a' + `4`; print `5`,; print `6`, `7`", "a4\n5 6 7\n"),
        ("import sys\nprint >>sys.stdout, `'a'`", "'a'\n"),
        ("try: raise ValueError, `3`\nexcept ValueError, e: print e", "3\n"),
        ("space = {'x': 3}\nexec 'y = ' + `4`\nexec 'print x + ' + `1` in space\nprint y", "4\n4\n"),
        ("exec `'print 1'`[1:-1]\nprint [i for i in `1`, `2`], (lambda: `3`)()", "1\n['1', '2'] 3\n"),
        ("assert 1, `2`\ndef f(): return `3`\nprint f()", "3\n"),
        ("print 123456789012.5, 1e16, -2.0, 1e-5, 100000000000.0", "1.23456789012e+11 1e+16 -2.0 1e-05 1e+11\n"),
        ("print float, type(1), type(None)", "<type 'float'> <type 'int'> <type 'NoneType'>\n"),
    ],
)
def test_print(source, shown):
    assert printed(source) == shown


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("x = 0777, 0, 00, 10L, 0xFFL, 0x1f, 1e5, 0.5, 5J", (511, 0, 0, 10, 255, 31, 1e5, 0.5, 5j)),
        ("x = 1 <> 2, 1 <> 1", (True, False)),
        ("x = `1` + `'a'`, `1, 2`, `.1 + .2`", ("1'a'", "(1, 2)", "0.30000000000000004")),
        ("x = [i * 2 for i in 1, 2, 3]", [2, 4, 6]),
        (r"x = len('\u1234'), len(u'\u1234'), len(ur'\u1234\d'), '\usepackage', r'\u'", (6, 1, 3, "\\usepackage", "\\u")),
        ("from __future__ import unicode_literals\nx = len('\\u1234')", 1),
        ("exec 'x = 5/2'", 2),
        ("space = {}\nexec 'y = 1' in space\nx = space['y']", 1),
        ("space, local = {'b': 2}, {}\nexec 'y = b' in space, local\nx = local", {"y": 2}),
        ("space = {}\nexec('y = 1', space)\nx = space['y']", 1),
        ("def f(a, (b, (c, d)), e=1):\n    'doc'\n    return a, b, c, d, e\nx = f(1, (2, (3, 4))), f.__doc__", ((1, 2, 3, 4, 1), "doc")),
        ("x = (lambda (a, b), c: a * b * c)((2, 3), 4), (lambda a, (b,): (a, b))(1, [2])", (24, (1, 2))),
        ("x = map(lambda (k, v): k + v, {'a': 'b'}.items())", ["ab"]),
        ("def f(async, await=1): return async + await\nx = f(async=2)", 3),
        ("if 1:\n\tx = 1\n        \n        x += 1", 2),
        ("def f():\n\tif 1:\n        \tx = '''a\n\tb'''\n\treturn x\nx = f()", "a\n\tb"),
        ("x = 1\r\nif x:\r\n    x = 7/2\r\n", 3),
    ],
)  # fmt: skip
def test_values(source, value):
    assert run(source)["x"] == value


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("try:\n    raise ValueError, 'no'\nexcept ValueError, e:\n    print e, e.message, e.args\nprint e", "no no ('no',)\nno\n"),
        ("try:\n    raise ValueError, (1, 2)\nexcept (KeyError, ValueError), (a, b):\n    print a, b", "1 2\n"),
        ("try:\n    open('/nothing')\nexcept IOError, (number, text):\n    print number, text", "2 No such file or directory\n"),
        ("class A: pass\no = A()\ntry:\n    raise KeyError('k')\nexcept KeyError, o.error: pass\nprint o.error.args", "('k',)\n"),
        ("try:\n    raise ValueError\nexcept: print 'any'", "any\n"),
        ("try:\n    raise ValueError, ValueError('x')\nexcept ValueError as e: print e", "x\n"),
        ("import sys\ntry:\n    try: 1/0\n    except Exception, e: raise TypeError, 'other', sys.exc_info()[2]\nexcept TypeError, e: print e", "other\n"),
    ],
)  # fmt: skip
def test_exceptions(source, shown):
    assert printed(source) == shown


def test_lines_stay_where_they_are():
    source = "def f(a,\n      (b,\n       c)):\n    print a, \\\n        b\n    raise E, \\\n        c\nx = [`1\n` for i in 1,\n 2]\n"
    assert len(to_python3(source, "x.py")[0].splitlines()) == len(source.splitlines())


@pytest.mark.parametrize(
    ("source", "line", "reason"),
    [
        ("x = 1\ndef f(:\n  pass\n", 2, "invalid syntax of Python 2 at ':'"),
        ("class A:\n    def m(self):\n        return 1 +\n", 3, "invalid syntax of Python 2"),
        ("if 1:\n   x=1\n  y=2\n", 3, "unindent"),
        ('x = """abc\n', 1, "EOF in multi-line string"),
        ("x = (1,\n2\n", 3, "EOF in multi-line statement"),
        ("x = 1\nreturn 5\n", 2, "outside function"),
        ("x = 5; y = 3 x\n", 1, "at 'x'"),
        ('x = 1\ny = f"{x}"\n', 2, "an f-string: this is Python 3"),
        ("def f(a: int): pass\n", 1, "an annotation: this is Python 3"),
        ("\ndef f(a, *, b=1): pass\n", 2, "a keyword-only parameter: this is Python 3"),
        ("x: int = 1\n", 1, "an annotation"),
        ("if (n := 10) > 5: pass\n", 1, "the operator :="),
        ("a, *b = 1, 2\n", 1, "a starred element"),
        ("raise ValueError() from None\n", 1, "raise … from"),
        ("def f():\n    yield from g()\n", 2, "yield from"),
        ("async def f(): pass\n", 1, "async def"),
        ("print(1, file=None)\n", 1, "at '='"),
    ],
)
def test_what_is_no_python_2(source, line, reason):
    with pytest.raises(SyntaxError, match=reason) as raised:
        run(source)
    assert raised.value.filename == "translated.py"
    assert raised.value.lineno == line
    lines = source.splitlines()
    assert raised.value.text.strip() == (lines[line - 1].strip() if line <= len(lines) else "")
