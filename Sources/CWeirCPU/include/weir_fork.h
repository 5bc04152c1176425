// What a fork must not tear: whoever changes something under a lock is let finish first, so that the child, which has
// no thread that would, finds every lock free and everything whole. And what a child must not keep: descriptors whose
// locks and connections are its parent's.
#ifndef WEIR_FORK_H
#define WEIR_FORK_H

#include <stdbool.h>
#include <stdint.h>

/// Around the time that a lock is held; may be nested. A fork in another thread waits for the end of it, at most a second.
void weir_fork_enter(void);
void weir_fork_leave(void);

/// Notes that this thread takes a lock, and that it has given the last one back. At most 16 are told apart.
void weir_fork_note(const void *lock);
void weir_fork_forget(void);

/// Whether this thread has noted this lock: what a signal handler, or a callback, must not wait for.
bool weir_fork_has_noted(const void *lock);

/// Whether this thread is between the two: it must not wait for anybody who wants a lock.
bool weir_fork_is_inside(void);

/// How many forks made this process, counted from the one that had no fork behind it. Another number than before: what is
/// known is of the parent.
uint64_t weir_fork_generation(void);
/// How long ago the last of them was. Nanoseconds.
uint64_t weir_fork_age(void);

/// A child shall not have this descriptor: there the number leads to nothing. Until it is kept again, which must be
/// before it is closed.
void weir_fork_drop(int descriptor);
void weir_fork_keep(int descriptor);

#endif
