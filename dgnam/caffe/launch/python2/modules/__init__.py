"""Modules as Python 2 and the packages of its time had them: what is gone, and what has other names or behaves anew.

Only translated code sees them: `served` gives a module that looks through to today's.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from . import (
    binary,
    builtin_names,
    numpy_names,
    packages,
    pillow_names,
    randoms,
    scipy_names,
    skimage_names,
    standard,
    texts,
)
from .overlay import Made, Overlay, Overlays

RENAMED = {
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Image": "PIL.Image",
    "ImageChops": "PIL.ImageChops",
    "ImageDraw": "PIL.ImageDraw",
    "ImageEnhance": "PIL.ImageEnhance",
    "ImageFilter": "PIL.ImageFilter",
    "ImageFont": "PIL.ImageFont",
    "ImageOps": "PIL.ImageOps",
    "Queue": "queue",
    "SimpleHTTPServer": "http.server",
    "SocketServer": "socketserver",
    "Tkinter": "tkinter",
    "UserList": "collections",
    "anydbm": "dbm",
    "cPickle": "pickle",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "dummy_thread": "_thread",
    "htmlentitydefs": "html.entities",
    "httplib": "http.client",
    "robotparser": "urllib.robotparser",
    "thread": "_thread",
    "tkFileDialog": "tkinter.filedialog",
    "tkFont": "tkinter.font",
    "tkMessageBox": "tkinter.messagebox",
    "ttk": "tkinter.ttk",
    "urlparse": "urllib.parse",
    "xml.etree.cElementTree": "xml.etree.ElementTree",
    "xmlrpclib": "xmlrpc.client",
}
"""Where modules of Python 2 are now."""

_OVERLAYS: Overlays = {
    **binary.OVERLAYS,
    **numpy_names.OVERLAYS,
    **packages.OVERLAYS,
    **pillow_names.OVERLAYS,
    **randoms.OVERLAYS,
    **scipy_names.OVERLAYS,
    **skimage_names.OVERLAYS,
    **standard.OVERLAYS,
    **texts.OVERLAYS,
}

_MADE: Made = {**builtin_names.MADE, **scipy_names.MADE, **skimage_names.MADE, **standard.MADE, **texts.MADE}

WITHOUT: Made = packages.WITHOUT
"""What stands for packages that scripts import without need, where they are not installed."""

_served: dict[str, ModuleType] = {}


def served(name: str) -> ModuleType | None:
    """The module that stands for `name`, dotted, in translated code; None where today's is as good.

    Something stands for a package too if it does for a module within.
    """
    if name not in _served:
        make = _MADE.get(name)
        old = RENAMED.get(name)
        if (
            make is None
            and old is None
            and not any(f"{one}.".startswith(f"{name}.") for one in (*_OVERLAYS, *_MADE, *RENAMED))
        ):
            return None
        if make is not None:
            _served[name] = make()
        else:
            names = _OVERLAYS.get(name, _OVERLAYS.get(old or "", dict))()
            _served[name] = Overlay(importlib.import_module(old or name), names, served)
    return _served[name]
