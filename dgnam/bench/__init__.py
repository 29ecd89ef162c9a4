"""How fast the loop is on a machine, beside what the machine can do: see `dgnam bench`."""
