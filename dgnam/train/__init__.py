"""Training of the networks that the method needs: classifiers, and generators in the way of DeePSiM."""
