"""The exact remainder of doubles as a function of LLVM's, so that it depends on no library."""

REMAINDER = """define internal double @remainder(double %x, double %y) noinline {
entry:
  %xb = bitcast double %x to i64
  %yb = bitcast double %y to i64
  %xa = and i64 %xb, 9223372036854775807
  %ya = and i64 %yb, 9223372036854775807
  %sign = and i64 %xb, -9223372036854775808
  %x.bad = icmp uge i64 %xa, 9218868437227405312
  %y.nan = icmp ugt i64 %ya, 9218868437227405312
  %y.zero = icmp eq i64 %ya, 0
  %y.bad = or i1 %y.nan, %y.zero
  %bad = or i1 %x.bad, %y.bad
  br i1 %bad, label %nan, label %numbers
nan:
  ret double 0x7FF8000000000000
numbers:
  %less = icmp ult i64 %xa, %ya
  br i1 %less, label %itself, label %divide
itself:
  ret double %x
divide:
  %xe0 = lshr i64 %xa, 52
  %ye0 = lshr i64 %ya, 52
  %xm0 = and i64 %xa, 4503599627370495
  %ym0 = and i64 %ya, 4503599627370495
  %x.sub = icmp eq i64 %xe0, 0
  %y.sub = icmp eq i64 %ye0, 0
  %xm1 = or i64 %xm0, 4503599627370496
  %ym1 = or i64 %ym0, 4503599627370496
  %xm = select i1 %x.sub, i64 %xm0, i64 %xm1
  %ym = select i1 %y.sub, i64 %ym0, i64 %ym1
  %xe = select i1 %x.sub, i64 1, i64 %xe0
  %ye = select i1 %y.sub, i64 1, i64 %ye0
  %first = urem i64 %xm, %ym
  %shift = sub i64 %xe, %ye
  br label %head
head:
  %m = phi i64 [ %first, %divide ], [ %m.next, %step ]
  %left = phi i64 [ %shift, %divide ], [ %left.next, %step ]
  %more = icmp ne i64 %left, 0
  br i1 %more, label %step, label %done
step:
  %few = icmp ult i64 %left, 11
  %bits = select i1 %few, i64 %left, i64 11
  %wide = shl i64 %m, %bits
  %m.next = urem i64 %wide, %ym
  %left.next = sub i64 %left, %bits
  br label %head
done:
  %whole = uitofp i64 %m to double
  %small = fmul double %whole, 0x3CB0000000000000
  %power.bits = shl i64 %ye, 52
  %power = bitcast i64 %power.bits to double
  %size = fmul double %small, %power
  %size.bits = bitcast double %size to i64
  %signed = or i64 %size.bits, %sign
  %result = bitcast i64 %signed to double
  ret double %result
}"""
"""The significands as integers, divided with eleven more bits of the dividend at a time. Both products at the end are
exact: the remainder is a multiple of the divisor's last bit."""
