"""The public API: programs from files, texts and Python functions, their values and derivatives.

f = cgcli.load("samples/article.cg")
f(a=2, b=3, c=1)       # 10.0
f.grad(a=2, b=3, c=1)  # of y: 2, 7 and -5
"""
