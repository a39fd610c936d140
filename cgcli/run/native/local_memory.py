"""Memory of local buffers, as functions of LLVM's.

The state of a buffer is its address (null before it is allocated), its bytes and its room in items. `used` counts the
bytes of all buffers of the call. `controls` is the record of the caller: the stop flag, the functions that allocate
zeros and free memory, and the largest number of bytes that a call may use. Memory is asked for in multiples of 64
bytes, so that it is copied in such blocks.
"""

RELEASE = """define internal void @release(ptr %state, ptr %used, ptr %controls) noinline {
entry:
  %address = load ptr, ptr %state, align 8
  %none = icmp eq ptr %address, null
  br i1 %none, label %done, label %free
free:
  %at.bytes = getelementptr i64, ptr %state, i64 1
  %bytes = load i64, ptr %at.bytes, align 8
  %before = load i64, ptr %used, align 8
  %after = sub i64 %before, %bytes
  store i64 %after, ptr %used, align 8
  store ptr null, ptr %state, align 8
  %at.free = getelementptr i64, ptr %controls, i64 2
  %function = load ptr, ptr %at.free, align 8
  call void %function(ptr %address)
  br label %done
done:
  ret void
}"""
"""Frees a buffer."""

OBTAIN = """define internal ptr @obtain(i64 %bytes, ptr %used, ptr %controls) noinline {
entry:
  %at.limit = getelementptr i64, ptr %controls, i64 3
  %limit = load i64, ptr %at.limit, align 8
  %before = load i64, ptr %used, align 8
  %left = sub i64 %limit, %before
  %much = icmp sgt i64 %bytes, %left
  br i1 %much, label %refused, label %ask
refused:
  ret ptr null
ask:
  %up = add i64 %bytes, 64
  %blocks = lshr i64 %up, 6
  %at.allocate = getelementptr i64, ptr %controls, i64 1
  %function = load ptr, ptr %at.allocate, align 8
  %address = call ptr %function(i64 %blocks, i64 64)
  %none = icmp eq ptr %address, null
  br i1 %none, label %refused, label %count
count:
  %after = add i64 %before, %bytes
  store i64 %after, ptr %used, align 8
  ret ptr %address
}"""
"""Zeros of so many bytes and up to 64 more; null where there is no memory."""

RESERVE = (
    OBTAIN
    + """
define internal i1 @reserve(ptr %state, i64 %bytes, i64 %room, ptr %used, ptr %controls) noinline {
entry:
  call void @release(ptr %state, ptr %used, ptr %controls)
  %address = call ptr @obtain(i64 %bytes, ptr %used, ptr %controls)
  store ptr %address, ptr %state, align 8
  %at.bytes = getelementptr i64, ptr %state, i64 1
  store i64 %bytes, ptr %at.bytes, align 8
  %at.room = getelementptr i64, ptr %state, i64 2
  store i64 %room, ptr %at.room, align 8
  %there = icmp ne ptr %address, null
  ret i1 %there
}"""
)
"""Gives a buffer new memory."""

GROW = """define internal i1 @grow(ptr %state, i64 %first, i64 %item, ptr %used, ptr %controls) noinline {
entry:
  %far = icmp ugt i64 %first, 1152921504606846976
  br i1 %far, label %refused, label %measure
measure:
  %twice = shl i64 %first, 1
  %few = icmp slt i64 %twice, 64
  %room = select i1 %few, i64 64, i64 %twice
  %product = call {i64, i1} @llvm.smul.with.overflow.i64(i64 %room, i64 %item)
  %bytes = extractvalue {i64, i1} %product, 0
  %over = extractvalue {i64, i1} %product, 1
  br i1 %over, label %refused, label %ask
ask:
  %address = call ptr @obtain(i64 %bytes, ptr %used, ptr %controls)
  %none = icmp eq ptr %address, null
  br i1 %none, label %refused, label %begin
refused:
  ret i1 false
begin:
  %before = load ptr, ptr %state, align 8
  %at.bytes = getelementptr i64, ptr %state, i64 1
  %old = load i64, ptr %at.bytes, align 8
  br label %head
head:
  %k = phi i64 [ 0, %begin ], [ %k.next, %copy ]
  %more = icmp slt i64 %k, %old
  br i1 %more, label %copy, label %done
copy:
  %from = getelementptr i8, ptr %before, i64 %k
  %to = getelementptr i8, ptr %address, i64 %k
  %block = load <8 x i64>, ptr %from, align 1
  store <8 x i64> %block, ptr %to, align 1
  %k.next = add i64 %k, 64
  br label %head
done:
  call void @release(ptr %state, ptr %used, ptr %controls)
  store ptr %address, ptr %state, align 8
  store i64 %bytes, ptr %at.bytes, align 8
  %at.room = getelementptr i64, ptr %state, i64 2
  store i64 %room, ptr %at.room, align 8
  ret i1 true
}"""
"""Moves a buffer into room for twice as many items."""
