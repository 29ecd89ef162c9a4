"""Solvers' parts: update rules, state files, train and test nets, checks of definitions."""
