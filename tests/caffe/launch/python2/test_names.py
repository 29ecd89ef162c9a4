"""Python 2's builtins, methods and files; what is expected was printed by Python 2.7.18."""
# ruff: noqa: E501  (a case is a line)

import pytest

from tests.caffe.launch.python2.translated import cases, printed, run


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("map(None, [1, 2], [3])", [(1, 3), (2, None)]),
        ("map(lambda a, b: (a, b), [1], [2, 3])", [(1, 2), (None, 3)]),
        ("map(None, 'ab'), map(str, [1, 2.5])", (["a", "b"], ["1", "2.5"])),
        ("filter(None, [0, 1]), filter(lambda c: c != 'a', 'abca'), filter(None, (0, 2))", ([1], "bc", (2,))),
        ("zip('ab', [1, 2, 3]), zip()", ([("a", 1), ("b", 2)], [])),
        ("range(3), range(1, 7, 2), list(xrange(2.0))", ([0, 1, 2], [1, 3, 5], [0, 1])),
        ("range(2) + range(1)", [0, 1, 0]),
        ("round(2.5), round(-2.5), round(2.675, 2), round(1234.5, -2), round(1e300)", (3.0, -3.0, 2.67, 1200.0, 1e300)),
        ("type(round(2)).__name__", "float"),
        ("reduce(lambda a, b: a + b, [1, 2, 3]), apply(max, (1, 2)), coerce(1, 2.0)", (6, 2, (1.0, 2.0))),
        ("cmp(1, 2), cmp('b', 'a'), cmp([1], [1]), cmp(None, 0), cmp((1, None), (1, 2))", (-1, 1, 0, -1, -1)),
        ("sorted([3, 1, 2], lambda a, b: b - a), sorted('bA', key=str.lower)", ([3, 2, 1], ["A", "b"])),
        ("max(None, 3), min([None, 2]), max('a', 1), max([1, 2], key=lambda v: -v)", (3, None, "a", 1)),
        (
            "isinstance('x', basestring), isinstance(u'x', unicode), isinstance(1, long), isinstance(1, basestring)",
            (True, True, True, False),
        ),
        ("unicode('x'), unicode(3), unichr(97), unicode(b'\\xc3\\xa9', 'utf-8')", ("x", "3", "a", "é")),
        ("oct(8), oct(0), oct(-8), hex(255), ord('a'), intern('x')", ("010", "0", "-010", "0xff", 97, "x")),
        (
            "'abc'.encode('hex'), '616263'.decode('hex') == b'abc', '\\xc3'.decode('latin1') != u''",
            ("616263", True, True),
        ),
        (
            "'abc'.decode('utf8'), u'abc'.encode('utf8') == b'abc', 'a\\\\n'.decode('string_escape')",
            ("abc", True, "a\n"),
        ),
        ("'abcb'.translate(None, 'b')", "ac"),
        ("sum([1, 2], 3), sum([[1], [2]], [])", (6, [1, 2])),
        ("eval('1/2', {}), eval('a/2', {'a': 5})", (0, 2)),
        ("callable(len), StandardError.__name__, long('12'), int(3.9)", (True, "StandardError", 12, 3)),
        ("b'abc' + 'd', 'x%s' % b'y'", ("abcd", "xy")),
    ],
)
def test_builtins(source, value):
    assert run(f"x = {source}")["x"] == value


def test_sort_in_place():
    found = run(
        "a = [3, 1, 2]; a.sort(lambda p, q: q - p)\nb = [1, 'a', None]; b.sort(); b.sort(reverse=True)\nc = ['b', 'a']; c.sort(cmp)"
    )
    assert (found["a"], found["b"], found["c"]) == ([3, 2, 1], ["a", 1, None], ["a", "b"])


def test_a_name_of_the_script_goes_before_a_builtin():
    assert run("def map(a): return 'own', a\nx = map(1)")["x"] == ("own", 1)


def test_execfile_and_reload(tmp_path, monkeypatch):
    (tmp_path / "settings.py").write_text("ratio = 7/2\n")
    monkeypatch.chdir(tmp_path)
    assert run("execfile('settings.py')")["ratio"] == 3
    assert run("space = {}\nexecfile('settings.py', space)")["space"]["ratio"] == 3
    run("import sys\nreload(sys)\nsys.setdefaultencoding('utf8')")


