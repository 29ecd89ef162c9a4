"""What Python 3 reads otherwise; what is expected was printed by Python 2.7.18."""
# ruff: noqa: E501  (a case is a line)

import pytest

from tests.caffe.launch.python2.translated import cases, printed, run


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("x = 7/2, -7/2, 7/-2, 7./2, 7/2., True/2", (3, -4, -4, 3.5, 3.5, 0)),
        ("from __future__ import division\nx = 7/2; x /= 2", 1.75),
        ("from __future__ import division\nexec 'x = 7/2'", 3.5),
        ("x = 7; x /= 2", 3),
        ("x = [9, 8]\ndef i():\n    x.append(1)\n    return 0\nx[i()] /= 2", [4, 8, 1]),
        ("x = [1, 2]; x[0:1] += [9]", [1, 9, 2]),
        ("class A: v = 7\nx = A(); x.v /= 2; x = x.v", 3),
        ("x = {}; x['a', 1] = 5; x['a', 1] /= 2", {("a", 1): 2}),
        ("x = eval('7/2')", 3),
        ("x = None < 1, 1 < 'a', [] > 1, (1,) > [1], None > None, [None, 1] < [1, 2]", (True, True, True, True, False, True)),
        ("x = sorted([3, None, 'a', 1.5])", [None, 1.5, 3, "a"]),
        ("d = {'a': 1}\nx = d.keys()[0], d.values(), d.items(), d.has_key('a'), d.iteritems().next()", ("a", [1], [("a", 1)], True, ("a", 1))),
        ("d = {'a': 1}\nx = map(d.has_key, 'ab'), list(d.iterkeys()), list(d.viewvalues())", ([True, False], ["a"], [1])),
        ("[i for i in range(3)]\nx = i", 2),
        ("i = 7\nx = [i for i in range(3)], [j * k for j in 1, 2 for k in 3, 4]\nx = x, i", (([0, 1, 2], [3, 4, 6, 8]), 2)),
        ("def f():\n    [(a, b) for a, b in [(1, 2), (3, 4)]]\n    return a, b\nx = f()", (3, 4)),
        ("i = 7\nx = list(i for i in range(3)), i", ([0, 1, 2], 7)),
        ("x = [[i for i in range(n)] for n in [len([i for i in 'ab'])]]", [[0, 1]]),
        ("class A:\n    v = [i for i in range(2)]\nx = A.v", [0, 1]),
        ("def f():\n    exec 'q = 3/2'\n    return q\nx = f()", 1),
        ("def f():\n    w = 1\n    exec 'w = 8'\n    return w\nx = f()", 8),
        ("def f(n):\n    for i in range(n):\n        exec 'v%d = %d' % (i, i)\n    return v0 + v1\nx = f(2)", 1),
        ("g = 0\ndef f():\n    h = 1\n    global g\n    g += h\nf()\nx = g", 1),
        ("x = 1\nglobal x\n", 1),
        ("class M(type):\n    def __new__(c, n, b, d):\n        d['tag'] = n\n        return type.__new__(c, n, b, d)\nclass K(object):\n    __metaclass__ = M\nx = K.tag", "K"),
        ("class V(object):\n    def __div__(self, o): return 'div'\n    def __nonzero__(self): return False\nx = V()/2, bool(V())", ("div", False)),
        ("class V(object):\n    def __init__(self, v): self.v = v\n    def __cmp__(self, o): return cmp(self.v, o.v)\nx = V(1) < V(2), V(1) == V(1), V(1) >= V(2), len({V(1): 1})", (True, True, False, 1)),
        ("class V(object):\n    def __eq__(self, o): return True\nx = len(set([V()]))", 1),
        ("class It:\n    n = 0\n    def __iter__(self): return self\n    def next(self):\n        self.n += 1\n        if self.n > 2: raise StopIteration\n        return self.n\nx = list(It()), It().next()", ([1, 2], 1)),
        ("class S:\n    def __getslice__(self, i, j): return i, j\n    def __len__(self): return 9\nx = S()[1:3], S()[:-1][1]", ((1, 3), 8)),
        ("class N: next = 5\nx = N().next", 5),
        ("def f(): pass\nx = f.func_name, f.__name__", ("f", "f")),
        ("x = str(.1 + .2), str(1e16), '%s %r' % (.1 + .2, .5), '{0} {1:.1f}'.format(1/3., .25), ','.join(map(str, [.1 + .2]))", ("0.3", "1e+16", "0.3 0.5", "0.333333333333 0.2", "0.3")),
    ],
)  # fmt: skip
def test_values(source, value):
    assert run(source)["x"] == value


