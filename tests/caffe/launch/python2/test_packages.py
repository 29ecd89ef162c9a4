"""Packages of Python 2's time.

What is expected was printed by those of 2015 on Python 2.7, but for random numbers; of names and options that are only
served again, it is what their documentation says.
"""
# ruff: noqa: E501  (a case is a line)

import os

import pytest

from tests.caffe.launch.python2.translated import cases, printed

CASES = r"""
import numpy as np
print np.zeros((2,3)).reshape(3, 6/3.0).shape, np.tile([1],2.0).shape, np.repeat([1], 2.0).tolist(), np.linspace(0, 1, 5.0).tolist(), np.random.uniform(size=3/1.0).shape, np.random.rand(3/1.0, 2).shape, np.random.normal(0, 1, (2.0, 4/3)).shape, np.zeros(2.0).shape, np.reshape([1,2], (2.0, 1)).shape, np.eye(2.0).shape, np.random.randint(0, 5.0, 3.0).shape, np.random.choice(5, 2.0).shape, np.zeros(4).reshape((2., 2.)).shape, np.full((2., 1), 3).shape, np.random.permutation(3.0).shape, np.random.random_integers(1, 2, 2).shape, np.random.random(2.0).shape, np.random.randn(2.0).shape, np.ones(4).repeat(2.0).shape
print np.histogram([1,2,3], bins=2, normed=False)[0], np.histogram([1,2,3], 2, normed=True)[0].sum(), np.vstack(np.zeros(1) for i in range(2)).shape, np.hstack(map(lambda x: np.zeros(1), range(2))).shape, np.concatenate(zip([1],[2])).tolist(), np.array([[1, 2], [3]]).shape
----
(3, 2) (2,) [1, 1] [0.0, 0.25, 0.5, 0.75, 1.0] (3,) (3, 2) (2, 1) (2,) (2, 1) (2, 2) (3,) (2,) (2, 2) (2, 1) (3,) (2,) (2,) (2,) (8,)
[1 2] 1.0 (2, 1) (2,) [1, 2] (2,)
====
import numpy as np
open('l.txt', 'w').write('a b\nc\n'); print np.loadtxt('l.txt', str, delimiter='\n').tolist(), np.loadtxt('l.txt', dtype=str, delimiter='\n', ndmin=1)[0], np.loadtxt(open('l.txt'), str, usecols=(0,))[1]
print np.sum(i for i in range(4)), np.sum([1, 2]), np.sum(np.ones((2, 2)), 0).tolist()
----
['a b', 'c'] a b c
6 3 [2.0, 2.0]
====
import numpy as np
a = np.arange(6).reshape(2, 3); open('r.csv', 'w').write('A,b\n1,2.5\n3,4\n')
print np.alen(a), np.asfarray([1]).dtype, np.asfarray([1], 'f').dtype, np.asfarray([1], int).dtype, np.cast['uint8']([1.5, 300]), np.cast[int](2.5), np.sctypes['float'][1], np.obj2sctype('f'), np.issubsctype(np.float32, 'f'), np.safe_eval('[1]'), np.loads(np.arange(2).dumps()), np.recfromcsv('r.csv').a.tolist()
print a.ptp(), a.ptp(axis=1), np.percentile(a, 50, interpolation='nearest'), np.percentile(a, 50, None, None, False, 'lower'), np.percentile(a, 50), np.percentile(a, 25, 0).tolist(), np.array([1], '<i2').newbyteorder()[0]
----
2 float64 float32 float64 [ 1 44] 2 <type 'numpy.float32'> <type 'numpy.float32'> True [1] [0 1] [1, 3]
5 [2 2] 2 2 2.5 [0.75, 1.75, 2.75] 256
====
import numpy as np
from dgnam.caffe.launch.python2 import files
f = open('s.txt', 'w'); f.write('kept'); g = open('g.bin', 'wb'); g.write('kept')
np.savetxt(open('t.txt', 'w'), np.eye(1)); print open('t.txt').read(3), open('s.txt').read() == ''
files.flush_all(); print open('s.txt').read(), open('g.bin').read()
----
1.0 True
kept kept
====
import numpy as np
import os; np.save('a.npy', {'x': np.arange(3), 'y': [1, 'a', (2.5, None), set([1])]}); a = np.load('a.npy').item(); print a['x'].sum(), a['y'][1], np.load(open('a.npy', 'rb')).item()['y'][2], np.load('a.npy', allow_pickle=True).item()['y'][1]
class E(object):
    def __reduce__(self): return (os.system, ('exit',))
np.save('b.npy', np.array([E(), 1], dtype=object))
try: np.load('b.npy')
except Exception, e: print type(e).__name__, 'posix.system' in str(e)
----
3 a (2.5, None) a
UnpicklingError True
====
from numpy import *
print zeros(3).shape, (arange(4)/2).tolist(), random.rand(2).shape, float32(1), int(3.5), 7/2, max([1,2]), max(1, 2), sum([1,2]), round(2.5), abs(-1), any([True]), min(3, None), long(3), str(2), pow(2, 3), divide(7, 2), product([2, 3])
----
(3,) [0, 0, 1, 1] (2,) 1.0 3 3 2 2 3 3.0 1 True None 3 2 8 3 6
====
import matplotlib; matplotlib.use('Agg', warn=False)
from pylab import *
import pylab
import matplotlib.pyplot as plt
import matplotlib.cm as cm
import numpy as np
print zeros(3/1.0).shape, 7/2, rand(2).shape, randn(2).shape, (arange(4)/2).tolist(), max(None, 3), sum([[1, 2], [3, 4]], 0).tolist(), round(2.5), bytes(3), pylab.zeros(2.0).shape, callable(pylab.plot)
print plt.cm.spectral(0.5)[3], plt.get_cmap('spectral') is not None, cm.spectral is not None
plt.figure(figsize=(2,2)); plt.hold(True); hold(False); plt.plot([1,2]); plt.gca().set_axis_bgcolor('w'); plt.imshow([[1,2]], cmap=plt.cm.spectral, interpolation='nearest'); imshow([[1, 2]], cmap='spectral'); plt.legend(loc=2)
print plt.hist([1,2], normed=True)[0].sum() > 0; fig = plt.figure(); ax = fig.add_subplot(1,1,1, axisbg='w'); ax.hist([1, 2], normed=1); fig.canvas.set_window_title('x'); plt.tick_params(labelbottom='off'); ax.tick_params(labelleft='off'); ax.grid(b=True); ax.scatter([1], [1], edgecolor=''); assert ax.scatter([1], [1], label='').get_label() != 'none'; plt.subplot(2, 2, 1.0); fig.canvas.draw(); ax.hold(True); print ax.xaxis.get_tick_params()['labelbottom'], len(fig.canvas.tostring_rgb()) == 3 * np.prod(fig.canvas.get_width_height()); savefig('f.png')
----
(3,) 3 (2,) (2,) [0, 0, 1, 1] 3 [4, 6] 3.0 3 (2,) True
1.0 True True
True
False True
====
import h5py, os
f = h5py.File('new.h5'); f['data'] = range(3); f.create_group('g'); f.close()
f = h5py.File('new.h5'); print f['data'].value.sum(), [str(k) for k in f.keys()], f['data'][1], f['data'].value[2]; f['x'] = 5; print f['x'].value, isinstance(f, h5py.File), f.mode; f.close()
print h5py.File('new.h5', 'r')['x'].value, h5py.File('new.h5', 'r').mode
class A: value = 3
print A().value
----
3 ['data', 'g'] 1 2
5 True r+
5 r
3
====
import h5py, numpy as np
f = h5py.File('s.h5', 'w'); f['n'] = np.array(['a', 'b']); f['l'] = ['x', 'yy']; f['t'] = 'text'; d = f.create_dataset('c', data=np.array([['p'], ['q']])); f['d'] = np.zeros((2, 2)); f.close()
f = h5py.File('s.h5', 'r'); print f['n'][0] == 'a', f['l'][:].tolist(), f['t'].value, f['c'][1, 0], f['n'].value == 'b', f['d'][0].sum(), f['d'].shape, isinstance(f['d'], h5py.Dataset), list(f['l'])
np.save('s.npy', np.array(['a', 'bc']).astype('S2')); a = np.load('s.npy'); print a[1] == 'bc', a.tolist(), 'a' in a
np.savez('s.npz', n=np.array(['a', 'bc']).astype('S2')); z = np.load('s.npz'); print z['n'].tolist() == ['a', 'bc'], 'a' in z['n'], z.f.n[1] == 'bc', z.files
f = h5py.File('g.h5', 'w'); g = f.create_group('g'); g['n'] = np.array(['a', 'b']); print g.create_dataset('c', data=['x'])[0] == 'x'; f.close()
f = h5py.File('g.h5', 'r'); g = f['g']; print g['n'][0] == 'a', g['n'].value.tolist(), f.get('g/n')[1] == 'b', [v[0] for v in g.values()] == ['x', 'a'], f.get('q') is None, isinstance(g, h5py.Group)
----
True ['x', 'yy'] text q [False  True] 0.0 (2, 2) True ['x', 'yy']
True ['a', 'bc'] True
True True True ['n']
True
True ['a', 'b'] True True True True
====
from PIL import Image, ImageDraw, ImageFont
i = Image.new('RGB', (20 * 0.5, 10.0)); i.paste(i.resize((2, 2)), (1.0, 2.5)); i.paste(im=i.crop((0, 0, 1, 1)), box=(3.0, 4)); print i.size, i.resize((5.0, 2.5 * 2), Image.ANTIALIAS).size, i.resize(size=(3.0, 2)).size
w, h = ImageDraw.Draw(i).textsize('abc'); print w > h > 0, type(w), ImageFont.load_default().getsize('abc') == (w, h), ImageDraw.Draw(i).textsize('abc', font=ImageFont.load_default()) == (w, h)
import os; open('n.txt', 'w').write('ab'); print os.path.getsize('n.txt')
----
(10, 10) (5, 5) (3, 2)
True <type 'int'> True True
2
====
import yaml; f = open('t.txt', 'w'); f.write('b: x'); f.close()
print yaml.load('a: [1, 2]'), yaml.load(open('t.txt'))['b'], yaml.load('1', Loader=yaml.FullLoader)
try: yaml.load('!!python/object/apply:os.getcwd []')
except yaml.YAMLError, e: print 'refused'
----
{'a': [1, 2]} x 1
refused
====
import skimage, skimage.io, skimage.transform, numpy as np
from skimage.restoration import denoise_tv_bregman, denoise_tv_chambolle
from skimage.filter import gaussian_filter
a = np.zeros((8,8,3)); a[::2] = 1
print skimage.transform.resize(a, (4,4)).shape, skimage.transform.rescale(a, 0.5).shape, skimage.transform.rescale(a[:, :, 0], 0.5).shape, skimage.transform.rescale(a, (0.5, 0.25)).shape, skimage.transform.resize(a[:, :, 0], (4, 4)).max()
d = denoise_tv_bregman(a*255, weight=0.1, max_iter=10, eps=1e-3)
print d.shape, denoise_tv_bregman(a[:, :, 0], 0.1, 10).shape, denoise_tv_chambolle(a, 0.1, n_iter_max=3, multichannel=True).shape, gaussian_filter(a, 1).shape, skimage.transform.resize(a, (4, 4), 1, 'edge').shape
skimage.io.imsave('i.png', a); print skimage.io.imread('i.png', as_grey=True).shape
from skimage.transform import rescale
print rescale(a, 0.5, multichannel=False).shape
----
(4, 4, 3) (4, 4, 3) (4, 4) (4, 2, 3) 0.5
(8, 8, 3) (8, 8) (8, 8, 3) (8, 8, 3) (4, 4, 3)
(8, 8)
(4, 4, 2)
====
import numpy as np, skimage.color, skimage.draw, skimage.measure, skimage.transform, skimage.feature, skimage.util
from skimage.measure import structural_similarity as ssim, compare_psnr
a = np.arange(147).reshape(7, 7, 3) / 147.; g = skimage.color.rgb2grey(a)
print g.shape, (skimage.color.rgb2gray(g) == g).all(), np.allclose(skimage.color.rgb2gray(np.dstack([a, g])), g), skimage.draw.circle(2, 2, 1.5)[0].size, ssim(g, g), compare_psnr(g, g + .1) > 19, skimage.measure.compare_ssim(a, a, multichannel=True), ssim(g, g * .5) == ssim(g, g * .5, dynamic_range=2)
print skimage.measure.label(np.eye(3) > 0, neighbors=4).max(), skimage.measure.label(np.eye(3) > 0, 8).max(), skimage.util.pad(g, 1, 'edge').shape, skimage.filters.threshold_adaptive(g, 3).dtype, skimage.feature.hog(np.eye(8), 4, (4, 4), (1, 1), visualise=True)[1].shape
print skimage.transform.pyramid_expand(a).shape, [p.shape for p in skimage.transform.pyramid_gaussian(a, 1)]
----
(7, 7) True True 9 1.0 True 1.0 True
3 1 (9, 9) bool (8, 8)
(14, 14, 3) [(7, 7, 3), (4, 4, 3)]
====
import scipy, scipy.signal, scipy.integrate, scipy.stats, scipy.linalg, numpy as np
print scipy.where([0, 1])[0], scipy.nan, scipy.linspace(0, 1, 3).tolist(), scipy.fft([1, 2]).real.tolist(), scipy.random.rand(2).shape, scipy.float32(1), scipy.linalg.pinv2(np.eye(1)).shape
print scipy.signal.hann(3).tolist(), scipy.signal.gaussian(3, 1)[1], scipy.integrate.simps([1, 2, 3]), scipy.integrate.trapz([1, 2]), scipy.stats.mode([1, 1, 2])[0][0], scipy.stats.nanmean([1, np.nan])
from scipy import *
print zeros(2).shape, 7 / 2, max([1, 2])
----
[1] nan [0.0, 0.5, 1.0] [3.0, -1.0] (2,) 1.0 (1, 1)
[0.0, 1.0, 0.0] 1.0 4.0 1.5 1 1.0
(2,) 3 2
====
import scipy.misc, scipy.ndimage, numpy as np
from scipy.misc import imread, lena
scipy.misc.imsave('i.png', np.eye(3)); print scipy.ndimage.imread('i.png').shape
try: lena()
except IOError, e: print e
----
(3, 3)
scipy.misc.lena: SciPy no longer has this picture, for its license; read a file of yours instead
====
import numpy as np
r = np.random.RandomState(3); s = np.random.RandomState(3)
print r.uniform(size=3/1.0).shape, r.normal(0, 1, 2.0).shape, r.rand(2.0).shape, r.randint(0, 5.0, size=(2.0,)).shape, r.choice(5, 2.0).shape, r.permutation(4).shape, np.random.uniform(0, 1, 2.0).shape, np.random.seed(3), (np.random.rand(2) == s.rand(2)).all()
import random
print random.uniform(1, 1), random.choice([1]), random.random() < 1
from dgnam.caffe.proto import caffe_pb2
import dgnam.caffe.proto as proto
d = caffe_pb2.Datum(channels=1, data='abcd'); print len(d.data), d.data == 'abcd', proto.caffe_pb2.Datum(data='\xff').data == '\xff'
def f(data=None): return data
print f(data='x'), dict(data='y')['data']
----
(3,) (2,) (2,) (2,) (2,) (4,) (2,) None True
1.0 1 True
4 True True
x y
====
import numpy as np
from PIL import Image, ImageOps
a = np.arange(200 * 3).reshape(10, 20, 3) * 7 % 256; i = Image.fromarray(a.astype(np.uint8)); g = i.split()[0]
def total(picture): return picture.size, int(np.asarray(picture).astype(int).sum())
print total(i.resize((7, 4))), total(i.resize(size=(7, 4))), total(i.resize((7, 4), Image.BILINEAR))[0], total(g.convert("F").resize((9, 3)))
def small(*size):
    picture = i.copy(); picture.thumbnail(size); return picture.size
print small(7, 7), small(13, 100), small(100, 7), small(7.5, 9), small(50, 50), small(1, 1), total(i.crop((0.5, 1.5, 4.5, 6.5))), i.crop().size
print total(i.convert('L')), total(i.convert('RGBA').convert('L')), total(ImageOps.grayscale(i)), i.convert('P').mode, total(ImageOps.fit(i, (5, 4))), ImageOps.scale(i, .25).size, total(ImageOps.scale(i, .25))[1]
print total(g.point(lambda v: v * .7)), total(i.point(lambda v: v / 2)), total(Image.eval(g, lambda v: v * 1.1)), total(g.point([v * .9 for v in range(256)])), total(g.convert('F').point(lambda v: v * 2 + 1)), g.point(lambda v: v > 9 and 255, '1').mode
Image.fromarray((a[..., 0] * 100).astype(np.int32)).save('i.png'); print Image.open('i.png').size, int(np.asarray(Image.open('i.png')).max()), i.save('j.png'), Image.open('j.png').mode, i.save(open('k.png', 'wb'), 'PNG')
----
((7, 4), 10600) ((7, 4), 10600) (7, 4) ((9, 3), 3298)
(7, 3) (13, 6) (14, 7) (7, 3) (20, 10) (1, 1) ((4, 5), 6834) (20, 10)
((20, 10), 24977) ((20, 10), 24977) ((20, 10), 24977) P ((5, 4), 7640) (5, 3) 5549
((20, 10), 17546) ((20, 10), 37568) ((20, 10), 27389) ((20, 10), 22585) ((20, 10), 50592) 1
(20, 10) 25500 None RGB None
====
import argparse
p = argparse.ArgumentParser(); p.add_argument('--resize', type=int, default=0); p.add_argument('--grid', action='store_true'); p.add_argument('--crop'); p.add_argument('--save')
a = p.parse_args([]); print a.resize, a.grid, a.crop, a.save, getattr(a, 'resize'), hasattr(a, 'scatter')
class N(object): pass
n = N(); n.axes = [1, 2]; n.paste = 3; n.bar = 'x'; n.hist = 0; n.convert = 'RGB'; n.point = (1, 2); print n.axes, n.paste, n.bar, n.hist or 'none', n.convert, n.point
----
0 False None None 0 False
[1, 2] 3 x none RGB (1, 2)
====
import numpy as np, scipy.ndimage as nd
from scipy.ndimage.interpolation import zoom
a = np.arange(75.).reshape(3, 5, 5)
print nd.zoom(a, (1, .5, .5)).shape, zoom(a, (1, .5, 1.5), order=1).shape, zoom(a[0], .5).shape, nd.zoom(a[0], 2, order=0).shape, nd.interpolation.zoom(a[0], [.3, .7]).shape, round(nd.zoom(a[0], .5, order=1).sum(), 3), round(zoom(a[0], 1.4, order=1).sum(), 3)
----
(3, 3, 3) (3, 3, 8) (3, 3) (10, 10) (2, 4) 108.0 588.0
====
import numpy as np, skimage.transform, skimage.filters, skimage.exposure, skimage.color, skimage.segmentation, skimage.morphology, skimage.feature, skimage.measure, skimage.io, skimage.util, skimage.restoration
u = (np.arange(12 * 10 * 3) * 37 % 251).reshape(12, 10, 3).astype(np.uint8); f = np.float32(u / 255.); g = u[..., 0]; b = g > 99
def said(x): return x.dtype.name, x.shape, round(float(x.sum()), 2)
t = skimage.transform
print said(t.resize(f, (6, 5))), said(t.resize(u, (7, 7), order=0)), said(t.resize(u, (7, 7), order=0, preserve_range=True)), said(t.resize(b, (5, 6))), said(t.rescale(f, .5)), said(t.resize(f, (20, 15), order=3)), said(t.rotate(f, 90)), said(t.warp(f, t.AffineTransform(translation=(1, 0))))
f_ = skimage.filters
print said(f_.gaussian(f, 1)), said(f_.gaussian(u, 2)), said(f_.gaussian(f, 1, multichannel=False)), said(f_.gaussian(g)), said(f_.sobel(g)), said(f_.roberts(g)), said(f_.laplace(g)), said(f_.median(g, skimage.morphology.disk(2))), said(f_.median(g))
e = skimage.exposure.rescale_intensity
print said(e(u, out_range=(0, 255))), said(e(g, in_range=(0, 100), out_range=(0., 1.))), said(e(f, out_range=(0, 255))), said(e(u))
c = skimage.color
print said(c.gray2rgb(u)), said(c.gray2rgb(g)), said(c.label2rgb(g % 3, f)), said(c.label2rgb(g % 4, u, kind='avg'))
print skimage.segmentation.slic(u, 6, 20).min(), skimage.segmentation.slic(g, n_segments=6, multichannel=False).min() == 0, said(skimage.morphology.watershed(g, g * (g > 240)))[0]
m = skimage.morphology; k = np.ones((3, 3))
print said(m.erosion(g, selem=k))[2], said(m.binary_dilation(b, selem=k))[2], said(m.white_tophat(g, k))[2], said(m.remove_small_objects(b, 4))[2], said(m.remove_small_objects(b, min_size=5, connectivity=2))[2], said(m.remove_small_holes(b, 3))[2]
print said(skimage.feature.hog(g, 9, (4, 4), (2, 2)))[2], said(skimage.feature.peak_local_max(g, min_distance=2, indices=False))[0], said(skimage.feature.greycomatrix(g, [1], [0]))[2], skimage.measure.label(b, background=-1).min(), round(skimage.measure.compare_nrmse(f, f[::-1], norm_type='min-max'), 4), skimage.util.montage2d(np.array([g, g])).shape, said(t.radon(g[:10], [0, 45]))[1]
print said(skimage.restoration.denoise_tv_bregman(u * 255., .4, 100, 1e-3)), said(skimage.restoration.denoise_tv_bregman(g, .4))
for x in b, g.astype(int), np.dstack([u, g]): skimage.io.imsave('x.png', x); y = skimage.io.imread('x.png'); print y.dtype, y.sum(), round(float(skimage.io.imread('x.png', as_grey=True).sum()), 2),
----
('float64', (6, 5, 3), 43.96) ('float64', (7, 7, 3), 70.73) ('float64', (7, 7, 3), 18035.0) ('float64', (5, 6), 16.07) ('float64', (6, 5, 3), 43.96) ('float64', (20, 15, 3), 432.61) ('float64', (12, 10, 3), 146.71) ('float64', (12, 10, 3), 157.23)
('float32', (12, 10, 3), 175.98) ('float64', (12, 10, 3), 176.75) ('float32', (12, 10, 3), 176.04) ('float64', (12, 10), 59.59) ('float64', (12, 10), 13.36) ('float64', (12, 10), 14.38) ('float64', (12, 10), 1.97) ('uint8', (12, 10), 15796.0) ('uint8', (12, 10), 16469.0)
('uint8', (12, 10, 3), 45563.0) ('uint8', (12, 10), 74.0) ('float32', (12, 10, 3), 45739.86) ('uint8', (12, 10, 3), 45563.0)
('uint8', (12, 10, 3), 44843.0) ('uint8', (12, 10, 3), 45579.0) ('float64', (12, 10, 3), 170.04) ('uint8', (12, 10, 3), 44681.0)
0 True int32
3641.0 120.0 8149.0 46.0 74.0 120.0
2.0 bool 108.0 1 0.405 (24, 20) (15, 2)
('float64', (12, 10, 3), 11373212.44) ('float64', (12, 10), 60.61)
uint8 74 74.0 uint8 15193 15193.0 uint8 60036 58.54
"""