def test_input(monkeypatch):
    monkeypatch.setattr("builtins.input", lambda prompt="": "7/2")
    assert run("y = 1\nx = input('number: ')")["x"] == 3


def test_files_take_texts_and_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = r"""
f = open('a', 'wb'); f.write('a,b\n1,2\n'); f.close()
x = open('a').read().split('\n'), [line for line in file('a')], open('a', 'rU').readline()
f = open('b', 'w'); f.write(b'\xff\x00'); print >>f, 'text'; f.close()
y = open('b', 'rb').read(), open('b').read() == open('b').read()
f = open('c', 'w'); f.write(open('b').read()); f.close()
z = open('c', 'rb').read()
open('d', 'w').write('a\r\nb\rc\n')
w = open('d').readlines(), open('d', 'rU').readlines()
v = isinstance(open('a'), file), isinstance('a', file)
"""
    found = run(source)
    assert found["x"] == (["a,b", "1,2", ""], ["a,b\n", "1,2\n"], "a,b\n")
    assert found["y"] == (b"\xff\x00text\n", True)
    assert found["z"] == found["y"][0]
    assert found["w"] == (["a\r\n", "b\rc\n"], ["a\n", "b\n", "c\n"])
    assert found["v"] == (True, False)


def test_string_io_holds_texts_or_bytes():
    source = """
from StringIO import StringIO
import cStringIO
a = StringIO(); a.write('x\\n'); print >>a, 'y'; a.seek(0); x = a.read(), a.getvalue(), StringIO('a\\nb').readlines()
b = cStringIO.StringIO(); b.write(b'\\xff'); y = b.getvalue()
z = [line for line in StringIO('a\\nb')]
"""
    found = run(source)
    assert found["x"] == ("x\ny\n", "x\ny\n", ["a\n", "b"])
    assert found["y"] == b"\xff"
    assert found["z"] == ["a\n", "b"]


def test_old_attributes():
    source = "class A:\n    def m(self): return self\no = A()\nx = o.m.im_self is o, o.m.im_func.func_name, o.m.im_class is A, ValueError('a').message"
    assert run(source)["x"] == (True, "m", True, "a")
    with pytest.raises(AttributeError, match="has_key"):
        run("(5).has_key(1)")


def test_numbers_as_texts():
    assert printed("print '%s' % [1/3.], {'a': .1 + .2}, (1/3.,), '%(a)s' % {'a': .1 + .2}") == (
        "[0.3333333333333333] {'a': 0.30000000000000004} (0.3333333333333333,) 0.3\n"
    )


