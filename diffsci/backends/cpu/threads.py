"""Worker threads of compiled programs, as LLVM text: a loop nest is shared out, the caller works along.

``diffsci_parallel(kernel, slots, units, align, threads)`` cuts ``[0, units)`` into chunks; every thread has
a share of them, takes its own first and then those of others. Nobody waits for a thread that has not begun:
on a busy machine the caller does all the work itself. Idle workers spin for some microseconds, then sleep.

One call at a time has the workers, a second caller runs its loop alone: two Python threads that compute at
once keep two cores busy already. A forked child has no workers yet, which its process number shows.

The word of a thread is ``epoch << 32 | next chunk``. While a job is written its words are closed: the next
chunk is beyond all. Who read a stale job cannot take a chunk of it, for the word has changed when it tries.
"""

from __future__ import annotations

import platform

__all__ = ["MOST_THREADS", "PARALLEL", "STOP", "write_threads"]

PARALLEL, STOP = "diffsci_parallel", "diffsci_stop"
MOST_THREADS = 64
_CHUNKS = 4  # for every thread
_SPINS = 2000  # until an idle worker sleeps, or a waiting caller yields: some tens of microseconds
_CLOSED = 0x7FFFFFFF


def write_threads() -> str:
    """Return the text of the module."""
    pause = "@llvm.x86.sse2.pause" if platform.machine() in ("x86_64", "AMD64") else "@no_pause"
    known = pause.startswith("@llvm.")
    declared = f"declare void {pause}()" if known else f"define internal void {pause}() {{\n  ret void\n}}"
    text = _TEXT.replace("<PAUSE_DECLARATION>", declared).replace("@PAUSE", pause)
    values = {"MOST": MOST_THREADS, "CHUNKS": _CHUNKS, "SPINS": _SPINS, "CLOSED": _CLOSED}
    for name, value in (*values.items(), ("PARALLEL", PARALLEL), ("STOP", STOP)):
        text = text.replace(f"<{name}>", str(value))
    return text


