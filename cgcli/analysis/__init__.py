"""What a run and its derivatives mean node by node: the backward pass, paths of the chain rule, checks of gradients."""
