"""Whole numbers that do not fit a type of NumPy wrap, by the rules of NumPy 1."""
# ruff: noqa: E501  (a case is a line)

import pytest

from tests.caffe.launch.python2.translated import cases, printed

CASES = r"""
a = np.zeros(3, np.uint8); a[0] = -1; a[1:] = 300; print a
a[:] = [-1, 256, 7]; print a; a.fill(-2); print a; a[...] = 128; i = 1; a[i] = -3; a.itemset(0, 511); print a
a = np.zeros((2, 2), np.int8); a[0, 1] = 200; a.itemset((1, 0), -129); print a.tolist()
d = {}; d['k'] = -1; d[0] = 2**70; l = [0, 1]; l[0] = -1; l[1:] = [-5]; print d, l
----
[255  44  44]
[255   0   7]
[254 254 254]
[255 253 128]
[[0, -56], [127, 0]]
{'k': -1, 0: 1180591620717411303424} [-1, -5]
====
from numpy import uint8
print np.uint8(-1), uint8(300), np.int8(200), np.uint64(-1), np.uint8([-1, 3]), np.int32(3.7), np.uint16('5')
print np.array([-1, 300], dtype=np.uint8), np.array([-1, 2.5], np.uint8), np.full(2, -1, np.uint8), np.asarray(-1, dtype='uint16'), np.full_like(np.zeros(2, np.int8), 200), np.array([[1, -1]], 'B').tolist()
----
255 44 -56 18446744073709551615 [255   3] 3 5
[255  44] [255   2] [255 255] 65535 [-56 -56] [[1, 255]]
====
print np.maximum(np.uint8([1, 200]), 300), np.minimum(256, np.uint8([1, 200])).dtype, np.multiply(np.uint8([1, 200]), 2), np.subtract(np.uint8([1]), -1).dtype, np.maximum.reduce([1, 5, 2]), np.maximum(np.ones(2, 'f'), 0).dtype, np.maximum([1, 2], 0), np.power(np.uint8([2]), 3)
----
[300 300] uint16 [  2 144] int16 5 float32 [1 2] [8]
====
a = np.zeros(4, np.uint8); a[0] = a[1] = -1; a[2.0], i, a[i] = 300, 3, -2; print a; a[0] = 300.7; print a[0]
o = np.empty(2, object); o.fill([]); print o.tolist(); d = {}; d['x'], [d[0], y] = 1, (2, 3); print d, y
b = np.zeros((2, 2)); b.itemset(-1, 5); b.itemset(np.int64(1), 3); print b.tolist()
print np.full(2, fill_value=-1, dtype='uint8'), np.full_like(a, fill_value=300), np.where(a > 50, -1, a), np.where([True, False], 1, 0.5), np.where([0, 1])[0]
----
[255 255  44 254]
44
[[], []]
{'x': 1, 0: 2} 3
[[0.0, 3.0], [0.0, 5.0]]
[255 255] [44 44 44 44] [44 -1 44 -1] [1.  0.5] [1]
====
a = np.zeros(4, np.uint8); a.flat = [1, 300]; print a; a.flat[1:] = -1; print a; a.flat[0] = 257; print a
np.put(a, [0], -2); a.put([1], v=[300]); np.place(a, a == 255, vals=[-3]); print a; np.putmask(a, a == 253, values=-4); print a
print np.fromiter((i for i in (1, -1)), np.uint8), np.fromiter(iter('abc'), 'S1', 2).tolist(), np.insert(a, 0, 300), np.insert([1.5], 0, 2)
print np.select([a > 99], [a], -1), np.select([a > 99], [a], 300).dtype, np.select([[True]], [1.5])
try: a.flat[0] = 'x'
except ValueError: print a.flat[0]
----
[ 1 44  1 44]
[  1 255 255 255]
[  1 255 255 255]
[254  44 253 253]
[254  44 252 252]
[  1 255] ['a', 'b'] [ 44 254  44 252 252] [2.  1.5]
[254  -1 252 252] uint16 [1.5]
254
====
h, f = np.ones(1, np.float16), np.ones(1, 'f')
print (h * 1e4).dtype, (h * 1e10).dtype, (h * np.float64(1e10)).dtype, (h * np.float32(2)).dtype, (f * 1e300).dtype, (f * np.inf).dtype, (f.astype('F') * 1e300).dtype
----
float16 float32 float32 float16 float64 float32 complex128
====
a = np.zeros(1, np.uint8)
for v in 2**70, [2**70]:
    for f in (lambda: a.fill(v)), (lambda: np.array(v, np.uint8)), (lambda: np.uint8(v)):
        try: f()
        except OverflowError, e: print 'too large' in str(e),
----
True True True True True True
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_casts(source, shown):
    assert printed(f"import numpy as np\n{source}") == shown
