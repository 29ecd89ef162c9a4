"""The search for settings on the command line: what is asked (`request`), the networks for it (`stage`), the run and
its `results`, and the command, `dgnam search` (`app`).  The search itself is `dgnam.am.search`.
"""