def test_an_error_stays_after_its_handler():
    assert printed("def f():\n    try: 1/0\n    except ZeroDivisionError, e: pass\n    return e\nprint f()").startswith(
        "integer"
    )


CASES = r"""
import numpy as np
a = np.zeros((10,10,3)); off = (10-4)/2.0
print a[off:off+4, off:off+4].shape, a[off].shape, a[:len(a)*0.5].shape, 1 < None < 5, None < 1 < 2 <= 2
a[off:off+4] = 1; a[off:off+4] += 1; a[off, 0] /= 4; print a.sum(), [1,2,3][3/2]
i = [slice(None), 0]; print a[i].shape, {1.5: 2}[3/2.]
d = {}; k = 1.5; d[k] = 1; d[k] += 1; print d, a[2:4, off].shape
----
(4, 4, 3) (10, 3) (5, 10, 3) False True
235.5 2
(10, 3) 2
{1.5: 2} (2, 3)
====
def gen():
    it = iter([1,2])
    while True:
        yield it.next()
def g():
    'doc'
    yield 1
    raise StopIteration
it = iter([1, 2, 3])
def h():
    for i in (1,): yield i; continue
print list(gen()), list(g()), g.__doc__, list(it.next() for i in range(5)), list(h()), list(x for x in 'ab')
def k():
    yield 1
    raise ValueError, 'v'
try: list(k())
except ValueError, e: print e
class A:
    def m(self):
        x = yield 5
        next(iter([]))
print list(A().m()), [i for i in A().m()]
----
[1, 2] [1] doc [1, 2, 3] [1] ['a', 'b']
v
[5] [5]
====
class A(object):
    def __init__(self): self.data = 'x'; self.content = [1]
    def __getitem__(self, i): return i
    def __setitem__(self, i, v): print 'set', i, v
a = A(); i = 1.5; a[i] = 2; a[i:2] = 3; print a[i], a[i:i+1], a.data, a.content
a[0], a[1] = 1, 2
a[i] += 1
x = y = [0, 0]; n = 1; x[n] = y[n - 1] = 5; print x
----
set 1.5 2
set slice(1.5, 2, None) 3
1.5 slice(1.5, 2.5, None) x [1]
set 0 1
set 1 2
set 1.5 2.5
[5, 5]
====
def order():
    log = []
    def f(x): log.append(x); return x
    d = {}
    d[f('k')] = f('v')
    f(1) in [f(2)]
    print log
order()
print 'a' in 'abc', 'x' not in u'abc', 3 in (1, 2), None in [None], u'a' in {'a': 1}, [k for k in {'a': 1} if k in 'abc']
import numpy as np
print np.array([1, 2])[np.array([True, False])], np.arange(4)[[1, 2]], np.arange(4)[-1], np.zeros((2, 3))[..., 0].shape, np.zeros((2, 3))[:, None].shape, 2 in np.arange(3)
----
['v', 'k', 1, 2]
True True False True True ['a']
[1] [1 2] 3 (2,) (2, 1, 3) True
====
def g():
    try:
        x = yield 1
        print 'got', x
        yield 2
    finally: print 'closed'
it = g(); print it.next(), it.send('s'); it.close()
def h():
    'doc'
    global Z
    Z = 5
    for i in g(): yield i
for v in h(): print v, Z
def r():
    yield 1
    return
    yield 2
print list(r()), max(x for x in (1, 2)), sum(v for v in r())
def outer(n):
    def inner():
        for k in range(n): yield k / 2
    return inner
print list(outer(3)())
class It(object):
    def __iter__(self):
        for i in range(2): yield i
print list(It())
----
1 got s
2
closed
1 5
got None
2 5
closed
[1] 2 1
[0, 0, 1]
[0, 1]
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_generators_and_indices(source, shown):
    assert printed(source) == shown


@pytest.mark.parametrize(
    "source", ["[1, 2][1.0]", "[1, 2][0.0:1.0]", "'ab'[1.]", "range(3)[:len('ab')*.5]", "x = [1]; x[0.] = 2"]
)
def test_floats_are_no_indices_of_lists(source):
    with pytest.raises(TypeError):
        run(source)
