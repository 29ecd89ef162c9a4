"""Byte strings beside texts; what is expected was printed by Python 2.7.18."""
# ruff: noqa: E501  (a case is a line)

import pickle
import struct

import pytest

from dgnam.caffe.launch.python2.byte_strings import Bytes
from tests.caffe.launch.python2.translated import cases, printed


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.bin").write_bytes(struct.pack(">IIII", 1, 2, 3, 4))
    (tmp_path / "t.txt").write_text("a\nb\n")


CASES = r"""
s = open('x.bin','rb').read()
print s == '\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04', s.startswith('\x00'), '\x00' in s, s.find('\x01'), s.split('\x00')[-1] == '\x04', s != s
m = open('x.bin','rb').read(1)
if m in ('\x00', 'a'): print 'ok'
d = {'\x00': 1}
print d[m], m in '\x00a', ord(m)
for c in open('x.bin','rb').read(4): print ord(c),
print [c for c in open('x.bin','rb').read(4)] == ['\x00','\x00','\x00','\x01']
----
True True True 3 True False
ok
1 True 0
0 0 0 1 True
====
names = [u'a'.encode('utf-8')]
d = {names[0]: 1}
print names, d['a'], names[0] == 'a', 'a' in names, names.index('a'), isinstance(names[0], str)
----
['a'] 1 True True 0 True
====
s = 'caf\xc3\xa9'
print s, len(s), s.decode('utf-8'), len(s.decode('utf8')), unicode(s, 'utf-8') == u'caf\xe9', [s], s[3:], s.upper(), s + '!', '%s' % s, '<' + s + '>', len(s + 'a'), type(s) is str
----
café 5 café 4 True ['caf\xc3\xa9'] é CAFé café! café <café> 6 True
====
s = '\xff\xd8\xff'
f = open('j.bin','wb'); f.write(s); f.close()
print len(open('j.bin','rb').read()), open('j.bin','rb').read() == s, open('j.bin').read() == s, `s`
open('j.bin','w').write(s + 'abc' + chr(200)); print len(open('j.bin').read()), open('j.bin').read(4)[3]
import pickle, copy
print pickle.loads(pickle.dumps({'a': s})) ['a'] == '\xff\xd8\xff', copy.deepcopy(s) == s
----
3 True True '\xff\xd8\xff'
7 a
True True
====
import numpy as np
print np.fromstring('\x01\x02\xff', dtype=np.uint8), np.frombuffer('\x01\x02', dtype=np.uint8), 'a' 'b\xff' == 'ab\xff', u'a' '\x41', r'\xff', '\377' == '\xff'
----
[  1   2 255] [1 2] True aA \xff True
====
import struct
print struct.unpack('<H', '\x01\x02'), struct.unpack('>I', '\x00\x00\x00\xff'), struct.pack('3s', 'abc') == 'abc', struct.pack('B', 1) + 'a' == '\x01a', len(struct.pack('>I', 0xc3a9) + 'ab'), struct.unpack('3sB', 'abc\x01')
----
(513,) (255,) True True 6 ('abc', 1)
====
import array
a = array.array('B', '\x01\x02'); a.fromstring('\x03'); print a.tolist(), a.tostring() == '\x01\x02\x03', array.array('c', 'ab').tostring()
----
[1, 2, 3] True ab
====
import socket, urllib2, os
f = urllib2.urlopen('file://' + os.path.abspath('t.txt')); d = f.read(); print d.split('\n'), d == 'a\nb\n', 'a' in d
for l in urllib2.urlopen('file://' + os.path.abspath('t.txt')): print l.strip(),
import urllib, os; print urllib.urlopen('file://' + os.path.abspath('t.txt')).read().split()
----
['a', 'b', ''] True True
a b ['a', 'b']
====
import zipfile, tarfile
z = zipfile.ZipFile('z.zip','w'); z.writestr('a.txt','hello'); z.close()
print zipfile.ZipFile('z.zip').read('a.txt').split('l'), zipfile.ZipFile('z.zip').read('a.txt') == 'hello'
----
['he', '', 'o'] True
====
from dgnam.caffe.proto import caffe_pb2
import numpy as np
d = caffe_pb2.Datum(); d.channels=1; d.height=2; d.width=2; d.data = np.arange(4,dtype=np.uint8).tostring(); d.label = int(3)
e = caffe_pb2.Datum(); e.ParseFromString(d.SerializeToString()); print np.fromstring(e.data, dtype=np.uint8).reshape(e.channels, e.height, e.width), e.label/2
e2 = caffe_pb2.Datum.FromString(d.SerializeToString()); print len(e2.data), e.data == '\x00\x01\x02\x03'
d.data = 'abcd'; print len(d.data), d.data[0]
----
[[[0 1]
  [2 3]]] 1
4 True
4 a
====
import lmdb
env = lmdb.open('l', map_size=1<<20)
txn = env.begin(write=True); txn.put('{:08d}'.format(1), 'abc'); txn.commit()
with env.begin(write=True) as t: t.put('2'.encode('ascii'), '\xff')
print env.begin().get('00000001'), [k for k,v in env.begin().cursor()], env.begin().cursor().first(), env.stat()['entries']
c = env.begin().cursor(); c.first(); print c.key(), c.value() == 'abc', c.item()
for k, v in env.begin().cursor().iternext(): print k, `v`,
----
abc ['00000001', '2'] True 2
00000001 True ('00000001', 'abc')
00000001 'abc' 2 '\xff'
====
import lmdb, struct, cPickle
env = lmdb.open('v', map_size=1<<20)
with env.begin(write=True) as t: t.put('01', 'abc'); t.put('02', '\xff')
t = env.begin(buffers=True); v = t.get('01'); print v, str(v), bytes(v) == 'abc', v[:2], len(v), t.get('03')
for k, v in t.cursor(): print k, int(str(k)), len(v),
keys = [k for k, v in env.begin().cursor()]; r = cPickle.loads(cPickle.dumps({'k': keys, 't': ('\xff', keys[0])}, 2)); print r, r['k'][0] == '01', r['t'][0] == '\xff', cPickle.loads(cPickle.dumps(keys)) == keys
----
abc abc True ab 3 None
01 1 3 02 2 1 {'k': ['01', '02'], 't': ('\xff', '01')} True True True
====
import base64, zlib, binascii, bz2, gzip, hmac, hashlib
print base64.b64encode('abc'), base64.b64decode('YWJj'), base64.encodestring('abc').strip(), binascii.hexlify('abc'), zlib.crc32('abc'), zlib.decompress(zlib.compress('abc')), '<%s>' % base64.b64encode('\xff'), hmac.new('k', 'm').hexdigest()[:4], hmac.new('k', 'm', hashlib.sha1).hexdigest()[:4], 'abc'.encode('base64').strip(), 'YWJj'.decode('base64'), len('abc'.encode('zlib'))
f = gzip.open('x.gz','wb'); f.write('hello\n'); print >>f, 'x', 1; f.close()
print gzip.open('x.gz').read(), [l for l in gzip.open('x.gz')]
----
YWJj abc YWJj 616263 891568578 abc </w==> ed7e 772b YWJj abc 11
hello
x 1
['hello\n', 'x 1\n']
====
import tempfile, io, os
f = tempfile.NamedTemporaryFile(); f.write('abc'); f.flush(); print open(f.name).read(); f.seek(0); print f.read() == 'abc'
t = tempfile.TemporaryFile(); t.write('x'); t.seek(0); print t.read()
b = io.BytesIO('abc'); print b.read(), io.StringIO(u'x').read()
fd = os.open('q2', os.O_CREAT|os.O_WRONLY); os.write(fd, 'abc'); os.close(fd); print open('q2').read()
a = os.read(os.open('t.txt', os.O_RDONLY), 10); print a == 'a\nb\n', a.split('\n')
p = u'/tmp/p2\xe9'.encode('utf-8'); print os.path.join(p, 't.txt'), os.path.join('a', p), os.path.basename(p), p.split('/'), p.replace('tmp','x'), os.path.exists(p)
----
abc
True
x
abc x
abc
True ['a', 'b', '']
/tmp/p2é/t.txt /tmp/p2é p2é ['', 'tmp', 'p2\xc3\xa9'] /x/p2é False
====
import json, re, sys
s = '\xc3\xa9a1'
print json.dumps({s: [s, 'b']}), re.findall('\d+', open('x.gz', 'rb').read() + '12')[-1], re.split('a', s)[1], ','.join([s, 'b']), ','.join(['a', 'b']), s in ['\xc3\xa9a1'], map(str.upper, [s, 'b']), 'xa'.replace('a', s), 'b%s' % s, '{0}'.format(s), s.strip('1'), s[-1], len(''.join(map(chr, range(256))))
sys.stdout.write(s + '\n')
print sorted(['b', s, 'a']), b'abc' == 'abc', b'a' 'b', isinstance(b'a', str), isinstance(s, (int, str)), isinstance(s, unicode), isinstance(s, basestring), type('a') == unicode, bytes(3)
----
{"\u00e9a1": ["\u00e9a1", "b"]} 12 1 éa1,b a,b True ['\xc3\xa9A1', 'B'] xéa1 béa1 éa1 éa 1 256
éa1
['a', 'b', '\xc3\xa9a1'] True ab True True False True True 3
====
f = open('seek','w+'); f.write('hello'); f.seek(0); print f.read(2), f.tell(); f.seek(-1, 2); print f.read(); f.close(); print f.closed, f.name, f.mode
for l in open('t.txt'): print l.strip(),
f = open('t.txt')
for l in f: print l.rstrip(), f.tell() >= 0
f.close(); print open('t.txt').next(), open('t.txt').xreadlines().next(), open('t.txt').readlines()
import StringIO
print [l for l in open('t.txt', 'rb')], open('t.txt', 'rb').readlines(), type(open('t.txt')) is file, buffer('abc')[0:2], bytearray('ab')[0], 'abc'[1], 'b' in 'abc'
----
he 2
o
True seek w+
a b a True
b True
a
a
['a\n', 'b\n']
['a\n', 'b\n'] ['a\n', 'b\n'] True ab 97 b True
====
import codecs, sys, string, json, gzip, array
out = codecs.getwriter('utf8')(sys.stdout); print >>out, u'caf\xe9'
s = 'a\xff'
print string.split(s + ' b')[1], string.join([s, 'b'])[0], `filter(lambda c: c != 'a', s)`, `str.replace(s, 'a', 'b')`, str.decode('a'), map(unicode.upper, [u'a']), array.array('u', u'ab')[0]
f = gzip.open('j.gz', 'wb'); json.dump({'a': 1}, f); f.close(); print json.load(gzip.open('j.gz'))['a']
json.dump([1, 2], open('j.json', 'w')); print json.load(open('j.json')), json.load(open('j.json', 'rb'))
class D(dict):
    def __getattr__(self, n): return self[n]
print sorted(k for k in D(a=1)), [c for c in codecs.open('j.json', encoding='utf-8')]
----
café
b a '\xff' 'b\xff' a ['A'] a
1
[1, 2] [1, 2]
['a'] ['[1, 2]']
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_byte_strings(source, shown):
    if "import lmdb" in source:
        pytest.importorskip("lmdb")
    if "open('x.gz')" in source or "open('x.gz', 'rb')" in source:
        printed("import gzip\nf = gzip.open('x.gz', 'wb'); f.write('hello'); f.close()")
    assert printed(source) == shown


def test_other_code_gets_plain_bytes(tmp_path):
    """What is pickled names no module of this package; a file of translated code reads as any other."""
    data = pickle.dumps({"a": Bytes(b"\xff")}, 2)
    assert b"dgnam" not in data
    assert pickle.loads(data) == {"a": b"\xff"}
    assert (
        printed(
            "import numpy as np\nnp.save('a.npy', np.arange(3)); print np.load(open('a.npy', 'rb')), np.load(open('a.npy'))"
        )
        == "[0 1 2] [0 1 2]\n"
    )


def test_equal_texts_have_equal_hashes():
    for data in (b"", b"abc", "é".encode(), b"\xff\xc3", bytes(range(256))):
        text = data.decode("utf-8", "surrogateescape")
        assert Bytes(data) == text == Bytes(data)
        assert hash(Bytes(data)) == hash(text)
        assert {text: 1}[Bytes(data)] == {Bytes(data): 1}[text] == 1