@pytest.mark.parametrize(("source", "shown"), cases(CASES))
def test_packages(source, shown, tmp_path, monkeypatch):
    for name in ("h5py", "matplotlib", "skimage", "yaml"):
        if f"import {name}" in source:
            pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    assert printed(source) == shown


def test_arrays_are_copied_only_where_they_must_be():
    source = """
import numpy as np
a = np.zeros(2)
for b in np.array(a, copy=False), np.array(a, np.float64, False), np.array(a), np.array([0., 0.], copy=0), np.array(a, 'f', copy=False):
    print b.dtype, np.may_share_memory(a, b),
"""
    assert printed(source).split() == [
        "float64",
        "True",
        "float64",
        "True",
        "float64",
        "False",
        "float64",
        "False",
        "float32",
        "False",
    ]


def test_a_file_that_cannot_be_written_is_read(tmp_path, monkeypatch):
    pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    printed("import h5py\nf = h5py.File('a.h5'); f['x'] = 1; f.close()")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert printed("import h5py\nf = h5py.File('a.h5'); print f['x'].value, f.mode") == "1 r\n"


def test_an_array_of_objects_runs_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = """
import numpy as np, os
class E(object):
    def __reduce__(self): return (os.mkdir, ('made',))
np.save('a.npy', np.array([E(), 1], dtype=object))
for a in 'a.npy', open('a.npy', 'rb'):
    try: np.load(a)
    except Exception, e: print 'mkdir' in str(e), 'could run code' in str(e)
"""
    assert printed(source) == "True True\nTrue True\n"
    assert not (tmp_path / "made").exists()
