"""Modules as they were; what is expected was printed by Python 2.7.18 and the packages of its time."""
# ruff: noqa: E501  (a case is a line)

import importlib.util
import io
import pickle
import sys

import numpy as np
import pytest

from tests.caffe.launch.python2.translated import cases, printed, run


@pytest.mark.parametrize(
    ("imports", "source", "value"),
    [
        ("urllib, urllib2, urlparse", "urllib.quote('a b'), urlparse.urlparse('http://x/y').netloc, urllib2.URLError.__name__", ("a%20b", "x", "URLError")),
        ("commands, subprocess", "commands.getoutput('echo z'), subprocess.check_output(['echo', 'a']).split('\\n')", ("z", ["a", ""])),
        ("subprocess", "subprocess.Popen('echo x', shell=True, stdout=subprocess.PIPE).communicate()[0]", "x\n"),
        ("itertools", "list(itertools.izip([1], [2])), list(itertools.imap(None, [1])), list(itertools.izip_longest([1], []))", ([(1, 2)], [(1,)], [(1, None)])),
        ("math", "math.floor(3.5), math.ceil(2.1) / 2, type(math.floor(1)).__name__", (3.0, 1.5, "float")),
        ("string", "string.join(['a', 'b'], '-'), string.letters[:3], string.upper('a'), string.atoi('3'), string.maketrans('a', 'b')[97]", ("a-b", "abc", "A", 3, "b")),
        ("types", "isinstance('a', types.StringType), isinstance([], types.ListType), isinstance(None, types.NoneType)", (True, True, True)),
        ("sys, os", "sys.maxint, os.getcwdu() == os.getcwd(), os.errno.ENOENT", (sys.maxsize, True, 2)),
        ("operator, time", "operator.div(7, 2), operator.isCallable(len), time.clock() >= 0", (3, True, True)),
        ("collections", "isinstance([], collections.Iterable), collections.OrderedDict(a=1).keys()", (True, ["a"])),
        ("hashlib, md5", "hashlib.md5('abc').hexdigest() == md5.new('abc').hexdigest()", True),
        ("Queue, ConfigParser, HTMLParser, cookielib, httplib, thread, copy_reg", "Queue.Queue().empty()", True),
        ("inspect", "inspect.getargspec(lambda a, b=1: 0)[0], inspect.getargspec(lambda *c: 0).varargs", (["a", "b"], "c")),
        ("os.path", "os.path.join('a', 'b'), os.getcwdu() != ''", ("a/b", True)),
        ("numpy as np", "np.float, np.int(2.5), np.bool, np.asscalar(np.array([3])), np.product([2, 3]), np.Inf, np.rank(np.ones((2, 2)))", (float, 2, bool, 3, 6, np.inf, 2)),
        ("numpy as np", "np.zeros(2.0).shape, np.ones((1, 2.0), np.float).dtype.name, np.fromstring('\\x01', dtype=np.uint8)[0]", ((2,), "float64", 1)),
        ("numpy as np", "np.in1d([1, 2], [2]).tolist(), np.arange(3).astype(np.int).tostring() == np.arange(3).tobytes()", ([False, True], True)),
        ("numpy.linalg as la, numpy.random", "float(la.norm([3, 4]))", 5.0),
        ("scipy.misc, scipy.io", "callable(scipy.misc.imread), callable(scipy.io.loadmat)", (True, True)),
        ("skimage, skimage.filter", "skimage.filter.gaussian is skimage.filters.gaussian, callable(skimage.filter.median)", (True, True)),
        ("matplotlib.pyplot as plt", "plt.ishold(), plt.hold(False)", (True, None)),
        ("sets, future_builtins, imp", "sets.Set([1]) == set([1]), future_builtins.hex(255), imp.new_module('m').__name__", (True, "0xff", "m")),
        ("PIL.Image, matplotlib.pyplot", "PIL.Image.ANTIALIAS == PIL.Image.LANCZOS, matplotlib.pyplot.ishold()", (True, True)),
        ("PIL.Image as picture", "picture.fromstring('L', (1, 1), '\\x07').getpixel((0, 0))", 7),
        ("Image", "Image.ANTIALIAS == Image.LANCZOS, Image.new('L', (1, 1)).tostring()", (True, b"\0")),
    ],
)  # fmt: skip
def test_modules(imports, source, value):
    assert run(f"import {imports}\nx = {source}")["x"] == value