CASES = r"""
e = Exception('m'); print e.message
try: raise IOError(2, 'no')
except IOError, e: print e[0], e[1], e.errno, e, list(e), tuple(e)
try: raise ValueError('a', 'b')
except ValueError as e:
    a, b = e
    print a, b, e[0], e[-1], e[:1], [x for x in e], len(e.args)
def f():
    try: raise KeyError('k')
    except KeyError, error: return error[0], list(error)
print f()
import socket
try: raise socket.error(111, 'refused')
except socket.error, (code, text): print code, text
----
m
2 no 2 [Errno 2] no [2, 'no'] (2, 'no')
a b a b ('a',) ['a', 'b'] 2
('k', ['k'])
111 refused
====
try: raise ValueError
except StandardError, e: print 'std'
try: raise KeyboardInterrupt
except StandardError: print 'no'
except KeyboardInterrupt: print 'ki'
try: raise SystemExit
except StandardError: print 'no'
except SystemExit: print 'se'
class W(Warning): pass
class Own(Exception): pass
class Std(StandardError): pass
for kind in Own, Std, StopIteration, W, IOError, KeyError, StandardError:
    try: raise kind()
    except (StandardError, W): print 'std',
    except Exception: print 'other',
print issubclass(StopIteration, StandardError), issubclass(W, StandardError), issubclass(ValueError, StandardError), isinstance(KeyError(), StandardError), issubclass(Std, Exception), isinstance(Own(), StandardError)
import exceptions
try: {}[1]
except exceptions.StandardError, e: print repr(e), issubclass(exceptions.StandardError, Exception)
raise_it = StandardError('text')
try: raise raise_it
except StandardError, e: print e
try: raise StandardError, 'x'
except Exception, e: print e, e.message
----
std
ki
se
other std other std std std std False False True True True False
KeyError(1) True
text
x x
====
print hasattr({}, 'has_key'), hasattr({}, 'iteritems'), hasattr('', 'decode'), callable(getattr({}, 'iteritems', None)), hasattr(3, 'iteritems'), getattr(3, 'iteritems', 'no'), hasattr([], 'keys'), getattr({1: 2}, 'keys')()
print map(dict.keys, [{1:2}]), map(lambda d: d.items(), [{1:2}]), dict.iteritems({1:2}).next(), dict.has_key({1: 2}, 1), dict.items({1: 2})
class D(dict):
    def __getattr__(self, n): return self[n]
d = D(a=1); print d.a, d.keys(), d.has_key('a'), hasattr(d, 'a'), hasattr(d, 'b'), list(d.itervalues())
class E(dict):
    def iteritems(self): return iter([(1, 2)])
print list(E().iteritems())
class F(object):
    @property
    def p(self): raise ValueError
print hasattr(F(), 'p')
----
True True True True False no False [1]
[[1]] [[(1, 2)]] (1, 2) True [(1, 2)]
1 ['a'] True True False [1]
[(1, 2)]
False
====
import __builtin__
__builtin__.foo = 3
print foo, __builtin__.range(2), __builtin__.open is open, 'foo' in dir(__builtin__), __builtin__.str is str
del __builtin__.foo
try: foo
except NameError: print 'gone'
from __builtin__ import raw_input, xrange
import urllib, os, sys
print urllib.basejoin('http://a/b', 'c'), list(xrange(2))
class A(object):
    def f(self): return 1
print A.f.im_func.func_name, A().f.im_func is A.f.im_func
try: 1/0
except ZeroDivisionError: print sys.exc_type.__name__, sys.exc_value
class P(object):
    def __eq__(self, o): return True
print P() != P(), P() == P()
print buffer('abc')[1:], len(buffer('abcd', 1, 2))
----
3 [0, 1] True True True
gone
http://a/c [0, 1]
f True
ZeroDivisionError integer division or modulo by zero
True True
bc 2
====
import numpy as np
class A(object):
    def __str__(self): return 'a!'
class B: pass
print '{:>8}|{:<6}|{:^6}|{:>7}|{:5}|'.format((1, 2), None, [1], {1: 2}, A()), '{0[1]} {0[0]:>4} {1.x}'.format([.1 + .2, 1e-9], type('T', (object,), {'x': 1 / 3.})()), '{!r:>6} {!s:>4} {:>5}'.format('a', .1 + .2, True), '{:>12}'.format(np.arange(3)), '{}'.format(np.arange(2)), '{:.2f} {:4d} {}'.format(np.float32(1.5), np.int64(3), np.float32(.1))
print '{:8}|{:<9}|{:+}|{:06}|{:>14}'.format(1 / 3., .1 + .2, 2.5, 1.5, 123456789012.), format((1,), '>5'), format(1.5, '.2f'), format(.1 + .2), format(None), repr(format('a', '3')), '{a:>5}{b}'.format(a=(), b=1.0), '{:{w}}|'.format(3, w=4), '{{}}{}'.format(1), u'{:>6}'.format((1,)), '{0:>6}'.format(A), str.format('{:>4}', None), '{:,}'.format(12345), '{0}{0}'.format(1e20), '{:%Y}'.format(__import__('datetime').date(2016, 1, 1))
----
  (1, 2)|None  | [1]  | {1: 2}|a!   | 1e-09  0.3 0.333333333333    'a'  0.3     1      [0 1 2] [0 1] 1.50    3 0.10000000149
0.333333333333|0.3      |+2.5|0001.5|1.23456789012e+11  (1,) 1.50 0.3 None 'a  '    ()1.0    3| {}1   (1,) <class 'translated.A'> None 12,345 1e+201e+20 2016
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_errors_and_names(source, shown):
    assert printed(source) == shown