_TEXT = """\
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()
declare i32 @getpid()
<PAUSE_DECLARATION>

@process = internal global i32 0, align 128       ; who owns the workers
@busy = internal global i32 0, align 128          ; 1 while a call has them
@workers = internal global i64 0, align 8
@handles = internal global [<MOST> x i64] zeroinitializer, align 64
@epoch = internal global i64 0, align 128         ; changes when a job is there
@words = internal global [<MOST> x [16 x i64]] zeroinitializer, align 128
@finished = internal global i64 0, align 128      ; chunks of the job
@sleepers = internal global i64 0, align 128
@stopped = internal global i32 0, align 8
@mutex = internal global [256 x i8] zeroinitializer, align 128
@condition = internal global [256 x i8] zeroinitializer, align 128
@kernel = internal global ptr null, align 128     ; the job
@slots = internal global ptr null, align 8
@units = internal global i64 0, align 8
@size = internal global i64 0, align 8            ; units of a chunk
@share = internal global i64 0, align 8           ; chunks of a thread
@threads = internal global i64 0, align 8

; Work on chunks until none is left, those of thread %me first.
define internal void @work(i64 %me) {
entry:
  %count = load atomic i64, ptr @threads acquire, align 8
  %wanted = icmp ult i64 %me, %count
  br i1 %wanted, label %whose, label %end
whose:
  %turn = phi i64 [ 0, %entry ], [ %turn1, %next ]
  %sum = add i64 %me, %turn
  %who = urem i64 %sum, %count
  %word = getelementptr [16 x i64], ptr @words, i64 %who
  br label %try
try:
  %seen = load atomic i64, ptr %word acquire, align 8
  %chunk = and i64 %seen, 4294967295
  %share = load atomic i64, ptr @share monotonic, align 8
  %who1 = add i64 %who, 1
  %last = mul i64 %who1, %share
  %some = icmp ult i64 %chunk, %last
  br i1 %some, label %take, label %next
take:
  %kernel = load atomic ptr, ptr @kernel monotonic, align 8
  %slots = load atomic ptr, ptr @slots monotonic, align 8
  %units = load atomic i64, ptr @units monotonic, align 8
  %size = load atomic i64, ptr @size monotonic, align 8
  %after = add i64 %seen, 1
  %pair = cmpxchg ptr %word, i64 %seen, i64 %after acq_rel acquire
  %mine = extractvalue { i64, i1 } %pair, 1
  br i1 %mine, label %run, label %try
run:
  %low = mul i64 %chunk, %size
  %top = add i64 %low, %size
  %over = icmp ugt i64 %top, %units
  %high = select i1 %over, i64 %units, i64 %top
  %any = icmp ult i64 %low, %high
  br i1 %any, label %call, label %done
call:
  call void %kernel(ptr %slots, i64 %low, i64 %high)
  br label %done
done:
  %before = atomicrmw add ptr @finished, i64 1 acq_rel
  br label %try
next:
  %turn1 = add i64 %turn, 1
  %more = icmp ult i64 %turn1, %count
  br i1 %more, label %whose, label %end
end:
  ret void
}

define internal ptr @worker(ptr %argument) {
entry:
  %me = ptrtoint ptr %argument to i64
  br label %job
job:
  %epoch = load atomic i64, ptr @epoch seq_cst, align 8
  %ending = load atomic i32, ptr @stopped seq_cst, align 4  ; no other epoch may follow this one
  %leave = icmp ne i32 %ending, 0
  br i1 %leave, label %end, label %begin
begin:
  call void @work(i64 %me)
  br label %spin
spin:
  %spins = phi i64 [ 0, %begin ], [ %spins1, %again ]
  %now = load atomic i64, ptr @epoch acquire, align 8
  %new = icmp ne i64 %now, %epoch
  br i1 %new, label %check, label %again
again:
  call void @PAUSE()
  %spins1 = add i64 %spins, 1
  %patient = icmp ult i64 %spins1, <SPINS>
  br i1 %patient, label %spin, label %sleep
sleep:
  %locked = call i32 @pthread_mutex_lock(ptr @mutex)
  %more = atomicrmw add ptr @sleepers, i64 1 seq_cst
  br label %look
look:
  %now1 = load atomic i64, ptr @epoch seq_cst, align 8
  %new1 = icmp ne i64 %now1, %epoch
  br i1 %new1, label %wake, label %wait
wait:
  %waited = call i32 @pthread_cond_wait(ptr @condition, ptr @mutex)
  br label %look
wake:
  %less = atomicrmw sub ptr @sleepers, i64 1 seq_cst
  %unlocked = call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %check
check:
  %stopped = load atomic i32, ptr @stopped acquire, align 4
  %stop = icmp ne i32 %stopped, 0
  br i1 %stop, label %end, label %job
end:
  ret ptr null
}

; Say that something has changed: a job is there, or the end.
define internal void @announce() {
entry:
  %old = atomicrmw add ptr @epoch, i64 1 seq_cst
  %asleep = load atomic i64, ptr @sleepers seq_cst, align 8
  %some = icmp ne i64 %asleep, 0
  br i1 %some, label %wake, label %end
wake:
  %locked = call i32 @pthread_mutex_lock(ptr @mutex)
  %sent = call i32 @pthread_cond_broadcast(ptr @condition)
  %unlocked = call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %end
end:
  ret void
}

; Take the workers: true if this call has them. A new process starts without any.
define internal i1 @acquire() {
entry:
  %here = call i32 @getpid()
  %owner = load atomic i32, ptr @process acquire, align 4
  %same = icmp eq i32 %here, %owner
  br i1 %same, label %try, label %adopt
adopt:
  %foreign = icmp eq i32 %owner, -1
  br i1 %foreign, label %no, label %claim
claim:
  %pair = cmpxchg ptr @process, i32 %owner, i32 -1 acq_rel acquire
  %won = extractvalue { i32, i1 } %pair, 1
  br i1 %won, label %reset, label %no
reset:
  store atomic i64 0, ptr @workers monotonic, align 8
  store atomic i64 0, ptr @sleepers monotonic, align 8
  %mutex = call i32 @pthread_mutex_init(ptr @mutex, ptr null)
  %condition = call i32 @pthread_cond_init(ptr @condition, ptr null)
  store atomic i32 0, ptr @busy monotonic, align 4
  store atomic i32 %here, ptr @process release, align 4
  br label %try
try:
  %stopped = load atomic i32, ptr @stopped acquire, align 4
  %stop = icmp ne i32 %stopped, 0
  br i1 %stop, label %no, label %take
take:
  %pair1 = cmpxchg ptr @busy, i32 0, i32 1 acq_rel acquire
  %mine = extractvalue { i32, i1 } %pair1, 1
  ret i1 %mine
no:
  ret i1 false
}

; Start workers until there are %wanted; with fewer, those that are there do the work.
define internal void @hire(i64 %wanted) {
entry:
  br label %more
more:
  %count = load atomic i64, ptr @workers monotonic, align 8
  %few = icmp ult i64 %count, %wanted
  br i1 %few, label %start, label %end
start:
  %handle = getelementptr i64, ptr @handles, i64 %count
  %number = add i64 %count, 1
  %argument = inttoptr i64 %number to ptr
  %failed = call i32 @pthread_create(ptr %handle, ptr null, ptr @worker, ptr %argument)
  %good = icmp eq i32 %failed, 0
  br i1 %good, label %count_it, label %end
count_it:
  store atomic i64 %number, ptr @workers monotonic, align 8
  br label %more
end:
  ret void
}

; Set the words of all threads: closed, or to the first chunk of their shares.
define internal void @set_words(i64 %count, i64 %share, i1 %open) {
entry:
  %epoch = load atomic i64, ptr @epoch monotonic, align 8
  %high = shl i64 %epoch, 32
  br label %one
one:
  %who = phi i64 [ 0, %entry ], [ %who1, %one ]
  %first = mul i64 %who, %share
  %low = select i1 %open, i64 %first, i64 <CLOSED>
  %value = or i64 %high, %low
  %word = getelementptr [16 x i64], ptr @words, i64 %who
  store atomic i64 %value, ptr %word seq_cst, align 8
  %who1 = add i64 %who, 1
  %more = icmp ult i64 %who1, %count
  br i1 %more, label %one, label %end
end:
  ret void
}

define void @<PARALLEL>(ptr %kernel, ptr %slots, i64 %units, i64 %align, i64 %wanted) {
entry:
  %many = icmp ugt i64 %wanted, <MOST>
  %threads = select i1 %many, i64 <MOST>, i64 %wanted
  %several = icmp ugt i64 %threads, 1
  br i1 %several, label %try, label %alone
try:
  %mine = call i1 @acquire()
  br i1 %mine, label %share_out, label %alone
alone:
  call void %kernel(ptr %slots, i64 0, i64 %units)
  ret void
share_out:
  %helpers = sub i64 %threads, 1
  call void @hire(i64 %helpers)
  %workers = load atomic i64, ptr @workers monotonic, align 8
  %everyone = add i64 %workers, 1
  call void @set_words(i64 %everyone, i64 0, i1 false)
  %short = icmp ult i64 %everyone, %threads
  %present = select i1 %short, i64 %everyone, i64 %threads
  %parts = mul i64 %present, <CHUNKS>
  %parts_less = sub i64 %parts, 1
  %rounded = add i64 %units, %parts_less
  %least = udiv i64 %rounded, %parts
  %align_less = sub i64 %align, 1
  %up = add i64 %least, %align_less
  %blocks = udiv i64 %up, %align
  %size = mul i64 %blocks, %align
  store atomic ptr %kernel, ptr @kernel monotonic, align 8
  store atomic ptr %slots, ptr @slots monotonic, align 8
  store atomic i64 %units, ptr @units monotonic, align 8
  store atomic i64 %size, ptr @size monotonic, align 8
  store atomic i64 <CHUNKS>, ptr @share monotonic, align 8
  store atomic i64 0, ptr @finished monotonic, align 8
  store atomic i64 %present, ptr @threads release, align 8
  call void @set_words(i64 %present, i64 <CHUNKS>, i1 true)
  call void @announce()
  call void @work(i64 0)
  br label %wait
wait:
  %spins = phi i64 [ 0, %share_out ], [ %spins1, %wait_more ], [ 0, %yield ]
  %finished = load atomic i64, ptr @finished acquire, align 8
  %all = icmp uge i64 %finished, %parts
  br i1 %all, label %end, label %wait_more
wait_more:
  call void @PAUSE()
  %spins1 = add i64 %spins, 1
  %patient = icmp ult i64 %spins1, <SPINS>
  br i1 %patient, label %wait, label %yield
yield:
  %yielded = call i32 @sched_yield()
  br label %wait
end:
  store atomic i32 0, ptr @busy release, align 4
  ret void
}

; Before the process ends: no thread may run code that is about to go.
define void @<STOP>() {
entry:
  %here = call i32 @getpid()
  %owner = load atomic i32, ptr @process acquire, align 4
  %same = icmp eq i32 %here, %owner
  br i1 %same, label %take, label %out
take:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 acq_rel acquire
  %mine = extractvalue { i32, i1 } %pair, 1
  br i1 %mine, label %stop, label %wait
wait:
  %yielded = call i32 @sched_yield()
  br label %take
stop:
  store atomic i32 1, ptr @stopped seq_cst, align 4
  call void @announce()
  %count = load atomic i64, ptr @workers monotonic, align 8
  br label %next
next:
  %who = phi i64 [ 0, %stop ], [ %who1, %join ]
  %more = icmp ult i64 %who, %count
  br i1 %more, label %join, label %end
join:
  %place = getelementptr i64, ptr @handles, i64 %who
  %handle = load i64, ptr %place, align 8
  %joined = call i32 @pthread_join(i64 %handle, ptr null)
  %who1 = add i64 %who, 1
  br label %next
end:
  store atomic i64 0, ptr @workers monotonic, align 8
  store atomic i32 0, ptr @busy release, align 4
  br label %out
out:
  ret void
}
"""