def test_forms_of_import():
    found = run(
        "from PIL import Image\nfrom matplotlib import pyplot\nx = Image.ANTIALIAS == Image.LANCZOS, pyplot.ishold()"
    )
    assert found["x"] == (True, True)
    found = run(
        "from numpy import *\nfrom scipy.misc import imresize, imsave as save\nfrom numpy.testing import assert_array_equal\nfrom itertools import izip\nx = divide(7, 2), float(3), callable(imresize)"
    )
    assert found["x"] == (3, 3.0, True)
    with pytest.raises(ImportError, match="no_such"):
        run("from numpy import no_such")
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        run("import no_such")


def test_other_code_sees_nothing_of_it():
    run("import numpy, cPickle, StringIO, sys\nnumpy.float, sys.maxint")
    assert not hasattr(np, "float")
    assert not hasattr(sys, "maxint")
    assert "cPickle" not in sys.modules


def test_what_is_set_in_a_module_is_set(monkeypatch):
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    run("import sys\nsys.stdout = out", out=(out := io.StringIO()))
    assert sys.stdout is out


def test_pickles_of_python_2(tmp_path, monkeypatch):
    """Written by Python 2.7: {'a': numpy.arange(2), 'b': 'caf\\xc3\\xa9'}, protocol 2, and a list by protocol 0."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "zero").write_bytes(b"(lp0\nS'a'\np1\naI5\na.")
    (tmp_path / "two").write_bytes(b"\x80\x02}q\x00U\x01bU\x05caf\xc3\xa9s.")
    found = run(
        "import cPickle as pickle\nx = pickle.load(open('zero')), pickle.load(open('two', 'rb')), pickle.loads(pickle.dumps([1, 'a'], -1))"
    )
    assert found["x"] == (["a", 5], {"b": "cafÃ©"}, [1, "a"])
    run("import pickle\npickle.dump({'a': 1}, open('c', 'w'))")
    assert pickle.loads((tmp_path / "c").read_bytes()) == {"a": 1}


def test_random_draws_are_those_of_python_2():
    source = """
import random
random.seed(3)
l = range(10)
x = [random.choice(l), random.randint(1, 100), random.sample(range(1000), 3), random.sample(l, 8), random.randrange(3, 30, 4)]
random.shuffle(l)
"""
    found = run(source)
    assert found["x"] == [2, 55, [369, 603, 625], [0, 9, 6, 1, 7, 4, 5, 2], 15]
    assert found["l"] == [4, 8, 0, 2, 7, 3, 9, 5, 1, 6]


def test_csv_files_opened_as_binary(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = "import csv\nw = csv.writer(open('a', 'wb')); w.writerow(['a', 1]); del w\nx = list(csv.reader(open('a', 'rb'))), list(csv.DictReader(open('a', 'rb')))"
    assert run(source)["x"] == ([["a", "1"]], [])


def test_ipython_is_not_needed(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *of: None if name == "IPython" else found(name, *of))
    source = "from IPython.display import clear_output, Image, display\nimport IPython.display\nclear_output(); display(Image(data='x'))"
    run(source)


def test_walk(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").touch()
    found = run(
        "import os\nx = []\ndef visit(given, folder, names): x.append((given, sorted(names)))\nos.path.walk(top, visit, 1)",
        top=str(tmp_path),
    )
    assert found["x"] == [(1, ["a"]), (1, ["b"])]


CASES = r"""
import ConfigParser
open('x.cfg','w').write('[DEFAULT]\nroot=/d\n[a]\nx=1\ny=%(X)s2\nz=on ; yes\np=50%\np=51%\nd=%(y)s%(root)s\nbad=%(nothing)s\nq=%(__name__)s\n[b]\nv: 2.5\n')
for kind in ConfigParser.ConfigParser, ConfigParser.SafeConfigParser:
    c = kind({'k': 'v'}); c.read('x.cfg')
    print c.get('a','x'), c.getint('a','x'), c.get('a','y'), c.getboolean('a','z'), c.get('a', 'p'), c.get('a', 'd'), c.get('a', 'd', True), c.get('a', 'k'), c.getfloat('b', 'v'), c.get('a', 'y', 0, {'x': '7'}), c.has_option('a', 'q'), c.sections(), c.defaults()
    try: c.get('a', 'bad')
    except ConfigParser.InterpolationMissingOptionError, e: print 'missing'
