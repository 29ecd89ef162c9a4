"""As much of an object store as the executor uses, in this process: objects://BUCKET/KEY, and no folders."""

import fsspec


class ObjectStore(fsspec.AbstractFileSystem):
    """Objects by bucket and key.

    down: whether it has stopped answering.
    down_at: a method and a part of a path; it stops answering when that is asked for.
    hung: an event where it hangs rather than refuses when it is down, until that is set.
    """

    protocol, cachable = "objects", False
    buckets, down, down_at, hung = {}, False, ("", ""), None

    def pipe_file(self, path, value, mode="overwrite", **kwargs):
        objects, key = self._objects("pipe_file", path)
        objects[key] = value

    def cat_file(self, path, start=None, end=None, **kwargs):
        objects, key = self._objects("cat_file", path)
        if key not in objects:
            raise FileNotFoundError(path)
        return objects[key]

    def rm_file(self, path):
        objects, key = self._objects("rm_file", path)
        objects.pop(key, None)

    def ls(self, path, detail=True, **kwargs):
        objects, prefix = self._objects("ls", path)
        found = [key for key in objects if not prefix or key.startswith(f"{prefix}/")]
        if not found:
            raise FileNotFoundError(path)
        return [{"name": key, "type": "file", "size": len(objects[key])} if detail else key for key in found]

    def makedirs(self, path, exist_ok=False):
        self.buckets.setdefault(path.partition("/")[0], {})

    def rmdir(self, path):
        if not self.buckets.get(path, True):
            del self.buckets[path]

    def _objects(self, method, path):
        if method == self.down_at[0] and self.down_at[1] in path:
            type(self).down = True
        if self.down:
            if self.hung is not None:
                self.hung.wait()
            raise ConnectionError("no answer")
        bucket, _, key = path.partition("/")
        if bucket not in self.buckets:
            raise FileNotFoundError("The specified bucket does not exist")
        return self.buckets[bucket], key
