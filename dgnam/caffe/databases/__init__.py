"""Databases of Datums: LMDB and LevelDB."""