c = ConfigParser.RawConfigParser(); c.readfp(open('x.cfg')); print c.get('a', 'y'), c.items('b')
c.set('b', 'n', 3); c.add_section('c'); c.set('c', 'f', '1'); c.write(open('y.cfg', 'wb')); print open('y.cfg').read().split()[-4:]
try: c.get('a', 'no')
except ConfigParser.NoOptionError, e: print e
----
1 1 12 True 51% 12/d %(y)s%(root)s v 2.5 72 True ['a', 'b'] {'k': 'v', 'root': '/d'}
missing
1 1 12 True 51% 12/d %(y)s%(root)s v 2.5 72 True ['a', 'b'] {'k': 'v', 'root': '/d'}
missing
%(X)s2 [('root', '/d'), ('v', '2.5')]
['[c]', 'f', '=', '1']
No option 'no' in section: 'a'
====
from UserDict import UserDict, DictMixin
class M(DictMixin):
    def __init__(self): self.d = {'a': 1}
    def __getitem__(self, k): return self.d[k]
    def __setitem__(self, k, v): self.d[k] = v
    def __delitem__(self, k): del self.d[k]
    def keys(self): return self.d.keys()
m = M(); m['b'] = 2; print sorted(m.items()), m.has_key('a'), 'c' in m, len(m), m.get('c', 5), sorted(m.iteritems()), m.pop('a'), m.keys(), m.setdefault('z', 3), sorted(m), m == {'b': 2, 'z': 3}
u = UserDict({'a': 1}); print u.has_key('a'), u.data, u.keys()
----
[('a', 1), ('b', 2)] True False 2 5 [('a', 1), ('b', 2)] 1 ['b'] 3 ['b', 'z'] True
True {'a': 1} ['a']
====
import imp
open('m.py', 'w').write('half = 7/2\n')
f, p, d = imp.find_module('json'); print p[-4:], f, d[2] == imp.PKG_DIRECTORY
f, p, d = imp.find_module('m', ['.']); print p, d; m = imp.load_module('m', f, p, d); f.close(); print m.half
print imp.load_source('n', 'm.py').half
try: imp.find_module('no_such_thing')
except ImportError, e: print e
----
json None True
./m.py ('.py', 'U', 1)
3
3
No module named no_such_thing
====
import threading, argparse, unittest, HTMLParser, xml.etree.cElementTree as ET, collections
t = threading.Thread(target=lambda: None); t.setDaemon(True); t.start(); t.join(); print t.isAlive(), threading.Thread.isAlive(t)
r = ET.fromstring('<a><b>1</b></a>'); print r.find('b').text, r.getchildren()[0].tag, [x.tag for x in r.getiterator()]
p = argparse.ArgumentParser(version='1.0'); p.add_argument('--x', type=int, default=3); print p.parse_args([]).x/2
print HTMLParser.HTMLParser().unescape('&amp;')
class T(unittest.TestCase):
    def test(self):
        self.assertEquals(1, 1); self.assertItemsEqual([1, 2],[2, 1]); self.failUnless(True); self.assert_(True); self.failIf(0)
        self.assertRaisesRegexp(ValueError, 'b', int, 'bad')
r = unittest.TestResult(); T('test').run(r); print r.errors, r.failures
----
False False
1 b ['a', 'b']
1
&
[] []
====
import subprocess, sys
p = subprocess.Popen('cat', stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE); print p.communicate('abc')
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE); p.stdin.write('\xff\xc3\xa9' * 3); p.stdin.close(); print len(p.stdout.read(4)), len(p.stdout.read()), p.wait()
p = subprocess.Popen(['echo', 'a'], stdout=subprocess.PIPE); print p.stdout.read() == 'a\n', p.wait()
p = subprocess.Popen('echo a; echo b', shell=True, stdout=subprocess.PIPE); print [l for l in p.stdout]
p = subprocess.Popen('echo a; echo b', shell=True, stdout=subprocess.PIPE); print list(iter(p.stdout.readline, '')), p.wait()
print subprocess.check_output('echo a', shell=True).strip(), `subprocess.check_output(['printf', r'\377'])`, subprocess.Popen(['echo', 'x'], stdout=subprocess.PIPE, universal_newlines=True).communicate()[0]
try: subprocess.check_output('echo out; exit 3', shell=True)
except subprocess.CalledProcessError, e: print e.returncode, e.output
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=open('o', 'w')); print >>p.stdin, 'text'; p.communicate(); print open('o').read(),
----
('abc', '')
4 5 0
True 0
['a\n', 'b\n']
['a\n', 'b\n'] 0
a '\xff' x

3 out

text
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_what_modules_print(source, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed(source) == shown
